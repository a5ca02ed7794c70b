//! What a decision about a disclosure depends on: the patient's record, and what was said of the disclosure.

use crate::disclosures::DisclosuresEvent;
use crate::event::Event;
use crate::ids::{DisclosureId, PatientId};
use crate::patients::PatientStanding;
use crate::query::{Query, Tag};

/// A patient's record, and one disclosure.
pub struct DisclosureStanding {
    pub(super) patient: PatientStanding,
    of: PatientId,
    id: DisclosureId,
    made: Option<PatientId>,
    pub(super) retracted: bool,
}

impl DisclosureStanding {
    /// The model before any event, and what it must see.
    pub(super) fn of(patient: PatientId, id: DisclosureId) -> (Self, Query) {
        let standing = PatientStanding::of(patient);
        let query = standing.query().and(DisclosuresEvent::TYPES, Tag::disclosure(id));
        (Self { patient: standing, of: patient, id, made: None, retracted: false }, query)
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.patient.apply(event);
        match event {
            Event::Disclosures(DisclosuresEvent::DisclosureMade(event)) if event.disclosure == self.id => self.made = Some(event.patient),
            Event::Disclosures(DisclosuresEvent::DisclosureRetracted(event)) if event.disclosure == self.id => self.retracted = true,
            _ => {}
        }
    }

    /// Whether a disclosure has this id, whoever's it is.
    pub(super) fn exists(&self) -> bool {
        self.made.is_some()
    }

    /// The record that it was entered in, if that is one of this person.
    pub(super) fn own(&self) -> Option<PatientId> {
        self.made.filter(|record| self.patient.linked.same_person(*record, self.of))
    }
}
