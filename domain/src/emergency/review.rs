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

/// Says whether the glass was broken for good reason. Nobody reviews what they did themself.
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
    /// It was broken by whoever wants to review it.
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

    fn apply(model: &mut BreakGlassStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &BreakGlassStanding, circumstances: &Circumstances) -> Result<Vec<BreakGlassReviewed>, ReviewBreakGlassRejection> {
        let broken = model.broken()?;
        if broken.user == circumstances.actor {
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

    use super::*;
    use crate::emergency::examples::*;
    use crate::patients::examples::{ADA, BOB, merged, registered};
    use crate::testing::{arriving, given};

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
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        let bobs = || vec![registered(ADA), registered(BOB), broken(BOB)];
        given(bobs()).when_by_at(OFFICER, LATER, &review()).then_rejected(BreakGlassUnknown {});
        given([bobs(), vec![merged(ADA, BOB)]].concat()).when_by_at(OFFICER, LATER, &review()).then([reviewed(BOB)]);
    }
}
