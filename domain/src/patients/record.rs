//! What is known of a patient: the fold of one record's events, for decisions and for replay to any moment.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::fhir_values::{Identifier, PartialDate};
use crate::ids::{PatientId, UserId};
use crate::patients::{AccessScope, Contact, DeathTime, Demographics, PatientsEvent};
use crate::phi::Phi;

/// One record as far as its events say. A person may have several, see [`LinkedPatients`](crate::patients::LinkedPatients).
#[derive(Clone, PartialEq)]
pub struct PatientRecord {
    /// The patient.
    pub patient: PatientId,
    /// Who they are.
    pub demographics: Phi<Demographics>,
    /// How to reach them.
    pub contact: Phi<Contact>,
    /// Their business identifiers, each once.
    pub identifiers: Phi<Vec<Identifier>>,
    /// When they died, if they did.
    pub deceased: Option<Phi<DeathTime>>,
    /// Whether the record is in use.
    pub active: bool,
    /// The record that this one was merged into, if it was.
    pub merged_into: Option<PatientId>,
    /// Who else may read it and act for them, and how far; some of them no longer, see [`AccessTerm`](crate::patients::AccessTerm).
    pub grantees: BTreeMap<UserId, Phi<AccessScope>>,
}

impl PatientRecord {
    /// Before any event.
    pub fn of(patient: PatientId) -> Self {
        Self {
            patient,
            demographics: Phi::default(),
            contact: Phi::default(),
            identifiers: Phi::default(),
            deceased: None,
            active: true,
            merged_into: None,
            grantees: BTreeMap::new(),
        }
    }

    /// Folds one event of any context; what is about another record changes nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Patients(event) if event.record() == self.patient => self.fold(event),
            _ => {}
        }
    }

    fn fold(&mut self, event: &PatientsEvent) {
        match event {
            PatientsEvent::PatientRegistered(registered) => {
                self.demographics = registered.demographics.clone();
                self.contact = registered.contact.clone();
                self.identifiers = registered.identifiers.clone();
            }
            PatientsEvent::IdentifierAssigned(assigned) => self.assign(&assigned.identifier),
            PatientsEvent::DemographicsCorrected(corrected) => {
                self.demographics = match (self.demographics.known(), corrected.correction.known()) {
                    (Some(demographics), Some(correction)) => Phi::Known(demographics.clone().corrected(correction.clone())),
                    _ => Phi::Erased,
                };
            }
            PatientsEvent::ContactDetailsChanged(changed) => self.contact = changed.contact.clone(),
            PatientsEvent::DeathRecorded(recorded) => self.deceased = Some(recorded.deceased),
            PatientsEvent::DeathReversed(_) => self.deceased = None,
            PatientsEvent::PatientDeactivated(_) => self.active = false,
            PatientsEvent::PatientsMerged(merge) => self.merged_into = Some(merge.survivor),
            PatientsEvent::PatientMergeUndone(_) => self.merged_into = None,
            PatientsEvent::PatientAccessGranted(granted) => {
                self.grantees.insert(granted.grantee, granted.scope.clone());
            }
            PatientsEvent::PatientAccessRevoked(revoked) => {
                self.grantees.remove(&revoked.grantee);
            }
        }
    }

    /// An identifier that the record has under another type is assigned anew, not twice.
    fn assign(&mut self, identifier: &Phi<Identifier>) {
        let (Some(identifier), Phi::Known(identifiers)) = (identifier.known(), &mut self.identifiers) else {
            self.identifiers = Phi::Erased;
            return;
        };
        identifiers.retain(|known| !known.is_same_as(identifier));
        identifiers.push(identifier.clone());
    }

    /// When they were born, as far as it is known.
    pub fn birth_date(&self) -> Option<PartialDate> {
        self.demographics.known().and_then(|demographics| demographics.birth_date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::examples::*;
    use crate::patients::{DeathReversed, PatientDeactivated};

    fn record_of(patient: PatientId, events: &[Event]) -> PatientRecord {
        let mut record = PatientRecord::of(patient);
        for event in events {
            record.apply(event);
        }
        record
    }

    #[test]
    fn a_record_is_the_fold_of_its_events() {
        let events = [
            registered_with(ADA, &[mrn("1")], born("1950")),
            registered_with(BOB, &[mrn("2")], born("1970")),
            assigned(ADA, passport("A1")),
            corrected(ADA, born_correction("1950-02-09")),
            contact_changed(ADA, contact("555-0100")),
            died(ADA, "2026-12-24"),
            access_granted(ADA, RELATIVE),
        ];
        let record = record_of(ADA, &events);
        assert!(record.identifiers == vec![mrn("1"), passport("A1")].into());
        assert!(record.demographics == born("1950-02-09").into() && record.contact == contact("555-0100").into());
        assert!(record.deceased == Some(death_on("2026-12-24").into()) && record.active && record.merged_into.is_none());
        assert!(record.grantees == BTreeMap::from([(RELATIVE, Phi::default())]));
    }

    #[test]
    fn what_was_reversed_or_undone_is_gone() {
        let reversed = DeathReversed { patient: ADA, reason: reason("another person") };
        let events = [died(ADA, "2026-12-24"), reversed.into(), merged(BOB, ADA), merge_undone(BOB, ADA), access_granted(ADA, RELATIVE)];
        let record = record_of(ADA, &[&events[..], &[access_revoked(ADA, RELATIVE)]].concat());
        assert!(record == PatientRecord::of(ADA));
        let deactivated = PatientDeactivated { patient: ADA, reason: reason("a test record") };
        assert!(!record_of(ADA, &[deactivated.into()]).active);
        assert!(record_of(ADA, &[merged(BOB, ADA)]).merged_into == Some(BOB) && record_of(BOB, &[merged(BOB, ADA)]) == PatientRecord::of(BOB));
    }

    #[test]
    fn an_identifier_is_kept_once_under_its_last_type() {
        let untyped = Identifier { r#type: None, ..mrn("1") };
        assert!(record_of(ADA, &[registered_with(ADA, &[untyped], born("1950")), assigned(ADA, mrn("1"))]).identifiers == vec![mrn("1")].into());
    }

    #[test]
    fn of_an_erased_person_nothing_is_known_and_nothing_fails() {
        let mut events = vec![registered_with(ADA, &[mrn("1")], born("1950")), assigned(ADA, passport("A1")), corrected(ADA, born_correction("1951"))];
        events = events.iter().map(erased).collect();
        let record = record_of(ADA, &events);
        assert!(record.demographics == Phi::Erased && record.contact == Phi::Erased && record.identifiers == Phi::Erased && record.birth_date().is_none());
    }
}
