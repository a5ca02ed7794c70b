//! End a restriction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::{RestrictionEnd, RestrictionEnded, RestrictionMandatory, RestrictionStanding, RestrictionStatus, RestrictionUnusable};
use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{PatientId, RestrictionId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Ends a restriction that holds: because the patient wants it, or by telling them (45 CFR 164.522(a)(2)). Ended again, it changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndRestriction {
    /// The restriction.
    pub restriction: RestrictionId,
    /// Who asked.
    pub patient: PatientId,
    /// How it comes to its end.
    pub by: RestrictionEnd,
    /// Why.
    pub reason: Phi<Reason>,
}

/// Why it was not ended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum EndRestrictionRejection {
    /// It cannot be ended but by the patient.
    #[error(transparent)]
    RestrictionMandatory(#[from] RestrictionMandatory),
    /// It does not hold.
    #[error(transparent)]
    RestrictionUnusable(#[from] RestrictionUnusable),
    /// Nothing can be changed in the record.
    #[error(transparent)]
    PatientUnusable(#[from] PatientUnusable),
}

impl Decision for EndRestriction {
    type Model = RestrictionStanding;
    type Event = RestrictionEnded;
    type Rejection = EndRestrictionRejection;

    fn model(&self) -> (RestrictionStanding, Query) {
        RestrictionStanding::of(self.patient, self.restriction)
    }

    fn apply(model: &mut RestrictionStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &RestrictionStanding, _circumstances: &Circumstances) -> Result<Vec<RestrictionEnded>, EndRestrictionRejection> {
        model.standing.withdrawable()?;
        let requested = model.own()?;
        match requested.status {
            RestrictionStatus::Agreed if requested.mandatory && self.by == RestrictionEnd::Notice => Err(RestrictionMandatory::TO_KEEP.into()),
            RestrictionStatus::Agreed => {
                let Self { restriction, by, reason, .. } = self.clone();
                Ok(vec![RestrictionEnded { patient: requested.patient, restriction, by, reason }])
            }
            RestrictionStatus::Ended => Ok(vec![]),
            RestrictionStatus::Requested | RestrictionStatus::Declined => Err(requested.unusable().into()),
        }
    }
}

impl Command for EndRestriction {
    const CONTEXT: &'static str = "consents";
    const NAME: &'static str = "end-restriction";
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
    use crate::patients::examples::{ADA, BOB, deactivated, merged, registered};
    use crate::testing::{arriving, given};

    fn end(by: RestrictionEnd) -> EndRestriction {
        arriving(&json!({ "restriction": PLAN, "patient": ADA, "by": by, "reason": "they moved away" }))
    }

    fn agreed(patient: PatientId, paid_in_full: bool) -> Vec<Event> {
        vec![registered(ADA), registered(BOB), restriction_requested(patient, PLAN, paid_in_full), restriction_agreed(patient, PLAN)]
    }

    #[test]
    fn what_holds_is_ended_once() {
        for by in [RestrictionEnd::PatientWish, RestrictionEnd::Notice] {
            given(agreed(ADA, false)).when(&end(by)).then([restriction_ended(ADA, PLAN, by)]);
            given([agreed(ADA, false), vec![restriction_ended(ADA, PLAN, by)]].concat()).when(&end(by)).then([]);
        }
        let gone = [agreed(ADA, false), vec![deactivated(ADA)]].concat();
        given(gone).when(&end(RestrictionEnd::Notice)).then([restriction_ended(ADA, PLAN, RestrictionEnd::Notice)]);
    }

    #[test]
    fn what_must_be_kept_from_a_health_plan_ends_by_the_patients_wish_alone() {
        let rule = "45 CFR 164.522(a)(2)(iii)(A)";
        given(agreed(ADA, true)).when(&end(RestrictionEnd::Notice)).then_rejected(json!({ "code": "restriction-mandatory", "parameters": { "rule": rule } }));
        given(agreed(ADA, true)).when(&end(RestrictionEnd::PatientWish)).then([restriction_ended(ADA, PLAN, RestrictionEnd::PatientWish)]);
    }

    #[test]
    fn what_does_not_hold_has_no_end() {
        let requested = || vec![registered(ADA), restriction_requested(ADA, PLAN, false)];
        let status = |status| RestrictionUnusable::RestrictionStatus { status };
        given(requested()).when(&end(RestrictionEnd::Notice)).then_rejected(status(RestrictionStatus::Requested));
        let declined = [requested(), vec![restriction_declined(ADA, PLAN)]].concat();
        given(declined).when(&end(RestrictionEnd::Notice)).then_rejected(status(RestrictionStatus::Declined));
    }

    #[test]
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        let by = RestrictionEnd::Notice;
        given(agreed(BOB, false)).when(&end(by)).then_rejected(RestrictionUnusable::RestrictionUnknown);
        given([agreed(BOB, false), vec![merged(ADA, BOB)]].concat()).when(&end(by)).then([restriction_ended(BOB, PLAN, by)]);
        given([]).when(&end(by)).then_rejected(PatientUnusable::PatientUnknown);
    }
}
