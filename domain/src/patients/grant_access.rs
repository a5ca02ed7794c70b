//! Grant another person access to a patient's record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::fhir_values::HumanName;
use crate::ids::{PatientId, UserId};
use crate::patients::{PatientAccessGranted, PatientAccessRevoked, PatientUnusable, PersonRecords};
use crate::permission::Permission;
use crate::phi::{Phi, PhiOf};
use crate::query::Query;

/// Lets another person read a patient's record and act for them. Granted again, it changes nothing.
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
        if model.usable()?.grantees.contains(&self.grantee) {
            return Ok(vec![]);
        }
        let grantee_name = self.grantee_name.clone().map(|value| PhiOf { of: Subject::User(self.grantee), value });
        Ok(vec![PatientAccessGranted { patient: self.patient, grantee: self.grantee, grantee_name }])
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
    use super::*;
    use crate::patients::examples::*;
    use crate::testing::{assert_bounded, given};

    const GRANT: GrantAccess = GrantAccess { patient: ADA, grantee: RELATIVE, grantee_name: None };

    #[test]
    fn another_person_gets_access() {
        given([registered(ADA)]).when(&GRANT).then([access_granted(ADA, RELATIVE)]);
        given([registered(ADA), access_granted(ADA, RELATIVE), access_revoked(ADA, RELATIVE)]).when(&GRANT).then([access_granted(ADA, RELATIVE)]);
    }

    #[test]
    fn the_grantees_name_is_theirs_and_not_the_patients() {
        let name: HumanName = serde_json::from_value(serde_json::json!({ "family": "Quillfeather", "given": ["Rosa"] })).unwrap();
        let grant = GrantAccess { grantee_name: Some(Phi::Known(name.clone())), ..GRANT };
        let of = Subject::User(RELATIVE);
        let granted = PatientAccessGranted { patient: ADA, grantee: RELATIVE, grantee_name: Some(PhiOf { of, value: Phi::Known(name) }) };
        given([registered(ADA)]).when(&grant).then([granted.into()]);
    }

    #[test]
    fn granted_again_it_changes_nothing() {
        given([registered(ADA), access_granted(ADA, RELATIVE)]).when(&GRANT).then([]);
    }

    #[test]
    fn a_grant_on_a_merged_record_is_none_on_the_survivor() {
        let events = [registered(ADA), registered(BOB), access_granted(BOB, RELATIVE), merged(ADA, BOB)];
        given(events).when(&GRANT).then([access_granted(ADA, RELATIVE)]);
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&GRANT).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&GRANT).then_rejected(PatientUnusable::PatientInactive);
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&GRANT).then_rejected(PatientUnusable::PatientMerged { survivor: BOB });
        assert_bounded::<GrantAccess>();
    }
}
