//! Grant another person access to a patient's record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::fhir_values::HumanName;
use crate::ids::{PatientId, UserId};
use crate::patients::{AccessScope, PatientAccessGranted, PatientAccessRevoked, PatientUnusable, PersonRecords};
use crate::permission::Permission;
use crate::phi::{Phi, PhiOf};
use crate::query::Query;

/// Lets another person read a patient's record and act for them, as far as the scope says. Granted again with another scope, that takes the place of the one before; with
/// the same it changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantAccess {
    /// The patient.
    pub patient: PatientId,
    /// Who may.
    pub grantee: UserId,
    /// What they are called, for whoever looks the grant up later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grantee_name: Option<Phi<HumanName>>,
    /// How far, and how long; left out: all that is passed on, without end, and nothing sensitive.
    #[serde(default)]
    pub scope: Phi<AccessScope>,
}

impl Decision for GrantAccess {
    type Model = PersonRecords;
    type Event = PatientAccessGranted;
    type Rejection = PatientUnusable;

    fn model(&self) -> (PersonRecords, Query) {
        let model = PersonRecords::of(self.patient);
        let query = model.query(&[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE]);
        (model, query)
    }

    fn apply(model: &mut PersonRecords, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &PersonRecords, _circumstances: &Circumstances) -> Result<Vec<PatientAccessGranted>, PatientUnusable> {
        if model.usable()?.grantees.get(&self.grantee) == Some(&self.scope) {
            return Ok(vec![]);
        }
        let grantee_name = self.grantee_name.clone().map(|value| PhiOf { of: Subject::User(self.grantee), value });
        Ok(vec![PatientAccessGranted { patient: self.patient, grantee: self.grantee, grantee_name, scope: self.scope.clone() }])
    }
}

impl Command for GrantAccess {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "grant-access";
    const PERMISSION: Permission = Permission::GrantPatientAccess;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::patients::examples::*;
    use crate::testing::{arriving, given};

    fn grant(scope: &Value) -> GrantAccess {
        arriving(&json!({ "patient": ADA, "grantee": RELATIVE, "scope": scope }))
    }

    fn whole() -> GrantAccess {
        grant(&json!({}))
    }

    #[test]
    fn another_person_gets_access() {
        given([registered(ADA)]).when(&whole()).then([access_granted(ADA, RELATIVE)]);
        given([registered(ADA), access_granted(ADA, RELATIVE), access_revoked(ADA, RELATIVE)]).when(&whole()).then([access_granted(ADA, RELATIVE)]);
    }

    #[test]
    fn the_grantees_name_is_theirs_and_not_the_patients() {
        let name: HumanName = serde_json::from_value(json!({ "family": "Quillfeather", "given": ["Rosa"] })).unwrap();
        let grant = GrantAccess { grantee_name: Some(Phi::Known(name.clone())), ..whole() };
        let of = Subject::User(RELATIVE);
        let granted =
            PatientAccessGranted { patient: ADA, grantee: RELATIVE, grantee_name: Some(PhiOf { of, value: Phi::Known(name) }), scope: Phi::default() };
        given([registered(ADA)]).when(&grant).then([granted.into()]);
    }

    #[test]
    fn granted_again_it_changes_nothing() {
        given([registered(ADA), access_granted(ADA, RELATIVE)]).when(&whole()).then([]);
    }

    #[test]
    fn granted_with_another_scope_that_takes_the_place_of_the_one_before() {
        let (parent, chart) = (json!({ "relationship": "PRN", "untilMajority": true }), json!({ "kinds": ["chart"], "ends": "2028-01-01T00:00:00Z" }));
        given([registered(ADA)]).when(&grant(&parent)).then([access_granted_within(ADA, RELATIVE, &parent)]);
        let before = [registered(ADA), access_granted(ADA, RELATIVE), access_granted_within(ADA, RELATIVE, &chart)];
        given(before.clone()).when(&grant(&chart)).then([]);
        given(before.clone()).when(&grant(&parent)).then([access_granted_within(ADA, RELATIVE, &parent)]);
        given(before).when(&whole()).then([access_granted(ADA, RELATIVE)]);
    }

    #[test]
    fn a_grant_on_a_merged_record_is_none_on_the_survivor() {
        let events = [registered(ADA), registered(BOB), access_granted(BOB, RELATIVE), merged(ADA, BOB)];
        given(events).when(&whole()).then([access_granted(ADA, RELATIVE)]);
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&whole()).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&whole()).then_rejected(PatientUnusable::PatientInactive);
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&whole()).then_rejected(PatientUnusable::PatientMerged { survivor: BOB });
    }
}
