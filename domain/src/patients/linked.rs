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

    /// The record to use instead of `patient`, if it was merged: at the end of the chain where its survivor was merged in turn.
    pub fn final_survivor_of(&self, patient: PatientId) -> Option<PatientId> {
        let chain = std::iter::successors(self.survivor_of(patient), |survivor| self.survivor_of(*survivor));
        chain.take(self.merges.len()).last()
    }

    /// Whether `merged` is merged into `survivor`, directly.
    pub fn is_merged_into(&self, survivor: PatientId, merged: PatientId) -> bool {
        self.merges.contains(&(survivor, merged))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::patients::examples::{merge_undone, merged, reason, registered};
    use crate::patients::{MergePatients, UndoMerge};
    use crate::testing::given;

    const PATIENTS: [PatientId; 5] = [patient(1), patient(2), patient(3), patient(4), patient(5)];

    const fn patient(number: u128) -> PatientId {
        PatientId(Uuid::from_u128(number))
    }

    /// To merge or to undo, survivor and merged.
    fn steps() -> impl Strategy<Value = Vec<(bool, PatientId, PatientId)>> {
        let patient = || proptest::sample::select(&PATIENTS[..]);
        proptest::collection::vec((proptest::bool::weighted(0.7), patient(), patient()), 0..30)
    }

    /// Whether a path of merges leads from each patient to each, by trying every way station.
    fn reachable(merges: &BTreeSet<(PatientId, PatientId)>) -> impl Fn(PatientId, PatientId) -> bool {
        let mut pairs: BTreeSet<(PatientId, PatientId)> = PATIENTS.map(|patient| (patient, patient)).into();
        pairs.extend(merges.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)]));
        for via in PATIENTS {
            for from in PATIENTS {
                for to in PATIENTS {
                    if pairs.contains(&(from, via)) && pairs.contains(&(via, to)) {
                        pairs.insert((from, to));
                    }
                }
            }
        }
        move |one, other| pairs.contains(&(one, other))
    }

    proptest! {
        #[test]
        fn records_are_of_one_person_where_merges_in_force_connect_them(steps in steps()) {
            let (mut linked, mut merges) = (LinkedPatients::default(), BTreeSet::new());
            for (merge, survivor, other) in steps {
                linked.apply(&if merge { merged(survivor, other) } else { merge_undone(survivor, other) });
                if merge { merges.insert((survivor, other)) } else { merges.remove(&(survivor, other)) };
                let reachable = reachable(&merges);
                for (one, other) in PATIENTS.into_iter().flat_map(|one| PATIENTS.map(|other| (one, other))) {
                    prop_assert_eq!(linked.same_person(one, other), reachable(one, other));
                    prop_assert_eq!(linked.records_of(one).contains(&other), reachable(one, other));
                }
            }
        }

        #[test]
        fn decisions_read_enough_that_every_person_has_one_record_in_use(steps in steps()) {
            let (mut events, mut merges): (Vec<Event>, _) = (PATIENTS.map(registered).into(), BTreeSet::new());
            for (merge, survivor, other) in steps {
                let was_merged = |patient| merges.iter().any(|(_, merged)| *merged == patient);
                let reason = reason("it seems so");
                let possible = if merge { survivor != other && !was_merged(survivor) && !was_merged(other) } else { merges.contains(&(survivor, other)) };
                let decided = if merge {
                    given(events.clone()).when(&MergePatients { survivor, merged: other, reason }).outcome().ok()
                } else {
                    given(events.clone()).when(&UndoMerge { survivor, merged: other, reason }).outcome().ok()
                };
                prop_assert_eq!(decided.is_some(), possible);
                match (possible, merge) {
                    (true, true) => merges.insert((survivor, other)),
                    (true, false) => merges.remove(&(survivor, other)),
                    (false, _) => false,
                };
                events.extend(decided.into_iter().flatten());

                let mut linked = LinkedPatients::default();
                for event in &events {
                    linked.apply(event);
                }
                for patient in PATIENTS {
                    let in_use: Vec<_> = linked.records_of(patient).into_iter().filter(|record| linked.survivor_of(*record).is_none()).collect();
                    prop_assert_eq!(in_use, [linked.final_survivor_of(patient).unwrap_or(patient)]);
                }
            }
        }
    }
}
