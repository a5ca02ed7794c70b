//! Decline a restriction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::{RestrictionDeclined, RestrictionMandatory, RestrictionStanding, RestrictionStatus, RestrictionUnusable};
use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{PatientId, RestrictionId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Does not agree to a restriction that a patient asked for. One that keeps from a health plan what was paid for in full must be agreed to.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclineRestriction {
    /// The restriction.
    pub restriction: RestrictionId,
    /// Who asked.
    pub patient: PatientId,
    /// Why.
    pub reason: Phi<Reason>,
}

/// Why it was not declined.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DeclineRestrictionRejection {
    /// It must be agreed to.
    #[error(transparent)]
    RestrictionMandatory(#[from] RestrictionMandatory),
    /// It cannot be answered.
    #[error(transparent)]
    RestrictionUnusable(#[from] RestrictionUnusable),
    /// Nothing can be changed in the record.
    #[error(transparent)]
    PatientUnusable(#[from] PatientUnusable),
}

impl Decision for DeclineRestriction {
    type Model = RestrictionStanding;
    type Event = RestrictionDeclined;
    type Rejection = DeclineRestrictionRejection;

    fn model(&self) -> (RestrictionStanding, Query) {
        RestrictionStanding::of(self.patient, self.restriction)
    }

    fn apply(model: &mut RestrictionStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &RestrictionStanding, _circumstances: &Circumstances) -> Result<Vec<RestrictionDeclined>, DeclineRestrictionRejection> {
        model.standing.withdrawable()?;
        let requested = model.own()?;
        match requested.status {
            RestrictionStatus::Requested if requested.mandatory => Err(RestrictionMandatory::TO_AGREE.into()),
            RestrictionStatus::Requested => {
                Ok(vec![RestrictionDeclined { patient: requested.patient, restriction: self.restriction, reason: self.reason.clone() }])
            }
            RestrictionStatus::Declined => Ok(vec![]),
            RestrictionStatus::Agreed | RestrictionStatus::Ended => Err(requested.unusable().into()),
        }
    }
}

impl Command for DeclineRestriction {
    const CONTEXT: &'static str = "consents";
    const NAME: &'static str = "decline-restriction";
    const PERMISSION: Permission = Permission::AnswerRestrictions;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::consents::examples::*;
    use crate::patients::examples::{ADA, BOB, merged, registered};
    use crate::testing::{arriving, given};

    fn decline() -> DeclineRestriction {
        arriving(&json!({ "restriction": PLAN, "patient": ADA, "reason": "care could not be given" }))
    }

    #[test]
    fn what_was_asked_for_is_declined_once() {
        let requested = vec![registered(ADA), restriction_requested(ADA, PLAN, false)];
        given(requested.clone()).when(&decline()).then([restriction_declined(ADA, PLAN)]);
        given([requested, vec![restriction_declined(ADA, PLAN)]].concat()).when(&decline()).then([]);
    }

    #[test]
    fn what_was_paid_for_in_full_is_kept_from_a_health_plan() {
        let requested = [registered(ADA), restriction_requested(ADA, PLAN, true)];
        given(requested).when(&decline()).then_rejected(json!({ "code": "restriction-mandatory", "parameters": { "rule": "45 CFR 164.522(a)(1)(vi)" } }));
    }

    #[test]
    fn what_was_agreed_to_is_ended_and_not_declined() {
        let agreed = [registered(ADA), restriction_requested(ADA, PLAN, false), restriction_agreed(ADA, PLAN)];
        given(agreed).when(&decline()).then_rejected(RestrictionUnusable::RestrictionStatus { status: RestrictionStatus::Agreed });
    }

    #[test]
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        let bobs = || vec![registered(ADA), registered(BOB), restriction_requested(BOB, PLAN, false)];
        given(bobs()).when(&decline()).then_rejected(RestrictionUnusable::RestrictionUnknown);
        given([bobs(), vec![merged(ADA, BOB)]].concat()).when(&decline()).then([restriction_declined(BOB, PLAN)]);
        given([]).when(&decline()).then_rejected(PatientUnusable::PatientUnknown);
    }
}
