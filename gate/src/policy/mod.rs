//! Who may do and see what: the questions that are put to the policies of `gate/policies`, and what their answers come to.

mod cedar;
mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::access::PurposeOfUse;
use domain::{Permission, Role};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use cedar::{Action, Question, ask, protected_fields, read};
pub(crate) use facts::Facts;

/// Over whose records a permission holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The caller's own, and those of patients who granted them access.
    OwnPatients,
    /// What belongs to the facilities where the caller has a role that has it.
    Facilities,
    /// Everything of the tenant.
    Tenant,
}

/// The policies in force, as a digest of all that they say: an access record names it, so that what was decided by can be found again.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let digest: [u8; 32] = Sha256::digest([schema(), &text()].concat()).into();
        format!("{:016x}", digest[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    });
    &VERSION
}

/// What the policies in force are valid by.
pub(crate) fn schema() -> &'static str {
    cedar::SCHEMA
}

/// The policies in force.
pub(crate) fn text() -> String {
    cedar::POLICIES.join("\n")
}

/// Why someone with these roles asks who does not say.
pub fn usual_purpose(roles: &BTreeSet<Role>) -> PurposeOfUse {
    // Whoever works here asks for their work; what they are besides comes after.
    match roles.iter().find(|role| **role != Role::Patient).unwrap_or(&Role::Patient) {
        Role::Patient => PurposeOfUse::PatientRequest,
        Role::Clinician => PurposeOfUse::Treatment,
        Role::FrontDesk | Role::Administrator | Role::Analyst => PurposeOfUse::Operations,
        Role::ComplianceOfficer => PurposeOfUse::Compliance,
    }
}

fn rules(roles: &BTreeSet<Role>, purpose: PurposeOfUse, action: Action, facts: Facts) -> bool {
    ask(Question { roles: roles.clone(), purpose, action, facts }).allowed
}

/// Whether someone with these roles may ask for a purpose.
pub fn may_ask_for(roles: &BTreeSet<Role>, purpose: PurposeOfUse) -> bool {
    rules(roles, purpose, Action::Ask, Facts::default())
}

/// Whether those to whom a patient granted access have a permission over that patient's record as the patient has it.
pub fn passes_on(permission: Permission) -> bool {
    let proxy = Facts { proxy: true, covered: true, ..Facts::default() };
    rules(&BTreeSet::from([Role::Patient]), PurposeOfUse::FamilyRequest, Action::Use(permission), proxy)
}

/// How far a permission reaches for someone with these roles; `None` where they do not have it.
pub fn reach(roles: &BTreeSet<Role>, permission: Permission) -> Option<Reach> {
    let action = Action::Use(permission);
    let purpose = usual_purpose(roles);
    if rules(roles, purpose, action, Facts::default()) {
        Some(Reach::Tenant)
    } else {
        rules(roles, purpose, action, Facts { own: true, ..Facts::default() }).then_some(Reach::OwnPatients)
    }
}

/// All that someone with these roles may do, and how far.
pub fn permissions(roles: &BTreeSet<Role>) -> BTreeMap<Permission, Reach> {
    Permission::ALL.into_iter().filter_map(|permission| Some((permission, reach(roles, permission)?))).collect()
}

#[cfg(test)]
mod tests {
    use domain::Label;

    use super::*;

    fn of(roles: impl IntoIterator<Item = Role>) -> BTreeSet<Role> {
        roles.into_iter().collect()
    }

    #[test]
    fn what_every_role_may_do_is_this_and_nothing_else() {
        // Written out a second time on purpose: whoever changes the policies says so twice.
        let counted = Role::ALL.map(|role| (role.name(), permissions(&of([role])).len()));
        assert_eq!(counted, [("patient", 13), ("clinician", 17), ("front-desk", 12), ("administrator", 16), ("compliance-officer", 14), ("analyst", 1)]);
        let who_may = |permission| Role::ALL.into_iter().filter(|role| reach(&of([*role]), permission).is_some()).map(Role::name).collect::<Vec<_>>();
        assert_eq!(who_may(Permission::Overbook), ["clinician"]);
        assert_eq!(who_may(Permission::BackEnter), ["clinician", "front-desk"]);
        assert_eq!(who_may(Permission::UploadDocuments), ["clinician", "front-desk"]);
        assert_eq!(who_may(Permission::ReadDocuments), ["patient", "clinician", "compliance-officer"]);
        assert_eq!(who_may(Permission::MergePatients), ["administrator"]);
        assert_eq!(who_may(Permission::BreakGlass), ["clinician"]);
        assert_eq!(who_may(Permission::ReviewBreakGlass), ["compliance-officer"]);
    }

    #[test]
    fn a_patient_reaches_their_own_records_and_another_role_widens_it() {
        let patient = of([Role::Patient]);
        assert_eq!(reach(&patient, Permission::ReadPatients), Some(Reach::OwnPatients));
        assert_eq!(reach(&patient, Permission::ManagePatients), None);
        let both = of([Role::Patient, Role::FrontDesk]);
        assert_eq!(reach(&both, Permission::ReadPatients), Some(Reach::Tenant));
        assert_eq!(reach(&both, Permission::ReadHistory), Some(Reach::OwnPatients));
    }

    #[test]
    fn an_analyst_sees_no_patient() {
        for permission in [Permission::ReadPatients, Permission::ReadAppointments, Permission::ReadHistory, Permission::ReadPractitioners] {
            assert_eq!(reach(&of([Role::Analyst]), permission), None);
        }
    }

    #[test]
    fn a_patient_passes_on_what_is_not_theirs_alone() {
        use Permission as P;
        let passed_on: Vec<Permission> = Permission::ALL.into_iter().filter(|permission| passes_on(*permission)).collect();
        let expected = [
            P::ReadOrganizations,
            P::ReadPractitioners,
            P::ReadPatients,
            P::BookAppointments,
            P::ReadAppointments,
            P::ReadChart,
            P::ReadDocuments,
            P::ReadHistory,
        ];
        assert_eq!(BTreeSet::from_iter(passed_on), BTreeSet::from(expected));
    }

    #[test]
    fn nobody_operates_the_system_over_the_network() {
        for role in Role::ALL {
            assert!(!may_ask_for(&of([role]), PurposeOfUse::SystemAdministration), "{}", role.name());
            assert!(may_ask_for(&of([role]), usual_purpose(&of([role]))), "{}", role.name());
        }
    }

    fn opens(role: Role, purpose: PurposeOfUse, label: Label, facts: Facts) -> bool {
        rules(&of([role]), purpose, Action::Open(label), facts)
    }

    #[test]
    fn sensitive_labels_are_closed_unless_something_opens_them() {
        use PurposeOfUse as P;
        let nothing = Facts::default();
        let treats = Facts { treats: true, ..nothing };
        let broke = Facts { glass_broken: true, ..nothing };
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Patient) {
            for label in Label::ALL {
                assert!(!opens(role, usual_purpose(&of([role])), label, nothing), "{} {}", role.name(), label.code());
            }
        }
        assert!(opens(Role::Clinician, P::Treatment, Label::Hiv, treats));
        assert!(!opens(Role::Clinician, P::Research, Label::Hiv, treats), "to treat somebody opens nothing for research");
        assert!(!opens(Role::FrontDesk, P::CareManagement, Label::Hiv, treats));
        for label in [Label::SubstanceAbuse, Label::PsychotherapyNotes, Label::PatientRequest] {
            assert!(!opens(Role::Clinician, P::Treatment, label, treats), "{}", label.code());
            assert!(opens(Role::Clinician, P::Treatment, label, Facts { authored: true, ..nothing }));
            assert!(opens(Role::Clinician, P::Treatment, label, Facts { consented: true, ..nothing }));
        }
        assert!(opens(Role::Clinician, P::BreakTheGlass, Label::SubstanceAbuse, broke));
        assert!(!opens(Role::Clinician, P::Treatment, Label::SubstanceAbuse, broke), "broken glass is used knowingly");
        assert!(!opens(Role::Clinician, P::BreakTheGlass, Label::PsychotherapyNotes, broke));
    }

    #[test]
    fn violence_is_kept_from_whom_the_patient_let_in_whatever_was_granted() {
        let granted = Facts { proxy: true, covered: true, consented: true, ..Facts::default() };
        assert!(opens(Role::Patient, PurposeOfUse::FamilyRequest, Label::Hiv, granted));
        assert!(!opens(Role::Patient, PurposeOfUse::FamilyRequest, Label::Violence, granted));
        assert!(!rules(&of([Role::Patient]), PurposeOfUse::FamilyRequest, Action::KnowOf, granted), "and they do not learn that it is there");
        assert!(opens(Role::Patient, PurposeOfUse::PatientRequest, Label::Violence, Facts { own: true, ..Facts::default() }));
    }

    #[test]
    fn a_dissent_beats_every_permission_but_the_glass() {
        use PurposeOfUse as P;
        let see = |purpose, facts| rules(&of([Role::Clinician]), purpose, Action::Use(Permission::ReadChart), facts);
        let dissented = Facts { dissented: true, consented: true, treats: true, ..Facts::default() };
        assert!(see(P::Treatment, Facts::default()));
        assert!(!see(P::Treatment, dissented));
        assert!(!see(P::EmergencyTreatment, dissented));
        assert!(see(P::BreakTheGlass, Facts { glass_broken: true, ..dissented }));
        assert!(!opens(Role::Clinician, P::Treatment, Label::Hiv, dissented));
        let restricted = Facts { restricted: true, treats: true, ..Facts::default() };
        assert!(!see(P::Treatment, restricted));
        assert!(see(P::EmergencyTreatment, restricted), "45 CFR 164.522(a)(1)(iii)");
    }

    #[test]
    fn some_fields_are_not_for_everybody() {
        let sees = |role, field| rules(&of([role]), usual_purpose(&of([role])), Action::SeeField(field), Facts::default());
        for field in protected_fields() {
            assert!(sees(Role::Clinician, field) && sees(Role::Patient, field), "{field}");
        }
        assert!(!sees(Role::FrontDesk, "Patient.maritalStatus") && sees(Role::FrontDesk, "Patient.contact"));
        assert!(!sees(Role::ComplianceOfficer, "Patient.contact") && !sees(Role::Administrator, "Appointment.reason"));
    }
}
