//! What a decision about broken glass depends on: the patient's record, and what happened to this glass.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::decision::Circumstances;
use crate::emergency::{EmergencyEvent, GlassBroken};
use crate::event::Event;
use crate::ids::{BreakGlassId, PatientId, PractitionerId, UserId};
use crate::patients::{LinkedPatients, PatientStanding};
use crate::query::{Query, Tag};

/// A patient's record, and one time for which the glass was broken.
pub struct BreakGlassStanding {
    pub(super) patient: PatientStanding,
    of: PatientId,
    id: BreakGlassId,
    broken: Option<Broken>,
    pub(super) reviewed: bool,
    pub(super) escalated: bool,
}

/// Broken glass.
#[derive(Clone, Copy)]
pub(super) struct Broken {
    pub(super) patient: PatientId,
    user: UserId,
    practitioner: Option<PractitionerId>,
    own_patient: Option<PatientId>,
    pub(super) review_due: DateTime<Utc>,
}

/// The patient has no such broken glass. Whether somebody else has is not said.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename = "break-glass-unknown")]
#[error("the glass was not broken for this patient under this id")]
pub struct BreakGlassUnknown {}

impl BreakGlassStanding {
    /// The model before any event, and what it must see.
    pub(super) fn of(patient: PatientId, id: BreakGlassId) -> (Self, Query) {
        let standing = PatientStanding::of(patient);
        let query = standing.query().and(EmergencyEvent::TYPES, Tag::break_glass(id));
        (Self { patient: standing, of: patient, id, broken: None, reviewed: false, escalated: false }, query)
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.patient.apply(event);
        let Event::Emergency(event) = event else { return };
        if event.about().1 != self.id {
            return;
        }
        match event {
            EmergencyEvent::GlassBroken(GlassBroken { patient, user, practitioner, own_patient, review_due, .. }) => {
                let (practitioner, own_patient) = (*practitioner, *own_patient);
                self.broken = Some(Broken { patient: *patient, user: *user, practitioner, own_patient, review_due: *review_due });
            }
            EmergencyEvent::BreakGlassReviewed(_) => self.reviewed = true,
            EmergencyEvent::BreakGlassEscalated(_) => self.escalated = true,
        }
    }

    /// What says which records are of the person who broke it, where they are a patient.
    pub(super) fn own_merges(&self) -> Query {
        let own = self.broken.and_then(|broken| broken.own_patient);
        own.map_or_else(Query::new, |own| Query::new().and(LinkedPatients::TYPES, Tag::patient(own)))
    }

    /// Whether whoever asks is the person who broke it: the same user, practitioner or patient, under any record of theirs.
    pub(super) fn was_broken_by(&self, broken: Broken, asks: &Circumstances) -> bool {
        let same_patient = broken.own_patient.zip(asks.own_patient).is_some_and(|(own, other)| self.patient.linked.same_person(own, other));
        let same_practitioner = broken.practitioner.is_some() && broken.practitioner == asks.practitioner;
        broken.user == asks.actor || same_practitioner || same_patient
    }

    /// Whether glass was broken under this id, whoever's it is.
    pub(super) fn exists(&self) -> bool {
        self.broken.is_some()
    }

    /// The glass, if it was broken for this person, under any record of theirs.
    pub(super) fn broken(&self) -> Result<Broken, BreakGlassUnknown> {
        self.broken.filter(|broken| self.patient.linked.same_person(broken.patient, self.of)).ok_or(BreakGlassUnknown {})
    }
}
