//! Consents, restrictions and grants of access: from the command to what is read, and what a grant that holds no longer opens.

use chrono::{DateTime, Duration, Months, Utc};
use domain::patients::{AccessScope, PatientsEvent};
use domain::{Event, PatientId, Phi, UserId};
use event_store::{Clock, fresh_id};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;

/// A consent, a restriction and a grant, with something in every field.
pub async fn consents_of_everything(world: &World, patient: Uuid, facility: Uuid) {
    let provision = |recipient: Value| json!({ "recipient": recipient, "purposes": ["TREAT"], "kinds": ["chart"], "labels": ["PSY"], "period": { "start": "2026-01-01T00:00:00Z" } });
    let consent =
        json!({ "consent": fresh_id(), "patient": patient, "decision": "permit", "provision": provision(json!({ "facility": facility })), "note": "Needle" });
    world.tell(Role::FrontDesk, "consents/grant-consent", consent).await;
    let asked = json!({ "restriction": fresh_id(), "patient": patient, "provision": provision(json!("anyone")), "reason": "Needle" });
    world.tell(Role::FrontDesk, "consents/request-restriction", asked).await;
    let scope = json!({ "relationship": "SPS", "kinds": ["appointments"], "labels": ["SEX"] });
    let grant = json!({ "patient": patient, "grantee": fresh_id(), "granteeName": { "family": "Needle" }, "scope": scope });
    world.tell(Role::Administrator, "patients/grant-access", grant).await;
}

const READ: &str = "query($id: ID!) { patient(id: $id) { \
    consents { nodes { id uuid status decision signed note revocationReason granted { user role } revoked { role } \
        provision { recipient { kind user role facility { name } } purposes kinds labels start end } } } \
    restrictions { nodes { id status reason paidInFull declineReason endReason endedBy requested { role } answered { role } ended { role } patient { uuid } \
        provision { recipient { kind role } labels } } } \
    grants { nodes { grantee granteeName { text } relationship kinds labels ends untilMajority inForce } } } }";

#[tokio::test]
async fn a_patient_consents_reads_it_back_and_revokes_it() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, consent) = (clinic.patient(&world, "Ada", "Lovelace").await, fresh_id());
    let document = world.upload(ada).await;
    let token = world.token_of_patient(ada);
    let provision = json!({ "recipient": { "facility": clinic.facility }, "purposes": ["TREAT", "HRESCH"], "kinds": ["chart", "access-records"], "labels": ["PSY"],
        "period": { "start": "2027-01-01T00:00:00Z", "end": "2028-01-01T00:00:00Z" } });
    let grant = json!({ "consent": consent, "patient": ada, "decision": "permit", "provision": provision, "signed": document, "note": "at the desk" });
    let (status, answer) = world.try_to(&token, "consents/grant-consent", &grant).await;
    assert_eq!(status, StatusCode::OK, "{answer}");

    let read = async || world.data(&token, READ, json!({ "id": ada })).await["patient"]["consents"]["nodes"].clone();
    let facility = json!({ "name": "Lakeside Main" });
    let mut expected = json!([{
        "id": format!("Consent/{consent}"), "uuid": consent, "status": "ACTIVE", "decision": "PERMIT", "signed": document, "note": "at the desk",
        "revocationReason": null, "granted": { "user": Uuid::from_u128(7), "role": "patient" }, "revoked": null,
        "provision": { "recipient": { "kind": "FACILITY", "user": null, "role": null, "facility": facility }, "purposes": ["TREATMENT", "RESEARCH"],
            "kinds": ["CHART", "ACCESS_RECORDS"], "labels": ["PSY"], "start": "2027-01-01T00:00:00+00:00", "end": "2028-01-01T00:00:00+00:00" },
    }]);
    assert_eq!(read().await, expected);

    let revoke = json!({ "consent": consent, "patient": ada, "reason": "changed my mind" });
    assert_eq!(world.try_to(&token, "consents/revoke-consent", &revoke).await.0, StatusCode::OK);
    let (status, problem) = world.try_to(&token, "consents/revoke-consent", &revoke).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("consent-revoked")));
    expected[0]["status"] = "INACTIVE".into();
    expected[0]["revoked"] = json!({ "role": "patient" });
    expected[0]["revocationReason"] = "changed my mind".into();
    assert_eq!(read().await, expected);
    let node = world.data(&token, "query($id: ID!) { node(id: $id) { ... on Consent { status } } }", json!({ "id": format!("Consent/{consent}") })).await;
    assert_eq!(node["node"]["status"], "INACTIVE");
    let bob = world.token_of_patient(clinic.patient(&world, "Bob", "Byrd").await);
    let node = world.data(&bob, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": format!("Consent/{consent}") })).await;
    assert_eq!(node["node"], Value::Null, "another patient's is as if it were not there");
}

#[tokio::test]
async fn a_restriction_is_asked_for_answered_and_ended() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, plan, other) = (clinic.patient(&world, "Ada", "Lovelace").await, fresh_id(), fresh_id());
    let (token, officer) = (world.token_of_patient(ada), world.token(Role::ComplianceOfficer));
    for (restriction, paid_in_full) in [(plan, true), (other, false)] {
        let provision = json!({ "recipient": { "role": "front-desk" }, "labels": ["PSY"] });
        let body = json!({ "restriction": restriction, "patient": ada, "provision": provision, "reason": "private", "paidInFull": paid_in_full });
        assert_eq!(world.try_to(&token, "consents/request-restriction", &body).await.0, StatusCode::OK);
    }
    let asked = "{ restrictions(status: REQUESTED) { nodes { uuid patient { displayName } } } }";
    let open = world.data(&officer, asked, json!({})).await["restrictions"]["nodes"].clone();
    assert_eq!(open.as_array().unwrap().len(), 2);
    assert_eq!(open[0], json!({ "uuid": plan, "patient": { "displayName": "Ada Lovelace" } }));

    let decline = |restriction: Uuid| json!({ "restriction": restriction, "patient": ada, "reason": "care" });
    let (status, problem) = world.try_to(&officer, "consents/decline-restriction", &decline(plan)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("restriction-mandatory")));
    assert!(problem["title"].as_str().unwrap().contains("45 CFR 164.522(a)(1)(vi)"), "{problem}");
    assert_eq!(world.try_to(&token, "consents/agree-to-restriction", &json!({ "restriction": plan, "patient": ada })).await.0, StatusCode::FORBIDDEN);
    world.tell(Role::ComplianceOfficer, "consents/agree-to-restriction", json!({ "restriction": plan, "patient": ada })).await;
    world.tell(Role::ComplianceOfficer, "consents/decline-restriction", decline(other)).await;
    let read = async || world.data(&token, READ, json!({ "id": ada })).await["patient"]["restrictions"]["nodes"].clone();
    let before = read().await;
    assert_eq!((&before[0]["status"], &before[0]["declineReason"], &before[0]["paidInFull"]), (&json!("DECLINED"), &json!("care"), &json!(false)));
    assert_eq!((&before[1]["status"], &before[1]["answered"]["role"], &before[1]["ended"]), (&json!("AGREED"), &json!("compliance-officer"), &Value::Null));
    assert_eq!(before[1]["provision"], json!({ "recipient": { "kind": "ROLE", "role": "FRONT_DESK" }, "labels": ["PSY"] }));

    let end = |by: &str| json!({ "restriction": plan, "patient": ada, "by": by, "reason": "moved" });
    assert_eq!(world.try_to(&officer, "consents/end-restriction", &end("notice")).await.1["code"], "restriction-mandatory");
    world.tell(Role::ComplianceOfficer, "consents/end-restriction", end("patient-wish")).await;
    let after = read().await;
    assert_eq!((&after[1]["status"], &after[1]["endedBy"], &after[1]["endReason"]), (&json!("ENDED"), &json!("PATIENT_WISH"), &json!("moved")));
    assert_eq!(world.data(&officer, asked, json!({})).await["restrictions"]["nodes"], json!([]));
}

#[test]
fn a_grant_that_was_stored_before_grants_had_a_scope_reaches_all_that_is_passed_on_without_an_end() {
    let clear = json!({ "patient": fresh_id(), "grantee": fresh_id() });
    for version in [1, 2] {
        let event = Event::decode("patients.PatientAccessGranted", version, clear.clone(), Phi::Known(vec![])).unwrap();
        let Event::Patients(PatientsEvent::PatientAccessGranted(granted)) = event else { panic!("another event") };
        assert!(granted.scope == Phi::Known(AccessScope::default()));
    }
}

/// A relative of patients, who books for them and reads them.
struct Relative<'world> {
    world: &'world World,
    clinic: &'world Clinic,
    user: Uuid,
    token: String,
}

impl<'world> Relative<'world> {
    fn of(world: &'world World, clinic: &'world Clinic) -> Self {
        let user = fresh_id();
        let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(user), [Role::Patient].into()));
        Self { world, clinic, user, token }
    }

    /// Registers a patient who lets them in.
    async fn let_in(&self, birth: Option<String>, scope: Value) -> Uuid {
        let patient = fresh_id();
        let body = json!({ "patient": patient, "demographics": { "name": [{ "family": "Needle" }], "birthDate": birth } });
        self.world.tell(Role::FrontDesk, "patients/register-patient", body).await;
        self.world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": patient, "grantee": self.user, "scope": scope })).await;
        patient
    }

    /// Whether they read a patient, and whether they may book for them.
    async fn reaches(&self, patient: Uuid, start: &str) -> (bool, bool) {
        let found = self.world.data(&self.token, "query($id: ID!) { patient(id: $id) { uuid } }", json!({ "id": patient })).await;
        let booking = json!({ "appointment": fresh_id(), "patient": patient, "placement": self.clinic.placement(start) });
        let (status, answer) = self.world.try_to(&self.token, "scheduling/book-appointment", &booking).await;
        assert!([StatusCode::OK, StatusCode::FORBIDDEN].contains(&status), "{answer}");
        (found["patient"] != Value::Null, status == StatusCode::OK)
    }
}

fn years_ago(years: u32, days: i64) -> Option<String> {
    let today = Clock::system().now().date_naive();
    Some((today.checked_sub_months(Months::new(12 * years))? + Duration::days(days)).to_string())
}

#[tokio::test]
async fn a_grant_opens_the_record_as_long_as_it_holds() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let relative = Relative::of(&world, &clinic);
    let now: DateTime<Utc> = Clock::system().now();
    let minors = || json!({ "relationship": "PRN", "untilMajority": true });
    let cases = [
        (None, json!({}), true, "without an end"),
        (None, json!({ "ends": now + Duration::hours(1) }), true, "before its end"),
        (None, json!({ "ends": now - Duration::seconds(1) }), false, "after its end"),
        (years_ago(18, 3), minors(), true, "of a minor"),
        (years_ago(18, 0), minors(), false, "on the day of majority"),
        (years_ago(40, 0), minors(), false, "of an adult"),
        (years_ago(18, 0).map(|day| day[..4].to_owned()), minors(), false, "of one who may be of age"),
        (None, minors(), false, "of one whose birth is not known"),
        (years_ago(40, 0), json!({ "relationship": "GUARD" }), true, "that does not end with majority"),
    ];
    for (index, (birth, scope, holds, case)) in cases.into_iter().enumerate() {
        let patient = relative.let_in(birth, scope).await;
        let start = format!("2031-03-0{}T{:02}:00:00", 3 + index / 5, 9 + index % 5);
        assert_eq!(relative.reaches(patient, &start).await, (holds, holds), "a grant {case}");
    }
}

#[tokio::test]
async fn a_grant_holds_as_what_is_known_of_the_birth_says_and_as_it_was_granted_last() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let relative = Relative::of(&world, &clinic);
    let patient = relative.let_in(years_ago(10, 0), json!({ "relationship": "PRN", "untilMajority": true })).await;
    assert_eq!(relative.reaches(patient, "2031-03-03T09:00:00").await, (true, true));
    let corrected = json!({ "patient": patient, "correction": { "birthDate": years_ago(30, 0) } });
    world.tell(Role::FrontDesk, "patients/correct-demographics", corrected).await;
    assert_eq!(relative.reaches(patient, "2031-03-03T10:00:00").await, (false, false));
    let again = json!({ "patient": patient, "grantee": relative.user, "scope": { "relationship": "HPOWATT" } });
    world.tell(Role::Administrator, "patients/grant-access", again).await;
    assert_eq!(relative.reaches(patient, "2031-03-03T11:00:00").await, (true, true));
}

#[tokio::test]
async fn whom_a_patient_lets_in_does_not_read_what_is_the_patients_alone() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let relative = Relative::of(&world, &clinic);
    let patient = relative.let_in(years_ago(10, 0), json!({ "relationship": "PRN", "labels": ["SEX"], "untilMajority": true })).await;
    consents_of_everything(&world, patient, clinic.facility).await;
    let theirs = world.data(&world.token_of_patient(patient), READ, json!({ "id": patient })).await["patient"].clone();
    let grants = theirs["grants"]["nodes"].as_array().unwrap();
    let of_the_relative = grants.iter().find(|grant| grant["grantee"] == relative.user.to_string()).unwrap();
    let expected = json!({ "grantee": relative.user, "granteeName": null, "relationship": "PARENT", "kinds": [], "labels": ["SEX"], "ends": null,
        "untilMajority": true, "inForce": true });
    assert_eq!((grants.len(), of_the_relative), (2, &expected));
    assert!(grants.iter().any(|grant| grant["granteeName"]["text"] == "Needle" && grant["relationship"] == "SPOUSE"));

    let passed_on = world.data(&relative.token, READ, json!({ "id": patient })).await["patient"].clone();
    let nothing = json!({ "nodes": [] });
    assert_eq!(passed_on, json!({ "consents": nothing, "restrictions": nothing, "grants": nothing }));
    let list = world.data(&relative.token, "{ restrictions { nodes { id } } }", json!({})).await;
    assert_eq!(list["restrictions"], nothing);
    for id in [theirs["consents"]["nodes"][0]["id"].clone(), theirs["restrictions"]["nodes"][0]["id"].clone()] {
        assert_eq!(world.data(&relative.token, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await["node"], Value::Null);
    }
    let history = "query($id: ID!) { patient(id: $id) { history { nodes { eventType summary details { value } } } } }";
    let told = world.data(&relative.token, history, json!({ "id": patient })).await["patient"]["history"]["nodes"].clone();
    for entry in told.as_array().unwrap().iter().filter(|entry| entry["eventType"] != "patients.PatientRegistered") {
        assert_eq!(entry["details"], json!([]), "{entry}");
    }
    let whole = world.data(&world.token_of_patient(patient), history, json!({ "id": patient })).await;
    assert!(whole.to_string().contains("Restriction requested: nothing for everyone"), "{whole}");
    // Whoever is somebody's relative is themself too.
    let both = world.token_of(|claims| {
        (claims.sub, claims.roles, claims.patient) = (UserId(relative.user), [Role::Patient].into(), Some(PatientId(patient)));
    });
    assert_eq!(world.data(&both, READ, json!({ "id": patient })).await["patient"]["consents"], theirs["consents"]);
}
