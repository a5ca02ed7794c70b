//! What a person saw, patient by patient.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::events::{AccessOutcome, AccessRecorded, DataKind};
use super::purpose::PurposeOfUse;
use crate::ids::PatientId;

/// What a person saw of one patient.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenPatient {
    /// The record that they saw.
    pub patient: PatientId,
    /// How often.
    pub accesses: u64,
    /// The kinds of data that were sought.
    pub kinds: BTreeSet<DataKind>,
    /// Why.
    pub purposes: BTreeSet<PurposeOfUse>,
    /// The operations, and how often each.
    pub operations: BTreeMap<String, u64>,
    /// When first.
    pub first: DateTime<Utc>,
    /// When last.
    pub last: DateTime<Utc>,
}

/// What a person saw, and what they did not get to see.
#[derive(Clone, Default)]
pub struct Seen {
    /// How many operations there were, of whatever outcome.
    pub accesses: u64,
    /// How many of them found nothing.
    pub nothing_found: u64,
    /// How many of them were refused, in part or as a whole.
    pub refused: u64,
    patients: BTreeMap<PatientId, SeenPatient>,
    counted: BTreeSet<Uuid>,
}

impl Seen {
    /// Adds an access record of that person, in any order of time. The records of one operation, of which each names a part of its patients, were committed
    /// together, under one command: they count once.
    pub fn add(&mut self, access: &AccessRecorded, command: Uuid, at: DateTime<Utc>) {
        if self.counted.insert(command) {
            self.accesses += 1;
            self.nothing_found += u64::from(access.outcome == AccessOutcome::NothingFound);
            self.refused += u64::from(access.outcome == AccessOutcome::Refused);
        }
        for patient in &access.patients {
            let seen = self.patients.entry(*patient).or_insert_with(|| SeenPatient {
                patient: *patient,
                accesses: 0,
                kinds: BTreeSet::new(),
                purposes: BTreeSet::new(),
                operations: BTreeMap::new(),
                first: at,
                last: at,
            });
            seen.accesses += 1;
            seen.kinds.extend(&access.kinds);
            seen.purposes.insert(access.purpose);
            *seen.operations.entry(access.operation.clone()).or_default() += 1;
            seen.first = seen.first.min(at);
            seen.last = seen.last.max(at);
        }
    }

    /// The patients, those whom they saw first in the day first.
    pub fn patients(&self) -> Vec<&SeenPatient> {
        let mut patients: Vec<&SeenPatient> = self.patients.values().collect();
        patients.sort_by_key(|seen| (seen.first, seen.patient));
        patients
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::examples::{USER, at, saw};
    use crate::patients::examples::{ADA, BOB};

    #[test]
    fn what_was_seen_is_told_patient_by_patient() {
        let mut seen = Seen::default();
        let command = Uuid::from_u128;
        seen.add(&saw(USER, &[ADA, BOB]), command(1), at("2027-01-05T15:00:00Z"));
        seen.add(&saw(USER, &[BOB]), command(2), at("2027-01-05T09:00:00Z"));
        seen.add(&saw(USER, &[]), command(3), at("2027-01-05T08:00:00Z"));
        seen.add(&AccessRecorded { outcome: AccessOutcome::Refused, ..saw(USER, &[]) }, command(4), at("2027-01-05T08:00:00Z"));
        assert_eq!((seen.accesses, seen.nothing_found, seen.refused), (4, 1, 1));
        let told: Vec<_> = seen.patients().into_iter().map(|seen| (seen.patient, seen.accesses, seen.first, seen.last)).collect();
        let (nine, three) = (at("2027-01-05T09:00:00Z"), at("2027-01-05T15:00:00Z"));
        assert_eq!(told, [(BOB, 2, nine, three), (ADA, 1, three, three)]);
        assert_eq!(seen.patients()[0].operations, BTreeMap::from([("query patients".to_owned(), 2)]));
    }

    #[test]
    fn an_operation_of_more_patients_than_a_record_names_counts_once() {
        let mut seen = Seen::default();
        for (patient, command) in [(ADA, 1), (BOB, 1), (BOB, 2)] {
            seen.add(&saw(USER, &[patient]), Uuid::from_u128(command), at("2027-01-05T15:00:00Z"));
        }
        assert_eq!((seen.accesses, seen.patients().len()), (2, 2), "also where a client gives two operations one request's name");
    }
}
