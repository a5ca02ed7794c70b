//! Where and when an appointment is, and how far it has come.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{FacilityId, PatientId, PractitionerId, RoomId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Tag;
use crate::time::{IntendedTime, Interval};
use crate::value::Reason;

/// FHIR `appointmentstatus`, as far as Carelog uses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppointmentStatus {
    /// It will take place.
    Booked,
    /// The patient is there.
    CheckedIn,
    /// It took place.
    Fulfilled,
    /// It will not take place.
    Cancelled,
    /// The patient did not come.
    #[serde(rename = "noshow")]
    NoShow,
}

impl AppointmentStatus {
    /// Whether the time is taken for the practitioner, the patient and the room.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Booked | Self::CheckedIn | Self::Fulfilled)
    }

    /// The FHIR code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::CheckedIn => "checked-in",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
            Self::NoShow => "noshow",
        }
    }
}

/// With whom, where and when.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// With whom.
    pub practitioner: PractitionerId,
    /// Where.
    pub facility: FacilityId,
    /// In which room, if it matters.
    pub room: Option<RoomId>,
    /// When; a date of service is protected.
    pub time: Phi<IntendedTime>,
}

impl Placement {
    /// The real time under today's zone rules, unless it was erased.
    pub fn interval(&self) -> Option<Interval> {
        self.time.known().map(IntendedTime::interval)
    }

    /// The local days of everyone and everything that it occupies, so that whoever decides about such a day finds it.
    pub fn tags(&self, patient: PatientId) -> Vec<Tag> {
        let days: Vec<NaiveDate> = self.time.known().map(IntendedTime::days).unwrap_or_default();
        let occupied = [Some(Tag::practitioner(self.practitioner)), Some(Tag::patient(patient)), self.room.map(Tag::room)];
        occupied.iter().flatten().flat_map(|thing| days.iter().map(|day| thing.on(*day))).collect()
    }
}

/// What is let pass, by a permission of its own and for a reason.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Exception {
    /// Over another appointment, or outside of availability.
    Overbooked {
        /// Why.
        reason: Phi<Reason>,
    },
    /// After the fact: a walk-in, a downtime slip. The start lies in the past; nothing that was is refused for being double.
    BackEntered {
        /// Why.
        reason: Phi<Reason>,
    },
}

impl Exception {
    /// What asking for it needs.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Overbooked { .. } => Permission::Overbook,
            Self::BackEntered { .. } => Permission::BackEnter,
        }
    }
}
