//! Every record of one person: the model that the commands of this context share. Each reads no more of it than it needs.

use std::collections::BTreeMap;

use crate::event::{Event, EventType};
use crate::ids::PatientId;
use crate::patients::{PatientRecord, PatientStanding, PatientUnusable};
use crate::query::{Query, Tag};

/// The record that a command names, and every record that merges have linked with it.
pub struct PersonRecords {
    /// Whether the record that the command names can be used.
    pub standing: PatientStanding,
    own: PatientRecord,
    others: BTreeMap<PatientId, PatientRecord>,
}

impl PersonRecords {
    /// Before any event.
    pub fn of(patient: PatientId) -> Self {
        Self { standing: PatientStanding::of(patient), own: PatientRecord::of(patient), others: BTreeMap::new() }
    }

    /// Whether the record can be used, and events of `types` about it; the same of every linked record comes by itself.
    pub fn query(&self, types: &[EventType]) -> Query {
        self.standing.query().and(types, Tag::patient(self.own.patient))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        self.standing.apply(event);
        self.own.apply(event);
        if let Event::Patients(change) = event
            && change.record() != self.own.patient
        {
            let patient = change.record();
            self.others.entry(patient).or_insert_with(|| PatientRecord::of(patient)).apply(event);
        }
    }

    /// The record that the command names, where something can be added to it.
    pub fn usable(&self) -> Result<&PatientRecord, PatientUnusable> {
        self.standing.usable().map(|()| &self.own)
    }

    /// Every record of the person, the one that the command names first.
    pub fn all(&self) -> impl Iterator<Item = &PatientRecord> {
        let linked = self.standing.linked.records_of(self.own.patient);
        let others = self.others.values().filter(move |record| linked.contains(&record.patient));
        std::iter::once(&self.own).chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::examples::*;

    #[test]
    fn a_person_has_the_records_that_merges_in_force_link() {
        let mut person = PersonRecords::of(BOB);
        let mut records_after = |events: &[Event]| {
            for event in events {
                person.apply(event);
            }
            person.all().map(|record| record.patient).collect::<Vec<_>>()
        };
        assert_eq!(records_after(&[registered(ADA), registered(BOB), registered(CYD), died(CYD, "2026")]), [BOB]);
        assert_eq!(records_after(&[merged(ADA, BOB), merged(CYD, ADA)]), [BOB, ADA, CYD]);
        assert_eq!(records_after(&[merge_undone(CYD, ADA)]), [BOB, ADA]);
        assert_eq!(records_after(&[merge_undone(ADA, BOB)]), [BOB]);
    }
}
