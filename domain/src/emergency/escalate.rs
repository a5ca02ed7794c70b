//! Escalate broken glass that nobody reviewed in time.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::emergency::{BreakGlassEscalated, BreakGlassStanding, BreakGlassUnknown};
use crate::event::{Event, Subject};
use crate::ids::{BreakGlassId, PatientId};
use crate::permission::Permission;
use crate::query::Query;

/// Says that a review is overdue. Carelog does it by itself; escalated again, it changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EscalateBreakGlass {
    /// The time for which the glass was broken.
    pub break_glass: BreakGlassId,
    /// Whose record it opened.
    pub patient: PatientId,
}

/// Why it was not escalated.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum EscalateBreakGlassRejection {
    /// There is none.
    #[error(transparent)]
    Unknown(#[from] BreakGlassUnknown),
    /// There is no need.
    #[error(transparent)]
    NotOverdue(#[from] NotOverdue),
}

/// Why a review is not overdue.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum NotOverdue {
    /// There is time left.
    #[error("there is time left to review it")]
    #[serde(rename_all = "camelCase")]
    NotOverdue {
        /// Until when.
        review_due: DateTime<Utc>,
    },
    /// A review stands.
    #[error("it was reviewed already")]
    ReviewedAlready,
}

impl Decision for EscalateBreakGlass {
    type Model = BreakGlassStanding;
    type Event = BreakGlassEscalated;
    type Rejection = EscalateBreakGlassRejection;

    fn model(&self) -> (BreakGlassStanding, Query) {
        BreakGlassStanding::of(self.patient, self.break_glass)
    }

    fn apply(model: &mut BreakGlassStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &BreakGlassStanding, circumstances: &Circumstances) -> Result<Vec<BreakGlassEscalated>, EscalateBreakGlassRejection> {
        let broken = model.broken()?;
        if model.reviewed {
            return Err(NotOverdue::ReviewedAlready.into());
        }
        if model.escalated {
            return Ok(vec![]);
        }
        if circumstances.now < broken.review_due {
            return Err(NotOverdue::NotOverdue { review_due: broken.review_due }.into());
        }
        Ok(vec![BreakGlassEscalated { break_glass: self.break_glass, patient: broken.patient }])
    }
}

impl Command for EscalateBreakGlass {
    const CONTEXT: &'static str = "emergency";
    const NAME: &'static str = "escalate-break-glass";
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
    use crate::patients::examples::{ADA, BOB, registered};
    use crate::testing::{arriving, given};

    const DUE: &str = "2027-01-07T12:00:00Z";

    fn escalate() -> EscalateBreakGlass {
        arriving(&json!({ "breakGlass": GLASS, "patient": ADA }))
    }

    #[test]
    fn what_nobody_reviewed_in_time_is_escalated_once() {
        given([registered(ADA), broken(ADA)]).when_at(DUE, &escalate()).then([escalated(ADA)]);
        given([registered(ADA), broken(ADA), escalated(ADA)]).when_at(DUE, &escalate()).then([]);
    }

    #[test]
    fn there_must_be_a_review_and_it_must_be_overdue() {
        let left = NotOverdue::NotOverdue { review_due: DUE.parse().unwrap() };
        given([registered(ADA), broken(ADA)]).when_at("2027-01-07T11:59:59Z", &escalate()).then_rejected(left);
        given([registered(ADA), broken(ADA), reviewed(ADA)]).when_at(DUE, &escalate()).then_rejected(NotOverdue::ReviewedAlready);
        given([registered(ADA), registered(BOB), broken(BOB)]).when_at(DUE, &escalate()).then_rejected(BreakGlassUnknown {});
    }
}
