//! What every role may do, as one table: whoever changes the policies changes it as well.

use std::collections::BTreeMap;

use domain::{FacilityId, TenantId};
use uuid::Uuid;

use super::*;
use crate::caller::Caller;
use crate::show::holds_everywhere;

/// A line for each permission. Whether the wishes of patients close it. Over whose records it holds: `own`, as a patient, and whether that is passed on to whom they let in; `all`
/// of the tenant, in a role that holds there. In a role that holds at a facility it is what is `there`, or all the same `everywhere`.
const PERMITTED: &str = "\
permission             wishes  patient passed on clinician front-desk administrator compliance-officer analyst  at a facility
read-organizations     -       own     yes       all       all        all           all                all      there
manage-organizations   -       -       -         -         -          all           -                  -        there
read-practitioners     -       own     yes       all       all        all           all                -        there
manage-practitioners   -       -       -         -         -          all           -                  -        there
read-patients          close   own     yes       all       all        all           all                -        everywhere
manage-patients        -       -       -         all       all        all           -                  -        everywhere
merge-patients         -       -       -         -         -          all           -                  -        there
grant-patient-access   -       own     -         -         -          all           -                  -        there
read-appointments      close   own     yes       all       all        all           all                -        there
book-appointments      -       own     yes       all       all        all           -                  -        there
conduct-appointments   -       -       -         all       all        -             -                  -        there
overbook               -       -       -         all       -          -             -                  -        there
back-enter             -       -       -         all       all        -             -                  -        there
read-chart             close   own     yes       all       -          -             all                -        there
record-facts           -       -       -         all       -          -             -                  -        there
read-documents         close   own     yes       all       -          -             all                -        there
upload-documents       -       -       -         all       all        -             -                  -        there
read-history           close   own     yes       all       -          all           all                -        there
read-access-records    -       own     -         -         -          -             all                -        there
read-consents          close   own     -         all       all        all           all                -        there
manage-consents        -       own     -         all       all        all           -                  -        there
answer-restrictions    -       -       -         -         -          all           all                -        there
break-glass            -       -       -         all       -          -             -                  -        everywhere
review-break-glass     close   -       -         -         -          -             all                -        there
read-disclosures       close   own     -         -         -          -             all                -        there
record-disclosures     -       -       -         -         all        all           all                -        there
end-sessions           -       -       -         -         -          all           all                -        there
verify-logs            -       -       -         -         -          -             all                -        there
";

fn given(role: Role) -> BTreeSet<Role> {
    BTreeSet::from([role])
}

/// Someone who has a role at one facility and none besides.
fn at_a_facility(role: Role) -> Caller {
    let facility_roles = BTreeMap::from([(FacilityId(Uuid::from_u128(1)), given(role))]);
    Caller { facility_roles, ..Caller::operator(TenantId(Uuid::from_u128(2)), "table", []) }
}

fn held(role: Role, permission: Permission) -> String {
    let held = match reach(&given(role), permission) {
        None => "-",
        Some(Reach::OwnPatients) => "own",
        Some(Reach::Facilities) => "facility's",
        Some(Reach::Tenant) => "all",
    };
    format!("{held:<width$}", width = role.name().len())
}

fn row(permission: Permission) -> String {
    let wishes = if cedar::wishes_can_close(permission) { "close" } else { "-" };
    let passed_on = if passed_on(permission).is_some() { "yes" } else { "-" };
    let there = if holds_everywhere(permission) { "everywhere" } else { "there" };
    let [patient, staff @ ..] = Role::ALL.map(|role| held(role, permission));
    format!("{:<22} {wishes:<7} {patient} {passed_on:<9} {}  {there}", permission.name(), staff.join(" "))
}

#[test]
fn every_role_may_do_what_the_table_says_and_nothing_else() {
    let rows: Vec<String> = Permission::ALL.into_iter().map(row).collect();
    let heading = PERMITTED.lines().next().unwrap_or_default();
    assert!(PERMITTED.lines().skip(1).eq(rows.iter().map(String::as_str)), "the policies say:\n{heading}\n{}", rows.join("\n"));
}

#[test]
fn a_role_at_a_facility_has_what_the_role_has_and_no_further() {
    for (role, permission) in Role::ALL.into_iter().flat_map(|role| Permission::ALL.map(|permission| (role, permission))) {
        let there = reach(&given(role), permission).map(|reach| reach.min(Reach::Facilities));
        assert_eq!(at_a_facility(role).reach(permission), there, "{} {}", role.name(), permission.name());
    }
}

/// The permissions that wishes of patients do not close, and why.
const NOT_CLOSED_BY_WISHES: &[(&str, &[Permission])] = &[
    (
        "it is about no patient",
        &[
            Permission::ReadOrganizations,
            Permission::ManageOrganizations,
            Permission::ReadPractitioners,
            Permission::ManagePractitioners,
            Permission::EndSessions,
            Permission::VerifyLogs,
        ],
    ),
    (
        "it changes, and shows nothing",
        &[
            Permission::ManagePatients,
            Permission::MergePatients,
            Permission::GrantPatientAccess,
            Permission::BookAppointments,
            Permission::ConductAppointments,
            Permission::Overbook,
            Permission::BackEnter,
            Permission::RecordFacts,
            Permission::UploadDocuments,
            Permission::ManageConsents,
            Permission::AnswerRestrictions,
            Permission::RecordDisclosures,
        ],
    ),
    ("it is for the emergency in which no wish closes", &[Permission::BreakGlass]),
    // Officers and the patient alone have it: whoever looked has no wish of the patient to hide behind.
    ("the law has it reviewed (45 CFR 164.308(a)(1)(ii)(D))", &[Permission::ReadAccessRecords]),
];

#[test]
fn wishes_close_every_permission_to_see_something_of_a_patient() {
    for permission in Permission::ALL {
        let excepted: Vec<&str> = NOT_CLOSED_BY_WISHES.iter().filter(|(_, named)| named.contains(&permission)).map(|(why, _)| *why).collect();
        let closed = cedar::wishes_can_close(permission);
        assert_eq!(excepted.len(), usize::from(!closed), "{} is in the group `see`, or among the exceptions: {excepted:?}", permission.name());
        assert!(!closed || permission.data_kind().is_some(), "{} is about no patient", permission.name());
        assert_eq!(permission.data_kind().is_none(), excepted.contains(&"it is about no patient"), "{}", permission.name());
    }
}

#[test]
fn a_wish_closes_to_everyone_but_the_patient_and_the_law() {
    let dissented = Facts { dissented: true, ..Facts::default() };
    let closed = Permission::ALL.into_iter().filter(|permission| cedar::wishes_can_close(*permission));
    for (permission, role) in closed.flat_map(|permission| Role::ALL.map(|role| (permission, role))) {
        let may = |purpose, facts| rules(&given(role), purpose, Action::Use(permission), facts);
        let named = format!("{} {}", role.name(), permission.name());
        for restricted in [dissented, Facts { restricted: true, ..Facts::default() }] {
            assert!(!may(PurposeOfUse::Treatment, restricted) && !may(PurposeOfUse::PublicHealth, restricted), "{named}");
            let lawful = role == Role::ComplianceOfficer && may(PurposeOfUse::Compliance, Facts::default());
            assert_eq!(may(PurposeOfUse::Compliance, restricted), lawful, "{named}");
            let own = Facts { own: true, ..restricted };
            assert_eq!(may(PurposeOfUse::PatientRequest, own), reach(&given(role), permission).is_some(), "{named}");
        }
    }
}
