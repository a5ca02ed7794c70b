//! Which records are of one person, and what that means for every decision: a query that names one record is widened to all of them
//! where decisions are executed, so that no command has to remember merges.

use std::collections::BTreeSet;

use crate::event::{Event, EventType, Named};
use crate::ids::PatientId;
use crate::patients::{PatientMergeUndone, PatientsEvent, PatientsMerged};
use crate::query::{Query, QueryItem, Tag};

/// The merges in force.
#[derive(Default)]
pub struct LinkedPatients {
    merges: BTreeSet<(PatientId, PatientId)>,
}

impl LinkedPatients {
    /// The events it is folded from.
    pub const TYPES: &'static [EventType] = &[PatientsMerged::TYPE, PatientMergeUndone::TYPE];

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Patients(PatientsEvent::PatientsMerged(merge)) => {
                self.merges.insert((merge.survivor, merge.merged));
            }
            Event::Patients(PatientsEvent::PatientMergeUndone(merge)) => {
                self.merges.remove(&(merge.survivor, merge.merged));
            }
            _ => {}
        }
    }

    /// Every record of the person, this one included.
    pub fn records_of(&self, patient: PatientId) -> BTreeSet<PatientId> {
        let mut records = BTreeSet::from([patient]);
        loop {
            let before = records.len();
            for (survivor, merged) in &self.merges {
                if records.contains(survivor) || records.contains(merged) {
                    records.extend([*survivor, *merged]);
                }
            }
            if records.len() == before {
                return records;
            }
        }
    }

    /// Whether two records are of one person.
    pub fn same_person(&self, one: PatientId, other: PatientId) -> bool {
        one == other || self.records_of(one).contains(&other)
    }

    /// The record that `patient` was merged into, if it was.
    pub fn survivor_of(&self, patient: PatientId) -> Option<PatientId> {
        self.merges.iter().find(|(_, merged)| *merged == patient).map(|(survivor, _)| *survivor)
    }
}

/// The query as it must be read: where it names a patient, it also asks for merges, and for the same of every record that `linked` knows as theirs.
pub fn widen(query: &Query, linked: &LinkedPatients) -> Query {
    let mut items: Vec<QueryItem> = Vec::with_capacity(query.items.len());
    let mut patients = BTreeSet::new();
    for item in &query.items {
        let named: BTreeSet<PatientId> = item.tags.iter().filter_map(Tag::names_patient).collect();
        let Some(patient) = named.first().copied() else {
            items.push(item.clone());
            continue;
        };
        for record in linked.records_of(patient) {
            patients.insert(record);
            let tags = item.tags.iter().map(|tag| if tag.names_patient() == Some(patient) { tag.for_patient(record) } else { tag.clone() });
            items.push(QueryItem { types: item.types.clone(), tags: tags.collect() });
        }
    }
    let merges = patients.into_iter().map(|patient| QueryItem { types: LinkedPatients::TYPES.to_vec(), tags: vec![Tag::patient(patient)] });
    items.extend(merges);
    Query { items }
}
