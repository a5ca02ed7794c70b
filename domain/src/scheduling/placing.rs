//! What it takes to put an appointment somewhere: shared by booking and moving one.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{AppointmentId, FacilityId, PatientId, PractitionerId, RoomId};
use crate::organizations::FacilityStanding;
use crate::patients::{PatientStanding, PatientUnusable};
use crate::phi::Phi;
use crate::providers::PractitionerStanding;
use crate::query::Query;
use crate::scheduling::{Bookings, Busy, Exception, Placement};
use crate::time::{IntendedTime, LocalTime, NoSuchTime, Repeated};
use crate::value::Minutes;

/// With whom, where and when, as a caller asks for it. The zone is the facility's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlacementWanted {
    /// With whom.
    pub practitioner: PractitionerId,
    /// Where.
    pub facility: FacilityId,
    /// In which room, if it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The date and time on the facility's clocks, such as `2027-03-01T09:30:00`.
    pub start: Phi<LocalTime>,
    /// Which one, when the clocks go back and show that time twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
    /// How long it takes.
    pub minutes: Minutes,
}

/// Why an appointment cannot be there and then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum NotPlaceable {
    /// No such facility.
    #[error("the facility is not known")]
    FacilityUnknown,
    /// No such room at the facility.
    #[error("the room is not at the facility")]
    RoomUnknown,
    /// No such practitioner.
    #[error("the practitioner is not known")]
    PractitionerUnknown,
    /// The local time is not a moment at the facility.
    #[error("the local time is not one moment at the facility")]
    NoSuchTime {
        /// Skipped, or shown twice.
        problem: NoSuchTime,
    },
    /// It would start in the past.
    #[error("the start lies in the past")]
    StartInThePast,
    /// It has not started, though it is entered as having happened.
    #[error("what is entered after the fact must have started")]
    StartInTheFuture,
    /// Outside of the practitioner's hours.
    #[error("the practitioner is not available at that time")]
    PractitionerUnavailable,
    /// The record cannot be used.
    #[error(transparent)]
    #[serde(untagged)]
    Patient(#[from] PatientUnusable),
    /// Someone or something is taken.
    #[error(transparent)]
    #[serde(untagged)]
    Busy(#[from] Busy),
}

/// Everything that placing depends on.
pub struct Placing {
    /// The facility asked for.
    pub facility: FacilityStanding,
    /// The patient.
    pub patient: PatientStanding,
    /// The practitioner asked for.
    pub practitioner: PractitionerStanding,
    /// The appointments of that practitioner, person and room around that time, and this appointment.
    pub bookings: Bookings,
}

impl Placing {
    /// Before any event, and the events it is folded from: bounded by the days around the time asked for, not by anyone's history.
    pub fn model(appointment: AppointmentId, patient: PatientId, wanted: &PlacementWanted) -> (Self, Query) {
        let days = wanted.start.known().map(|start| IntendedTime::days_around((*start).into(), wanted.minutes)).unwrap_or_default();
        let placing = Self {
            facility: FacilityStanding::of(wanted.facility),
            patient: PatientStanding::of(patient),
            practitioner: PractitionerStanding::of(wanted.practitioner),
            bookings: Bookings::default(),
        };
        let query = Bookings::query(appointment, patient)
            .or(Bookings::query_days(wanted.practitioner, patient, wanted.room, &days))
            .or(placing.facility.query())
            .or(placing.patient.query())
            .or(placing.practitioner.query(&days));
        (placing, query)
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        self.facility.apply(event);
        self.patient.apply(event);
        self.practitioner.apply(event);
        self.bookings.apply(event);
    }

    /// The placement, if `appointment` of `patient` can be there and then.
    pub fn place(
        &self,
        appointment: AppointmentId,
        patient: PatientId,
        wanted: &PlacementWanted,
        exception: Option<&Exception>,
        now: DateTime<Utc>,
    ) -> Result<Placement, NotPlaceable> {
        let zone = self.facility.time_zone.ok_or(NotPlaceable::FacilityUnknown)?;
        if wanted.room.is_some_and(|room| !self.facility.rooms.contains(&room)) {
            return Err(NotPlaceable::RoomUnknown);
        }
        if !self.practitioner.is_onboarded() {
            return Err(NotPlaceable::PractitionerUnknown);
        }
        // A command arrives in clear, so its start is never erased.
        let start = *wanted.start.known().ok_or(NotPlaceable::NoSuchTime { problem: NoSuchTime::Skipped })?;
        let time = IntendedTime { start: start.into(), zone, repeated: wanted.repeated, minutes: wanted.minutes };
        let interval = time.resolve().map_err(|problem| NotPlaceable::NoSuchTime { problem })?;
        let placement = Placement { practitioner: wanted.practitioner, facility: wanted.facility, room: wanted.room, time: time.into() };
        match exception {
            Some(Exception::BackEntered { .. }) if interval.start > now => return Err(NotPlaceable::StartInTheFuture),
            Some(Exception::BackEntered { .. }) => return Ok(placement),
            _ if interval.start < now => return Err(NotPlaceable::StartInThePast),
            Some(Exception::Overbooked { .. }) => return Ok(placement),
            None => {}
        }
        if !self.practitioner.calendar.covers(wanted.facility, interval) {
            return Err(NotPlaceable::PractitionerUnavailable);
        }
        self.bookings.free(appointment, patient, &placement, interval)?;
        Ok(placement)
    }
}
