//! Which appointments take up which time, as far as a decision has read.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::event::{Event, EventType};
use crate::ids::{AppointmentId, PatientId, PractitionerId, RoomId};
use crate::patients::LinkedPatients;
use crate::query::{Query, Tag};
use crate::scheduling::{Action, AppointmentStatus, NotNow, Placement, SchedulingEvent};
use crate::time::Interval;

/// One appointment.
#[derive(Clone)]
pub struct Booking {
    /// Whose it is.
    pub patient: PatientId,
    /// Where it is.
    pub placement: Placement,
    /// Whether it was let pass where it is, whatever else is there.
    pub excepted: bool,
    /// How far it has come.
    pub status: AppointmentStatus,
    /// The statuses before, to the last of which a mis-click goes back.
    pub earlier: Vec<AppointmentStatus>,
}

/// Appointments by id, and which of their patients are one person.
#[derive(Default)]
pub struct Bookings {
    by_id: BTreeMap<AppointmentId, Booking>,
    linked: LinkedPatients,
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

/// Why nothing can be done with the appointment that a command names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AppointmentUnusable {
    /// This patient has no such appointment. Whether somebody else has is not said.
    #[error("the patient has no such appointment")]
    AppointmentUnknown,
    /// Its state does not allow it.
    #[error(transparent)]
    #[serde(untagged)]
    NotNow(#[from] NotNow),
}

impl Bookings {
    const TYPES: &'static [EventType] = SchedulingEvent::TYPES;

    /// The events of one appointment that is said to be this patient's.
    pub fn query(appointment: AppointmentId, patient: PatientId) -> Query {
        Query::new().and(Self::TYPES, Tag::appointment(appointment)).and(LinkedPatients::TYPES, Tag::patient(patient))
    }

    /// The events of whatever takes up a practitioner, a person or a room on these days.
    pub fn query_days(practitioner: PractitionerId, patient: PatientId, room: Option<RoomId>, days: &[NaiveDate]) -> Query {
        let occupied = [Some(Tag::practitioner(practitioner)), Some(Tag::patient(patient)), room.map(Tag::room)];
        occupied.iter().flatten().fold(Query::new(), |query, thing| query.and_days(Self::TYPES, thing, days))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        self.linked.apply(event);
        let Event::Scheduling(event) = event else { return };
        match event {
            SchedulingEvent::AppointmentBooked(booked) => self.place(booked.appointment, booked.patient, &booked.placement, booked.exception.is_some()),
            SchedulingEvent::AppointmentRescheduled(moved) => self.place(moved.appointment, moved.patient, &moved.to, moved.exception.is_some()),
            SchedulingEvent::AppointmentCancelled(event) => self.step(event.appointment, AppointmentStatus::Cancelled),
            SchedulingEvent::AppointmentCheckedIn(event) => self.step(event.appointment, AppointmentStatus::CheckedIn),
            SchedulingEvent::AppointmentFulfilled(event) => self.step(event.appointment, AppointmentStatus::Fulfilled),
            SchedulingEvent::AppointmentNoShow(event) => self.step(event.appointment, AppointmentStatus::NoShow),
            SchedulingEvent::AppointmentStatusReverted(event) => self.step_back(event.appointment, event.to),
        }
    }

    /// A day's events may begin with a move to that day, so either may be the first that is known of an appointment. Only what is booked is moved.
    fn place(&mut self, appointment: AppointmentId, patient: PatientId, placement: &Placement, excepted: bool) {
        let booking = Booking { patient, placement: placement.clone(), excepted, status: AppointmentStatus::Booked, earlier: Vec::new() };
        self.by_id.insert(appointment, booking);
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

    /// The appointment that a command names, if it is this person's and its state allows that command. A merged record's appointments may be
    /// named by either record.
    pub fn open_to<A: Action>(&self, appointment: AppointmentId, patient: PatientId, now: DateTime<Utc>) -> Result<&Booking, AppointmentUnusable> {
        let booking = self.get(appointment).filter(|booking| self.linked.same_person(booking.patient, patient));
        let booking = booking.ok_or(AppointmentUnusable::AppointmentUnknown)?;
        // With its patient's key, all that is known of an appointment is destroyed.
        let interval = booking.placement.interval().ok_or(AppointmentUnusable::AppointmentUnknown)?;
        A::allowed(booking.status, interval, now)?;
        Ok(booking)
    }

    /// Whether the practitioner, the person or the room of `placement` has another active appointment during `interval`.
    pub fn free(&self, except: AppointmentId, patient: PatientId, placement: &Placement, interval: Interval) -> Result<(), Busy> {
        for (appointment, booking) in &self.by_id {
            let overlaps = booking.placement.interval().is_some_and(|taken| taken.overlaps(interval));
            if *appointment == except || !booking.status.is_active() || !overlaps {
                continue;
            }
            if booking.placement.practitioner == placement.practitioner {
                return Err(Busy::PractitionerBusy);
            }
            if self.linked.same_person(booking.patient, patient) {
                return Err(Busy::PatientBusy);
            }
            if placement.room.is_some() && booking.placement.room == placement.room {
                return Err(Busy::RoomBusy);
            }
        }
        Ok(())
    }
}
