use domain::Label;

use super::*;

fn of(roles: impl IntoIterator<Item = Role>) -> BTreeSet<Role> {
    roles.into_iter().collect()
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
        for label in Label::ALL.into_iter().chain([Label::Unknown]) {
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
fn a_label_of_a_later_build_is_open_to_whoever_wrote_it_and_in_an_emergency() {
    use PurposeOfUse as P;
    let nothing = Facts::default();
    assert!(!opens(Role::Patient, P::PatientRequest, Label::Unknown, Facts { own: true, ..nothing }), "it may be that of notes of psychotherapy");
    assert!(!opens(Role::Clinician, P::Treatment, Label::Unknown, Facts { treats: true, ..nothing }), "or of substance use");
    assert!(opens(Role::Clinician, P::Treatment, Label::Unknown, Facts { authored: true, ..nothing }));
    assert!(opens(Role::Clinician, P::BreakTheGlass, Label::Unknown, Facts { glass_broken: true, ..nothing }));
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
    for ProtectedField { graphql, .. } in &PROTECTED_FIELDS {
        assert!(sees(Role::Clinician, graphql) && sees(Role::Patient, graphql), "{graphql}");
    }
    assert!(!sees(Role::FrontDesk, "Patient.maritalStatus") && sees(Role::FrontDesk, "Patient.contact"));
    assert!(!sees(Role::ComplianceOfficer, "Patient.contact") && !sees(Role::Administrator, "Appointment.reason"));
}
