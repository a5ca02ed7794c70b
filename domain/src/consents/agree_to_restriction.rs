//! Agree to a restriction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::{RestrictionAgreed, RestrictionStanding, RestrictionStatus, RestrictionUnusable};
use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{PatientId, RestrictionId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::query::Query;

/// Agrees to a restriction that a patient asked for: it holds from now on. Agreed to again, it changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgreeToRestriction {
    /// The restriction.
    pub restriction: RestrictionId,
    /// Who asked.
    pub patient: PatientId,
}

/// Why it was not agreed to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AgreeToRestrictionRejection {
    /// It cannot be answered.
    #[error(transparent)]
    RestrictionUnusable(#[from] RestrictionUnusable),
    /// Nothing can be changed in the record.
    #[error(transparent)]
    PatientUnusable(#[from] PatientUnusable),
}

impl Decision for AgreeToRestriction {
    type Model = RestrictionStanding;
    type Event = RestrictionAgreed;
    type Rejection = AgreeToRestrictionRejection;

    fn model(&self) -> (RestrictionStanding, Query) {
        RestrictionStanding::of(self.patient, self.restriction)
    }

    fn apply(model: &mut RestrictionStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &RestrictionStanding, _circumstances: &Circumstances) -> Result<Vec<RestrictionAgreed>, AgreeToRestrictionRejection> {
        model.standing.withdrawable()?;
        let requested = model.own()?;
        match requested.status {
            RestrictionStatus::Requested => Ok(vec![RestrictionAgreed { patient: requested.patient, restriction: self.restriction }]),
            RestrictionStatus::Agreed => Ok(vec![]),
            RestrictionStatus::Declined | RestrictionStatus::Ended => Err(requested.unusable().into()),
        }
    }
}

impl Command for AgreeToRestriction {
    const CONTEXT: &'static str = "consents";
    const NAME: &'static str = "agree-to-restriction";
    const PERMISSION: Permission = Permission::AnswerRestrictions;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::consents::RestrictionEnd;
    use crate::consents::examples::*;
    use crate::patients::examples::{ADA, BOB, deactivated, merged, registered};
    use crate::testing::{arriving, given};

    fn agree() -> AgreeToRestriction {
        arriving(&json!({ "restriction": PLAN, "patient": ADA }))
    }

    #[test]
    fn what_was_asked_for_is_agreed_to_once() {
        let requested = vec![registered(ADA), restriction_requested(ADA, PLAN, false)];
        given(requested.clone()).when(&agree()).then([restriction_agreed(ADA, PLAN)]);
        given([requested.clone(), vec![deactivated(ADA)]].concat()).when(&agree()).then([restriction_agreed(ADA, PLAN)]);
        given([requested, vec![restriction_agreed(ADA, PLAN)]].concat()).when(&agree()).then([]);
    }

    #[test]
    fn what_was_declined_or_has_ended_is_asked_for_anew() {
        let requested = || vec![registered(ADA), restriction_requested(ADA, PLAN, false)];
        let declined = RestrictionUnusable::RestrictionStatus { status: RestrictionStatus::Declined };
        given([requested(), vec![restriction_declined(ADA, PLAN)]].concat()).when(&agree()).then_rejected(declined);
        let ended = vec![restriction_agreed(ADA, PLAN), restriction_ended(ADA, PLAN, RestrictionEnd::Notice)];
        given([requested(), ended].concat()).when(&agree()).then_rejected(RestrictionUnusable::RestrictionStatus { status: RestrictionStatus::Ended });
    }

    #[test]
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        let bobs = || vec![registered(ADA), registered(BOB), restriction_requested(BOB, PLAN, false)];
        given(bobs()).when(&agree()).then_rejected(RestrictionUnusable::RestrictionUnknown);
        given([bobs(), vec![merged(ADA, BOB)]].concat()).when(&agree()).then([restriction_agreed(BOB, PLAN)]);
        given([bobs(), vec![merged(BOB, ADA)]].concat()).when(&agree()).then_rejected(PatientUnusable::PatientMerged { survivor: BOB });
        given([]).when(&agree()).then_rejected(PatientUnusable::PatientUnknown);
    }
}
