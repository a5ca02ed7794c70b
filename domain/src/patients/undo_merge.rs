//! Undo a merge of two records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::PatientId;
use crate::patients::{LinkedPatients, PatientMergeUndone};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::{Query, Tag};
use crate::value::Reason;

/// Declares two merged records to be of two persons after all; whatever was merged into either stays with it. A record that was deactivated or merged in turn can be part of it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UndoMerge {
    /// The record that had survived.
    pub survivor: PatientId,
    /// The record that is used again.
    pub merged: PatientId,
    /// How it was found out.
    pub reason: Phi<Reason>,
}

/// Why nothing was undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum UndoMergeRejection {
    /// The one record is not merged into the other, directly and now.
    #[error("no merge of these two records is in force")]
    NotMerged,
}

impl Decision for UndoMerge {
    type Model = LinkedPatients;
    type Event = PatientMergeUndone;
    type Rejection = UndoMergeRejection;

    fn model(&self) -> (LinkedPatients, Query) {
        (LinkedPatients::default(), Query::new().and(LinkedPatients::TYPES, Tag::patient(self.merged)))
    }

    fn apply(model: &mut LinkedPatients, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &LinkedPatients, _circumstances: &Circumstances) -> Result<Vec<PatientMergeUndone>, UndoMergeRejection> {
        if !model.is_merged_into(self.survivor, self.merged) {
            return Err(UndoMergeRejection::NotMerged);
        }
        Ok(vec![PatientMergeUndone { survivor: self.survivor, merged: self.merged, reason: self.reason.clone() }])
    }
}

impl Command for UndoMerge {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "undo-merge";
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

    fn undo(survivor: PatientId, merged: PatientId) -> UndoMerge {
        UndoMerge { survivor, merged, reason: reason("twins") }
    }

    fn three_patients(then: &[Event]) -> Given {
        given([registered(ADA), registered(BOB), registered(CYD)].into_iter().chain(then.iter().cloned()))
    }

    #[test]
    fn the_records_are_of_two_persons_again() {
        three_patients(&[merged(ADA, BOB)]).when(&undo(ADA, BOB)).then([merge_undone(ADA, BOB)]);
    }

    #[test]
    fn any_link_of_a_chain_can_be_undone() {
        three_patients(&[merged(ADA, BOB), merged(CYD, ADA)]).when(&undo(ADA, BOB)).then([merge_undone(ADA, BOB)]);
        three_patients(&[merged(ADA, BOB), merged(CYD, ADA)]).when(&undo(CYD, ADA)).then([merge_undone(CYD, ADA)]);
        three_patients(&[merged(ADA, BOB), deactivated(ADA)]).when(&undo(ADA, BOB)).accepted();
    }

    #[test]
    fn only_a_merge_in_force_is_undone() {
        three_patients(&[]).when(&undo(ADA, BOB)).then_rejected(UndoMergeRejection::NotMerged);
        three_patients(&[merged(ADA, BOB)]).when(&undo(BOB, ADA)).then_rejected(UndoMergeRejection::NotMerged);
        three_patients(&[merged(ADA, BOB), merge_undone(ADA, BOB)]).when(&undo(ADA, BOB)).then_rejected(UndoMergeRejection::NotMerged);
        three_patients(&[merged(ADA, BOB), merged(CYD, ADA)]).when(&undo(CYD, BOB)).then_rejected(UndoMergeRejection::NotMerged);
        assert_bounded::<UndoMerge>();
    }
}
