//! Ask for a restriction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::{Provision, RestrictionRequested, RestrictionStanding};
use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{PatientId, RestrictionId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Asks for a patient that something of theirs be not used or disclosed (45 CFR 164.522(a)). It does not hold before it is agreed to.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestRestriction {
    /// The restriction, named by the caller.
    pub restriction: RestrictionId,
    /// Who asks.
    pub patient: PatientId,
    /// What is to be closed.
    pub provision: Phi<Provision>,
    /// Why, where they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<Reason>>,
    /// Whether it keeps from a health plan what the patient, or somebody for them, has paid for in full: then it must be agreed to (45 CFR 164.522(a)(1)(vi)).
    #[serde(default)]
    pub paid_in_full: Phi<bool>,
}

/// Why it was not asked for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RequestRestrictionRejection {
    /// Another restriction has the id.
    #[error("a restriction of this id exists")]
    RestrictionExists,
    /// Nothing can be added to the record.
    #[error(transparent)]
    #[serde(untagged)]
    PatientUnusable(#[from] PatientUnusable),
}

impl Decision for RequestRestriction {
    type Model = RestrictionStanding;
    type Event = RestrictionRequested;
    type Rejection = RequestRestrictionRejection;

    fn model(&self) -> (RestrictionStanding, Query) {
        RestrictionStanding::of(self.patient, self.restriction)
    }

    fn apply(model: &mut RestrictionStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &RestrictionStanding, _circumstances: &Circumstances) -> Result<Vec<RestrictionRequested>, RequestRestrictionRejection> {
        model.standing.usable()?;
        if model.exists() {
            return Err(RequestRestrictionRejection::RestrictionExists);
        }
        let Self { restriction, patient, provision, reason, paid_in_full } = self.clone();
        Ok(vec![RestrictionRequested { patient, restriction, provision, reason, paid_in_full }])
    }
}

impl Command for RequestRestriction {
    const CONTEXT: &'static str = "consents";
    const NAME: &'static str = "request-restriction";
    const PERMISSION: Permission = Permission::ManageConsents;

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

    fn request(paid_in_full: bool) -> RequestRestriction {
        arriving(&json!({ "restriction": PLAN, "patient": ADA, "provision": provision(), "paidInFull": paid_in_full }))
    }

    #[test]
    fn a_patient_asks() {
        for paid_in_full in [false, true] {
            given([registered(ADA)]).when(&request(paid_in_full)).then([restriction_requested(ADA, PLAN, paid_in_full)]);
        }
    }

    #[test]
    fn an_id_names_one_restriction_whoever_asked_for_it() {
        for patient in [ADA, BOB] {
            let events = [registered(ADA), registered(BOB), restriction_requested(patient, PLAN, false)];
            given(events).when(&request(false)).then_rejected(RequestRestrictionRejection::RestrictionExists);
        }
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&request(false)).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&request(false)).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&request(false)).then_rejected(survivor);
    }
}
