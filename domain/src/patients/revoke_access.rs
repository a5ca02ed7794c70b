//! Revoke another person's access to a patient's record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::{PatientId, UserId};
use crate::patients::{PatientAccessGranted, PatientAccessRevoked, PatientUnusable, PersonRecords};
use crate::permission::Permission;
use crate::query::Query;

/// Ends another person's access to every record of the patient, also to one that is deactivated. Where there is none it changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeAccess {
    /// The patient.
    pub patient: PatientId,
    /// Who may not any more.
    pub grantee: UserId,
}

impl Decision for RevokeAccess {
    type Model = PersonRecords;
    type Event = PatientAccessRevoked;
    type Rejection = PatientUnusable;

    fn model(&self) -> (PersonRecords, Query) {
        let model = PersonRecords::of(self.patient);
        let query = model.query(&[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE]);
        (model, query)
    }

    fn apply(model: &mut PersonRecords, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &PersonRecords, _circumstances: &Circumstances) -> Result<Vec<PatientAccessRevoked>, PatientUnusable> {
        model.standing.withdrawable()?;
        let granted = model.all().filter(|record| record.grantees.contains_key(&self.grantee));
        Ok(granted.map(|record| PatientAccessRevoked { patient: record.patient, grantee: self.grantee }).collect())
    }
}

impl Command for RevokeAccess {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "revoke-access";
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

    const REVOKE: RevokeAccess = RevokeAccess { patient: ADA, grantee: RELATIVE };

    #[test]
    fn access_ends() {
        given([registered(ADA), access_granted(ADA, RELATIVE)]).when(&REVOKE).then([access_revoked(ADA, RELATIVE)]);
    }

    #[test]
    fn where_there_is_none_it_changes_nothing() {
        given([registered(ADA)]).when(&REVOKE).then([]);
        given([registered(ADA), access_granted(ADA, RELATIVE), access_revoked(ADA, RELATIVE)]).when(&REVOKE).then([]);
    }

    #[test]
    fn after_a_merge_it_ends_on_every_record() {
        let events = vec![registered(ADA), registered(BOB), access_granted(BOB, RELATIVE), merged(ADA, BOB)];
        given(events.clone()).when(&REVOKE).then([access_revoked(BOB, RELATIVE)]);
        given([events, vec![access_granted(ADA, RELATIVE)]].concat()).when(&REVOKE).then([access_revoked(ADA, RELATIVE), access_revoked(BOB, RELATIVE)]);
    }

    #[test]
    fn also_a_deactivated_record_can_be_closed_to_someone() {
        given([registered(ADA), access_granted(ADA, RELATIVE), deactivated(ADA)]).when(&REVOKE).then([access_revoked(ADA, RELATIVE)]);
    }

    #[test]
    fn the_record_must_be_known_and_not_merged() {
        given([]).when(&REVOKE).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&REVOKE).then_rejected(PatientUnusable::PatientMerged { survivor: BOB });
        assert_bounded::<RevokeAccess>();
    }
}
