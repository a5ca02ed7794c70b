//! Reverse a death that was recorded wrongly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::PatientId;
use crate::patients::{DeathRecorded, DeathReversed, PatientUnusable, PersonRecords};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Takes back a recorded death, on every record of the person that says so: undoing a merge later brings none of them back.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReverseDeath {
    /// The patient.
    pub patient: PatientId,
    /// How it came about.
    pub reason: Phi<Reason>,
}

/// Why nothing was reversed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ReverseDeathRejection {
    /// The record cannot be used.
    #[error(transparent)]
    Patient(#[from] PatientUnusable),
    /// There is nothing to reverse.
    #[error(transparent)]
    NotRecorded(#[from] NoDeath),
}

/// Why there is no death to reverse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NoDeath {
    /// No record of the person says that they died.
    #[error("no death is recorded")]
    DeathNotRecorded,
}

impl Decision for ReverseDeath {
    type Model = PersonRecords;
    type Event = DeathReversed;
    type Rejection = ReverseDeathRejection;

    fn model(&self) -> (PersonRecords, Query) {
        let model = PersonRecords::of(self.patient);
        let query = model.query(&[DeathRecorded::TYPE, DeathReversed::TYPE]);
        (model, query)
    }

    fn apply(model: &mut PersonRecords, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &PersonRecords, _circumstances: &Circumstances) -> Result<Vec<DeathReversed>, ReverseDeathRejection> {
        model.usable()?;
        let dead = model.all().filter(|record| record.deceased.is_some());
        let reversed: Vec<_> = dead.map(|record| DeathReversed { patient: record.patient, reason: self.reason.clone() }).collect();
        if reversed.is_empty() { Err(NoDeath::DeathNotRecorded.into()) } else { Ok(reversed) }
    }
}

impl Command for ReverseDeath {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "reverse-death";
    const PERMISSION: Permission = Permission::ManagePatients;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::examples::*;
    use crate::testing::{assert_bounded, given};

    fn reverse() -> ReverseDeath {
        ReverseDeath { patient: ADA, reason: reason("another person") }
    }

    fn reversed(patient: PatientId) -> Event {
        DeathReversed { patient, reason: reason("another person") }.into()
    }

    #[test]
    fn a_recorded_death_is_reversed() {
        given([registered(ADA), died(ADA, "2026")]).when(&reverse()).then([reversed(ADA)]);
    }

    #[test]
    fn only_a_recorded_death_is() {
        given([registered(ADA)]).when(&reverse()).then_rejected(NoDeath::DeathNotRecorded);
        given([registered(ADA), died(ADA, "2026"), reversed(ADA)]).when(&reverse()).then_rejected(NoDeath::DeathNotRecorded);
        given([registered(ADA), registered(BOB), died(BOB, "2026")]).when(&reverse()).then_rejected(NoDeath::DeathNotRecorded);
    }

    #[test]
    fn after_a_merge_it_is_reversed_on_every_record_that_says_so() {
        let events = [registered(ADA), registered(BOB), died(BOB, "2026"), merged(ADA, BOB)];
        given(events).when(&reverse()).then([reversed(BOB)]);
        let both = [registered(ADA), registered(BOB), died(BOB, "2026"), died(ADA, "2026"), merged(ADA, BOB)];
        given(both).when(&reverse()).then([reversed(ADA), reversed(BOB)]);
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&reverse()).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), died(ADA, "2026"), deactivated(ADA)]).when(&reverse()).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), died(ADA, "2026"), merged(BOB, ADA)]).when(&reverse()).then_rejected(survivor);
        assert_bounded::<ReverseDeath>();
    }
}
