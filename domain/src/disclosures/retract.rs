//! Retract a disclosure that was recorded wrongly.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::disclosures::{DisclosureRetracted, DisclosureStanding};
use crate::event::{Event, Subject};
use crate::ids::{DisclosureId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Takes a wrong entry out of the accounting; that it was there stays known. Retracted again, it changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetractDisclosure {
    /// The disclosure.
    pub disclosure: DisclosureId,
    /// In whose record it is.
    pub patient: PatientId,
    /// How it came about.
    pub reason: Phi<Reason>,
}

/// Why it was not retracted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RetractDisclosureRejection {
    /// There is none.
    #[error(transparent)]
    Unknown(#[from] DisclosureUnknown),
}

/// The patient has no such disclosure. Whether somebody else has is not said.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename = "disclosure-unknown")]
#[error("the patient has no such disclosure")]
pub struct DisclosureUnknown {}

impl Decision for RetractDisclosure {
    type Model = DisclosureStanding;
    type Event = DisclosureRetracted;
    type Rejection = RetractDisclosureRejection;

    fn model(&self) -> (DisclosureStanding, Query) {
        DisclosureStanding::of(self.patient, self.disclosure)
    }

    fn apply(model: &mut DisclosureStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &DisclosureStanding, _circumstances: &Circumstances) -> Result<Vec<DisclosureRetracted>, RetractDisclosureRejection> {
        let patient = model.own().ok_or(DisclosureUnknown {})?;
        if model.retracted {
            return Ok(vec![]);
        }
        Ok(vec![DisclosureRetracted { disclosure: self.disclosure, patient, reason: self.reason.clone() }])
    }
}

impl Command for RetractDisclosure {
    const CONTEXT: &'static str = "disclosures";
    const NAME: &'static str = "retract-disclosure";
    const PERMISSION: Permission = Permission::RecordDisclosures;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::disclosures::examples::*;
    use crate::patients::examples::{ADA, BOB, merged, registered};
    use crate::testing::{arriving, given};

    fn retract() -> RetractDisclosure {
        arriving(&json!({ "disclosure": REPORT, "patient": ADA, "reason": "of another Ada" }))
    }

    #[test]
    fn a_wrong_entry_is_retracted_once() {
        given([registered(ADA), made(ADA, &json!({}))]).when(&retract()).then([retracted(ADA)]);
        given([registered(ADA), made(ADA, &json!({})), retracted(ADA)]).when(&retract()).then([]);
    }

    #[test]
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        let bobs = || vec![registered(ADA), registered(BOB), made(BOB, &json!({}))];
        given(bobs()).when(&retract()).then_rejected(DisclosureUnknown {});
        given([bobs(), vec![merged(ADA, BOB)]].concat()).when(&retract()).then([retracted(BOB)]);
        given([registered(ADA)]).when(&retract()).then_rejected(DisclosureUnknown {});
    }
}
