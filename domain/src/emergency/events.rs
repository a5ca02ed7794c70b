//! What happens to broken glass.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emergency::Finding;
use crate::event::{EventData, Subject};
use crate::ids::{BreakGlassId, PatientId, PractitionerId, UserId};
use crate::phi::Phi;
use crate::query::Tag;
use crate::value::Reason;

events! {
    /// The events of this context.
    "emergency" EmergencyEvent {
        GlassBroken 1,
        BreakGlassReviewed 1,
        BreakGlassEscalated 1,
    }
}

/// Somebody broke the glass: until it ends they reach what the usual rules keep closed of this patient.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlassBroken {
    /// The time for which the glass is broken.
    pub break_glass: BreakGlassId,
    /// Whose record it opens.
    pub patient: PatientId,
    /// Who broke it, and for whom alone it is broken.
    pub user: UserId,
    /// Their own calendar, where they are a practitioner: under whatever account they come, nobody reviews what they did themself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practitioner: Option<PractitionerId>,
    /// Their own record, where they are a patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_patient: Option<PatientId>,
    /// Why.
    pub reason: Phi<Reason>,
    /// From when.
    pub starts: DateTime<Utc>,
    /// Until when.
    pub ends: DateTime<Utc>,
    /// When it is escalated unless somebody has reviewed it.
    pub review_due: DateTime<Utc>,
}

/// Another person looked at it.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakGlassReviewed {
    /// The time for which the glass was broken.
    pub break_glass: BreakGlassId,
    /// Whose record it opened.
    pub patient: PatientId,
    /// Who reviewed it.
    pub reviewer: UserId,
    /// What they found.
    pub finding: Finding,
    /// What they have to say of it.
    pub note: Phi<Reason>,
}

/// Nobody reviewed it in time.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakGlassEscalated {
    /// The time for which the glass was broken.
    pub break_glass: BreakGlassId,
    /// Whose record it opened.
    pub patient: PatientId,
}

impl EventData for GlassBroken {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::break_glass(self.break_glass), Tag::patient(self.patient), Tag::user(self.user)]
    }
}

impl EventData for BreakGlassReviewed {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::break_glass(self.break_glass), Tag::patient(self.patient)]
    }
}

impl EventData for BreakGlassEscalated {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::break_glass(self.break_glass), Tag::patient(self.patient)]
    }
}

impl EmergencyEvent {
    /// Whose record, and which time.
    pub fn about(&self) -> (PatientId, BreakGlassId) {
        match self {
            Self::GlassBroken(event) => (event.patient, event.break_glass),
            Self::BreakGlassReviewed(event) => (event.patient, event.break_glass),
            Self::BreakGlassEscalated(event) => (event.patient, event.break_glass),
        }
    }
}
