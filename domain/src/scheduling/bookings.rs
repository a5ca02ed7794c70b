//! Which appointments take up which time, as far as a decision has read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::{Event, EventType};
use crate::ids::{AppointmentId, PatientId};
use crate::patients::LinkedPatients;
use crate::scheduling::{AppointmentStatus, Placement, SchedulingEvent};
use crate::time::Interval;

/// One appointment.
#[derive(Clone)]
pub struct Booking {
    /// Whose it is.
    pub patient: PatientId,
    /// Where it is.
    pub placement: Placement,
    /// How far it has come.
    pub status: AppointmentStatus,
    /// The statuses before, to the last of which a mis-click goes back.
    pub earlier: Vec<AppointmentStatus>,
}

/// Appointments by id.
#[derive(Default)]
pub struct Bookings {
    by_id: BTreeMap<AppointmentId, Booking>,
}

/// Who or what is taken at a time. It does not say by which appointment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Busy {
    /// The practitioner has another appointment.
    #[error("the practitioner has another appointment at that time")]
    PractitionerBusy,
    /// The patient has another appointment.
    #[error("the patient has another appointment at that time")]
    PatientBusy,
    /// The room is taken.
    #[error("the room is taken at that time")]
    RoomBusy,
}

impl Bookings {
    /// The events it is folded from.
    pub const TYPES: &'static [EventType] = SchedulingEvent::TYPES;

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        let Event::Scheduling(event) = event else { return };
        match event {
            SchedulingEvent::AppointmentBooked(booked) => self.place(booked.appointment, booked.patient, &booked.placement),
            SchedulingEvent::AppointmentRescheduled(moved) => self.place(moved.appointment, moved.patient, &moved.to),
            SchedulingEvent::AppointmentCancelled(event) => self.step(event.appointment, AppointmentStatus::Cancelled),
            SchedulingEvent::AppointmentCheckedIn(event) => self.step(event.appointment, AppointmentStatus::CheckedIn),
            SchedulingEvent::AppointmentFulfilled(event) => self.step(event.appointment, AppointmentStatus::Fulfilled),
            SchedulingEvent::AppointmentNoShow(event) => self.step(event.appointment, AppointmentStatus::NoShow),
            SchedulingEvent::AppointmentStatusReverted(event) => self.step_back(event.appointment, event.to),
        }
    }

    /// A day's events may begin with a move into that day, so either may be the first that is known of an appointment.
    fn place(&mut self, appointment: AppointmentId, patient: PatientId, placement: &Placement) {
        let fresh = || Booking { patient, placement: placement.clone(), status: AppointmentStatus::Booked, earlier: Vec::new() };
        self.by_id.entry(appointment).or_insert_with(fresh).placement = placement.clone();
    }

    fn step(&mut self, appointment: AppointmentId, status: AppointmentStatus) {
        if let Some(booking) = self.by_id.get_mut(&appointment) {
            let before = std::mem::replace(&mut booking.status, status);
            booking.earlier.push(before);
        }
    }

    fn step_back(&mut self, appointment: AppointmentId, status: AppointmentStatus) {
        if let Some(booking) = self.by_id.get_mut(&appointment) {
            booking.earlier.pop();
            booking.status = status;
        }
    }

    /// The appointment of this id, if it was read.
    pub fn get(&self, appointment: AppointmentId) -> Option<&Booking> {
        self.by_id.get(&appointment)
    }

    /// Whether the practitioner, the person or the room of `placement` has another active appointment during `interval`.
    pub fn free(&self, except: AppointmentId, patient: PatientId, linked: &LinkedPatients, placement: &Placement, interval: Interval) -> Result<(), Busy> {
        for (appointment, booking) in &self.by_id {
            let overlaps = booking.placement.interval().is_some_and(|taken| taken.overlaps(interval));
            if *appointment == except || !booking.status.is_active() || !overlaps {
                continue;
            }
            if booking.placement.practitioner == placement.practitioner {
                return Err(Busy::PractitionerBusy);
            }
            if linked.same_person(booking.patient, patient) {
                return Err(Busy::PatientBusy);
            }
            if placement.room.is_some() && booking.placement.room == placement.room {
                return Err(Busy::RoomBusy);
            }
        }
        Ok(())
    }
}
