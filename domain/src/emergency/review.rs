//! Review broken glass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::emergency::{BreakGlassReviewed, BreakGlassStanding, BreakGlassUnknown, Finding};
use crate::event::{Event, Subject};
use crate::ids::{BreakGlassId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Says whether the glass was broken for good reason. Nobody reviews what they did themself, under whatever account.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewBreakGlass {
    /// The time for which the glass was broken.
    pub break_glass: BreakGlassId,
    /// Whose record it opened.
    pub patient: PatientId,
    /// What was found.
    pub finding: Finding,
    /// What there is to say of it.
    pub note: Phi<Reason>,
}

/// Why it was not reviewed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ReviewBreakGlassRejection {
    /// There is none.
    #[error(transparent)]
    Unknown(#[from] BreakGlassUnknown),
    /// It is not theirs to review.
    #[error(transparent)]
    NotReviewable(#[from] NotReviewable),
}

/// Why broken glass cannot be reviewed by this person, or any more.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NotReviewable {
    /// It was broken by whoever wants to review it, under this account or another of theirs.
    #[error("broken glass is reviewed by another person than the one who broke it")]
    OwnBreakGlass,
    /// A review stands.
    #[error("it was reviewed already")]
    ReviewedAlready,
}

impl Decision for ReviewBreakGlass {
    type Model = BreakGlassStanding;
    type Event = BreakGlassReviewed;
    type Rejection = ReviewBreakGlassRejection;

    fn model(&self) -> (BreakGlassStanding, Query) {
        BreakGlassStanding::of(self.patient, self.break_glass)
    }

    fn depends_also_on(&self, model: &BreakGlassStanding) -> Query {
        model.own_merges()
    }

    fn apply(model: &mut BreakGlassStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &BreakGlassStanding, circumstances: &Circumstances) -> Result<Vec<BreakGlassReviewed>, ReviewBreakGlassRejection> {
        let broken = model.broken()?;
        if model.was_broken_by(broken, circumstances) {
            return Err(NotReviewable::OwnBreakGlass.into());
        }
        if model.reviewed {
            return Err(NotReviewable::ReviewedAlready.into());
        }
        Ok(vec![BreakGlassReviewed {
            break_glass: self.break_glass,
            patient: broken.patient,
            reviewer: circumstances.actor,
            finding: self.finding,
            note: self.note.clone(),
        }])
    }
}

impl Command for ReviewBreakGlass {
    const CONTEXT: &'static str = "emergency";
    const NAME: &'static str = "review-break-glass";
    const PERMISSION: Permission = Permission::ReviewBreakGlass;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::emergency::examples::*;
    use crate::patients::examples::{ADA, BOB, merged, registered};
    use crate::providers::examples::{OTHER_PRACTITIONER, PRACTITIONER};
    use crate::testing::{arriving, circumstances, given};

    const LATER: &str = "2027-01-05T09:00:00Z";

    fn review() -> ReviewBreakGlass {
        arriving(&json!({ "breakGlass": GLASS, "patient": ADA, "finding": "justified", "note": "an emergency" }))
    }

    #[test]
    fn another_person_reviews_it_also_when_it_was_escalated() {
        given([registered(ADA), broken(ADA)]).when_by_at(OFFICER, LATER, &review()).then([reviewed(ADA)]);
        given([registered(ADA), broken(ADA), escalated(ADA)]).when_by_at(OFFICER, LATER, &review()).then([reviewed(ADA)]);
    }

    #[test]
    fn nobody_reviews_their_own_and_nobody_twice() {
        given([registered(ADA), broken(ADA)]).when_at(LATER, &review()).then_rejected(NotReviewable::OwnBreakGlass);
        given([registered(ADA), broken(ADA), reviewed(ADA)]).when_by_at(OFFICER, LATER, &review()).then_rejected(NotReviewable::ReviewedAlready);
    }

    #[test]
    fn another_account_of_the_same_person_is_no_other_person() {
        let (own, duplicate, other) = [61, 62, 63].map(|number| PatientId(Uuid::from_u128(number))).into();
        let glass = || vec![registered(ADA), registered(own), registered(duplicate), merged(own, duplicate), broken_by(ADA, Some(PRACTITIONER), Some(own))];
        let officer = |practitioner, own_patient| Circumstances { practitioner, own_patient, ..circumstances(OFFICER, LATER) };
        for refused in [officer(Some(PRACTITIONER), None), officer(None, Some(own)), officer(None, Some(duplicate))] {
            given(glass()).when_in(&refused, &review()).then_rejected(NotReviewable::OwnBreakGlass);
        }
        for allowed in [officer(None, None), officer(Some(OTHER_PRACTITIONER), Some(other))] {
            given(glass()).when_in(&allowed, &review()).then([reviewed(ADA)]);
        }
        // That neither is known of two says nothing.
        given([registered(ADA), broken(ADA)]).when_in(&officer(None, None), &review()).then([reviewed(ADA)]);
    }

    #[test]
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        let bobs = || vec![registered(ADA), registered(BOB), broken(BOB)];
        given(bobs()).when_by_at(OFFICER, LATER, &review()).then_rejected(BreakGlassUnknown {});
        given([bobs(), vec![merged(ADA, BOB)]].concat()).when_by_at(OFFICER, LATER, &review()).then([reviewed(BOB)]);
    }
}
