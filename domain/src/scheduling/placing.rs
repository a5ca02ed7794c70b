//! What it takes to put an appointment somewhere: shared by everything that books, moves or brings one back.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::{AppointmentId, FacilityId, PatientId, PractitionerId, RoomId};
use crate::organizations::FacilityStanding;
use crate::patients::{PatientStanding, PatientUnusable};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::providers::PractitionerStanding;
use crate::query::{Query, Tag};
use crate::scheduling::{Bookings, Busy, ExceptionGranted, Placement};
use crate::time::{IntendedTime, NoSuchTime, Repeated};
use crate::value::{Minutes, Reason};

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
    pub start: Phi<NaiveDateTime>,
    /// Which one, when the clocks go back and show that time twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
    /// How long it takes.
    pub minutes: Minutes,
}

/// What the caller asks to be let pass; each needs a permission of its own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ExceptionWanted {
    /// Over another appointment, or outside of availability.
    Overbook {
        /// Why.
        reason: Phi<Reason>,
    },
    /// After the fact: a walk-in, a downtime slip. The start may lie in the past; nothing that was is refused for being double.
    BackEntry {
        /// Why.
        reason: Phi<Reason>,
    },
}

impl ExceptionWanted {
    /// What asking for it needs.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Overbook { .. } => Permission::Overbook,
            Self::BackEntry { .. } => Permission::BackEnter,
        }
    }

    /// What it becomes once it is decided.
    pub fn granted(&self) -> ExceptionGranted {
        match self {
            Self::Overbook { reason } => ExceptionGranted::Overbooked { reason: reason.clone() },
            Self::BackEntry { reason } => ExceptionGranted::BackEntered { reason: reason.clone() },
        }
    }
}

/// Why an appointment cannot be there and then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum NotPlaceable {
    /// Something that the placement names is not known, or not what it should be.
    #[error(transparent)]
    Place(#[from] PlaceUnusable),
    /// The record cannot be used.
    #[error(transparent)]
    Patient(#[from] PatientUnusable),
    /// Someone or something is taken.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// Why a place or a time cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum PlaceUnusable {
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
    #[serde(rename_all = "camelCase")]
    NoSuchTime {
        /// Skipped, or shown twice.
        problem: NoSuchTime,
    },
    /// It would start in the past.
    #[error("the start lies in the past")]
    StartInThePast,
    /// It would end in the future, though it is entered as having happened.
    #[error("what is entered after the fact must have started")]
    StartInTheFuture,
    /// Outside of the practitioner's hours.
    #[error("the practitioner is not available at that time")]
    PractitionerUnavailable,
}

/// Everything that placing depends on.
pub struct Placing {
    appointment: AppointmentId,
    patient_id: PatientId,
    days: Vec<NaiveDate>,
    /// The facility asked for.
    pub facility: FacilityStanding,
    /// The patient.
    pub patient: PatientStanding,
    /// The practitioner asked for.
    pub practitioner: PractitionerStanding,
    /// The appointments of that practitioner, patient and room around that time, and this appointment.
    pub bookings: Bookings,
    room: Option<RoomId>,
    practitioner_id: PractitionerId,
}

impl Placing {
    /// Before any event.
    pub fn of(appointment: AppointmentId, patient: PatientId, wanted: &PlacementWanted) -> Self {
        let days = wanted.start.known().map(|start| IntendedTime::days_around(*start, wanted.minutes)).unwrap_or_default();
        Self {
            appointment,
            patient_id: patient,
            days,
            facility: FacilityStanding::of(wanted.facility),
            patient: PatientStanding::of(patient),
            practitioner: PractitionerStanding::of(wanted.practitioner),
            bookings: Bookings::default(),
            room: wanted.room,
            practitioner_id: wanted.practitioner,
        }
    }

    /// The events it is folded from: bounded by the days around the time asked for, not by anyone's history.
    pub fn query(&self) -> Query {
        let mut query = Query::new()
            .and(Bookings::TYPES, Tag::appointment(self.appointment))
            .and_days(Bookings::TYPES, &Tag::practitioner(self.practitioner_id), &self.days)
            .and_days(Bookings::TYPES, &Tag::patient(self.patient_id), &self.days);
        if let Some(room) = self.room {
            query = query.and_days(Bookings::TYPES, &Tag::room(room), &self.days);
        }
        query.or(self.facility.query()).or(self.patient.query()).or(self.practitioner.query(&self.days))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        self.facility.apply(event);
        self.patient.apply(event);
        self.practitioner.apply(event);
        self.bookings.apply(event);
    }

    /// The placement, if the appointment can be there and then.
    pub fn place(&self, wanted: &PlacementWanted, exception: Option<&ExceptionWanted>, now: DateTime<Utc>) -> Result<Placement, NotPlaceable> {
        self.patient.usable()?;
        let zone = self.facility.time_zone.ok_or(PlaceUnusable::FacilityUnknown)?;
        if wanted.room.is_some_and(|room| !self.facility.rooms.contains(&room)) {
            return Err(PlaceUnusable::RoomUnknown.into());
        }
        if !self.practitioner.is_onboarded() {
            return Err(PlaceUnusable::PractitionerUnknown.into());
        }
        let time = wanted.start.clone().map(|start| IntendedTime { start, zone, repeated: wanted.repeated, minutes: wanted.minutes });
        let placement = Placement { practitioner: wanted.practitioner, facility: wanted.facility, room: wanted.room, time };
        // A command arrives in clear, so its start is never erased.
        let resolved = placement.time.known().ok_or(PlaceUnusable::NoSuchTime { problem: NoSuchTime::Skipped })?.resolve();
        let interval = resolved.map_err(|problem| PlaceUnusable::NoSuchTime { problem })?;
        match exception {
            Some(ExceptionWanted::BackEntry { .. }) if interval.start > now => return Err(PlaceUnusable::StartInTheFuture.into()),
            Some(ExceptionWanted::BackEntry { .. }) => return Ok(placement),
            _ if interval.start < now => return Err(PlaceUnusable::StartInThePast.into()),
            Some(ExceptionWanted::Overbook { .. }) => return Ok(placement),
            None => {}
        }
        if !self.practitioner.calendar.covers(wanted.facility, interval) {
            return Err(PlaceUnusable::PractitionerUnavailable.into());
        }
        self.bookings.free(self.appointment, self.patient_id, &self.patient.linked, &placement, interval)?;
        Ok(placement)
    }
}
