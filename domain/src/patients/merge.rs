//! Merge two records of one person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::PatientId;
use crate::patients::{PatientStanding, PatientUnusable, PatientsMerged};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Declares two records to be of one person. From then on the survivor is used, and decisions about it see what either knew.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergePatients {
    /// The record that goes on.
    pub survivor: PatientId,
    /// The record that is not to be used any more.
    pub merged: PatientId,
    /// How it was found out.
    pub reason: Phi<Reason>,
}

/// Why the records were not merged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum MergePatientsRejection {
    /// The survivor cannot be used.
    #[error(transparent)]
    Survivor(#[from] PatientUnusable),
    /// The other record cannot be merged into it.
    #[error(transparent)]
    NotMergeable(#[from] NotMergeable),
}

/// Why a record cannot be merged into another.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum NotMergeable {
    /// It is one record.
    #[error("a record cannot be merged with itself")]
    SamePatient,
    /// No such record.
    #[error("the record to merge is not known")]
    MergedPatientUnknown,
    /// It was deactivated.
    #[error("the record to merge is deactivated")]
    MergedPatientInactive,
    /// It was merged before, perhaps into this very survivor.
    #[error("the record to merge is merged already")]
    #[serde(rename_all = "camelCase")]
    AlreadyMerged {
        /// The record that is used instead of it.
        survivor: PatientId,
    },
}

impl From<PatientUnusable> for NotMergeable {
    /// What it means of the record that is to be merged.
    fn from(unusable: PatientUnusable) -> Self {
        match unusable {
            PatientUnusable::PatientUnknown => Self::MergedPatientUnknown,
            PatientUnusable::PatientInactive => Self::MergedPatientInactive,
            PatientUnusable::PatientMerged { survivor } => Self::AlreadyMerged { survivor },
        }
    }
}

/// The two records.
pub struct Merging {
    survivor: PatientStanding,
    merged: PatientStanding,
}

impl Decision for MergePatients {
    type Model = Merging;
    type Event = PatientsMerged;
    type Rejection = MergePatientsRejection;

    fn model(&self) -> (Merging, Query) {
        let model = Merging { survivor: PatientStanding::of(self.survivor), merged: PatientStanding::of(self.merged) };
        let query = model.survivor.query().or(model.merged.query());
        (model, query)
    }

    fn apply(model: &mut Merging, event: &Event) {
        model.survivor.apply(event);
        model.merged.apply(event);
    }

    /// A record that was not merged is the last of its chain, so that two such records that differ are of two chains: no cycle can arise.
    fn decide(&self, model: &Merging, _circumstances: &Circumstances) -> Result<Vec<PatientsMerged>, MergePatientsRejection> {
        if self.survivor == self.merged {
            return Err(NotMergeable::SamePatient.into());
        }
        model.survivor.usable()?;
        model.merged.usable().map_err(NotMergeable::from)?;
        Ok(vec![PatientsMerged { survivor: self.survivor, merged: self.merged, reason: self.reason.clone() }])
    }
}

impl Command for MergePatients {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "merge-patients";
    const PERMISSION: Permission = Permission::MergePatients;

    fn subject(&self) -> Subject {
        Subject::Patient(self.survivor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::examples::*;
    use crate::testing::{Given, assert_bounded, given};

    fn merge(survivor: PatientId, merged: PatientId) -> MergePatients {
        MergePatients { survivor, merged, reason: reason("same person") }
    }

    fn three_patients(then: &[Event]) -> Given {
        given([registered(ADA), registered(BOB), registered(CYD)].into_iter().chain(then.iter().cloned()))
    }

    #[test]
    fn one_record_goes_on_for_both() {
        three_patients(&[]).when(&merge(ADA, BOB)).then([merged(ADA, BOB)]);
    }

    #[test]
    fn a_survivor_takes_several_records_and_can_be_merged_in_turn() {
        three_patients(&[merged(ADA, BOB)]).when(&merge(ADA, CYD)).then([merged(ADA, CYD)]);
        three_patients(&[merged(ADA, BOB)]).when(&merge(CYD, ADA)).then([merged(CYD, ADA)]);
    }

    #[test]
    fn a_record_is_not_merged_with_itself() {
        three_patients(&[]).when(&merge(ADA, ADA)).then_rejected(NotMergeable::SamePatient);
    }

    #[test]
    fn a_record_is_merged_once_until_that_is_undone() {
        three_patients(&[merged(ADA, BOB)]).when(&merge(ADA, BOB)).then_rejected(NotMergeable::AlreadyMerged { survivor: ADA });
        three_patients(&[merged(ADA, BOB)]).when(&merge(CYD, BOB)).then_rejected(NotMergeable::AlreadyMerged { survivor: ADA });
        three_patients(&[merged(ADA, BOB), merge_undone(ADA, BOB)]).when(&merge(CYD, BOB)).accepted();
    }

    #[test]
    fn nothing_is_merged_into_a_record_that_was_itself_merged_so_there_is_no_cycle() {
        three_patients(&[merged(ADA, BOB)]).when(&merge(BOB, CYD)).then_rejected(PatientUnusable::PatientMerged { survivor: ADA });
        three_patients(&[merged(ADA, BOB)]).when(&merge(BOB, ADA)).then_rejected(PatientUnusable::PatientMerged { survivor: ADA });
        three_patients(&[merged(ADA, BOB), merged(CYD, ADA)]).when(&merge(BOB, CYD)).then_rejected(PatientUnusable::PatientMerged { survivor: CYD });
    }

    #[test]
    fn both_records_must_be_in_use() {
        given([registered(ADA)]).when(&merge(ADA, BOB)).then_rejected(NotMergeable::MergedPatientUnknown);
        given([registered(ADA)]).when(&merge(BOB, ADA)).then_rejected(PatientUnusable::PatientUnknown);
        three_patients(&[deactivated(BOB)]).when(&merge(ADA, BOB)).then_rejected(NotMergeable::MergedPatientInactive);
        three_patients(&[deactivated(BOB)]).when(&merge(BOB, ADA)).then_rejected(PatientUnusable::PatientInactive);
        assert_bounded::<MergePatients>();
    }
}
