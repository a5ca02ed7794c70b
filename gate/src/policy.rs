//! Which role may do what. One table, read as it is written; a permission that is not named for a role is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::Permission;
use domain::Role;
use domain::access::PurposeOfUse;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

fn permissions_of(role: Role) -> &'static [Permission] {
    use Permission as P;
    match role {
        Role::Patient => &[
            P::ReadOrganizations,
            P::ReadPractitioners,
            P::ReadPatients,
            P::ReadAppointments,
            P::ReadChart,
            P::ReadDocuments,
            P::ReadHistory,
            P::ReadAccessRecords,
            P::BookAppointments,
            P::GrantPatientAccess,
            P::ReadConsents,
            P::ManageConsents,
            P::ReadDisclosures,
        ],
        Role::Clinician => &[
            P::ReadOrganizations,
            P::ReadPractitioners,
            P::ReadPatients,
            P::ReadAppointments,
            P::ReadChart,
            P::RecordFacts,
            P::ReadDocuments,
            P::UploadDocuments,
            P::ReadHistory,
            P::ManagePatients,
            P::BookAppointments,
            P::ConductAppointments,
            P::Overbook,
            P::BackEnter,
            P::ReadConsents,
            P::ManageConsents,
            P::BreakGlass,
        ],
        Role::FrontDesk => &[
            P::ReadOrganizations,
            P::ReadPractitioners,
            P::ReadPatients,
            P::ReadAppointments,
            P::ManagePatients,
            P::BookAppointments,
            P::ConductAppointments,
            P::BackEnter,
            P::UploadDocuments,
            P::ReadConsents,
            P::ManageConsents,
            P::RecordDisclosures,
        ],
        Role::Administrator => &[
            P::ReadOrganizations,
            P::ReadPractitioners,
            P::ReadPatients,
            P::ReadAppointments,
            P::ReadHistory,
            P::ManageOrganizations,
            P::ManagePractitioners,
            P::ManagePatients,
            P::MergePatients,
            P::GrantPatientAccess,
            P::BookAppointments,
            P::ReadConsents,
            P::ManageConsents,
            P::AnswerRestrictions,
            P::RecordDisclosures,
            P::EndSessions,
        ],
        Role::ComplianceOfficer => &[
            P::ReadOrganizations,
            P::ReadPractitioners,
            P::ReadPatients,
            P::ReadAppointments,
            P::ReadChart,
            P::ReadDocuments,
            P::ReadHistory,
            P::ReadAccessRecords,
            P::ReadConsents,
            P::AnswerRestrictions,
            P::ReviewBreakGlass,
            P::ReadDisclosures,
            P::RecordDisclosures,
            P::EndSessions,
        ],
        Role::Analyst => &[P::ReadOrganizations],
    }
}

/// Why someone of this role may ask; the first is why they ask unless they say otherwise.
fn purposes_of(role: Role) -> &'static [PurposeOfUse] {
    use PurposeOfUse as P;
    match role {
        Role::Patient => &[P::PatientRequest, P::FamilyRequest],
        Role::Clinician => &[P::Treatment, P::EmergencyTreatment, P::CareManagement, P::PublicHealth, P::Research, P::BreakTheGlass],
        Role::FrontDesk => &[P::Operations, P::CareManagement, P::Payment, P::RecordManagement],
        Role::Administrator => &[P::Operations, P::RecordManagement, P::Payment, P::SystemAdministration],
        Role::ComplianceOfficer => &[P::Compliance, P::Legal, P::PublicHealth],
        Role::Analyst => &[P::Operations, P::Research],
    }
}

/// Why someone with these roles asks who does not say.
pub fn usual_purpose(roles: &BTreeSet<Role>) -> PurposeOfUse {
    // Whoever works here asks for their work; what they are besides comes after.
    let role = roles.iter().find(|role| **role != Role::Patient).unwrap_or(&Role::Patient);
    purposes_of(*role)[0]
}

/// Whether someone with these roles may ask for a purpose.
pub fn may_ask_for(roles: &BTreeSet<Role>, purpose: PurposeOfUse) -> bool {
    roles.iter().any(|role| purposes_of(*role).contains(&purpose))
}

/// The policies in force, as a digest of all that they say: an access record names it, so that what was decided by can be found again.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let written = Role::ALL.map(|role| format!("{}: {:?} {:?}\n", role.name(), permissions_of(role), purposes_of(role))).concat();
        let digest: [u8; 32] = Sha256::digest(written).into();
        format!("{:016x}", digest[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    });
    &VERSION
}

/// Over whose records a permission holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The caller's own, and those of patients who granted them access.
    OwnPatients,
    /// Everything of the tenant.
    Tenant,
}

/// Whether those to whom a patient granted access have a permission over that patient's record as the patient has it. What is not named here is the patient's alone:
/// to grant access, and to see who had it.
pub fn passes_on(permission: Permission) -> bool {
    use Permission as P;
    matches!(permission, P::ReadPatients | P::ReadAppointments | P::ReadChart | P::ReadDocuments | P::ReadHistory | P::BookAppointments)
}

/// How far a permission reaches for someone with these roles; `None` where they do not have it.
pub fn reach(roles: &BTreeSet<Role>, permission: Permission) -> Option<Reach> {
    permissions(roles).get(&permission).copied()
}

/// All that someone with these roles may do, and how far.
pub fn permissions(roles: &BTreeSet<Role>) -> BTreeMap<Permission, Reach> {
    let mut permissions = BTreeMap::new();
    for role in roles {
        let reach = if *role == Role::Patient { Reach::OwnPatients } else { Reach::Tenant };
        for permission in permissions_of(*role) {
            let widest = permissions.entry(*permission).or_insert(reach);
            *widest = reach.max(*widest);
        }
    }
    permissions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_role_may_do_is_this_and_nothing_else() {
        // Written out a second time on purpose: whoever changes the policy says so twice.
        let counted = Role::ALL.map(|role| (role.name(), permissions_of(role).len()));
        assert_eq!(counted, [("patient", 13), ("clinician", 17), ("front-desk", 12), ("administrator", 16), ("compliance-officer", 14), ("analyst", 1)]);
        let who_may = |permission| Role::ALL.into_iter().filter(|role| permissions_of(*role).contains(&permission)).map(Role::name).collect::<Vec<_>>();
        assert_eq!(who_may(Permission::Overbook), ["clinician"]);
        assert_eq!(who_may(Permission::BackEnter), ["clinician", "front-desk"]);
        assert_eq!(who_may(Permission::UploadDocuments), ["clinician", "front-desk"]);
        assert_eq!(who_may(Permission::ReadDocuments), ["patient", "clinician", "compliance-officer"]);
        assert_eq!(who_may(Permission::MergePatients), ["administrator"]);
    }

    #[test]
    fn a_patient_reaches_their_own_records_and_another_role_widens_it() {
        let patient = BTreeSet::from([Role::Patient]);
        assert_eq!(reach(&patient, Permission::ReadPatients), Some(Reach::OwnPatients));
        assert_eq!(reach(&patient, Permission::ManagePatients), None);
        let both = BTreeSet::from([Role::Patient, Role::FrontDesk]);
        assert_eq!(reach(&both, Permission::ReadPatients), Some(Reach::Tenant));
        assert_eq!(reach(&both, Permission::ReadHistory), Some(Reach::OwnPatients));
    }

    #[test]
    fn an_analyst_sees_no_patient() {
        let analyst = BTreeSet::from([Role::Analyst]);
        for permission in [Permission::ReadPatients, Permission::ReadAppointments, Permission::ReadHistory, Permission::ReadPractitioners] {
            assert_eq!(reach(&analyst, permission), None);
        }
    }
}
