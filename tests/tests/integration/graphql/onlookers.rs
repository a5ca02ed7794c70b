//! What compliance officers ask of the whole of a period, and that nobody else gets an answer.

use std::collections::BTreeSet;

use domain::access::AccessOutcome;
use domain::{PatientId, Permission, PractitionerId, UserId};
use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::clinic::Clinic;
use super::{World, access_record};

const DOCTOR: UserId = UserId(Uuid::from_u128(21));
const DESK: UserId = UserId(Uuid::from_u128(22));
const AUNT: UserId = UserId(Uuid::from_u128(23));
const FIELDS: &str = "{ user roles practitioners accesses unrelated relations kinds purposes first last }";

fn period() -> String {
    let now = event_store::Clock::system().now();
    let [from, to] = [now - chrono::TimeDelta::days(2), now + chrono::TimeDelta::days(1)].map(|time| time.to_rfc3339());
    format!(r#"from: "{from}", to: "{to}""#)
}

fn today() -> String {
    event_store::Clock::system().now().format("%Y-%m-%d").to_string()
}

/// Someone with a name of their own.
fn token(world: &World, user: UserId, role: Role, patient: Option<Uuid>, practitioner: Option<Uuid>) -> String {
    world.token_of(|claims| {
        (claims.sub, claims.roles) = (user, BTreeSet::from([role]));
        (claims.patient, claims.practitioner) = (patient.map(PatientId), practitioner.map(PractitionerId));
    })
}

async fn look(world: &World, token: &str, patient: Uuid) {
    let shown = world.data(token, &format!("{{ patient(id: \"{patient}\") {{ displayName }} }}"), json!({})).await;
    assert!(shown["patient"]["displayName"].is_string(), "{shown}");
}

#[tokio::test]
async fn whoever_looks_is_told_by_what_relates_them_to_the_patient() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Babbage").await);
    let [doctor_of_ada, other_doctor] = clinic.practitioners;
    clinic.enter(&world, ada, "2026-11-04T09:00:00").await;
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": ada, "grantee": AUNT })).await;

    look(&world, &token(&world, DOCTOR, Role::Clinician, None, Some(doctor_of_ada)), ada).await;
    look(&world, &token(&world, DESK, Role::FrontDesk, None, None), ada).await;
    look(&world, &token(&world, DESK, Role::Clinician, None, Some(other_doctor)), ada).await;
    look(&world, &token(&world, AUNT, Role::Patient, None, None), ada).await;
    look(&world, &token(&world, UserId(Uuid::from_u128(24)), Role::Patient, Some(ada), None), ada).await;
    look(&world, &token(&world, DOCTOR, Role::Clinician, None, Some(doctor_of_ada)), bob).await;

    let officer = world.token(Role::ComplianceOfficer);
    let query = format!("{{ onlookers(patient: \"{ada}\", {}) {FIELDS} }}", period());
    let answer = world.ask(&officer, &query, json!({})).await;
    let found = answer["data"]["onlookers"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    let told: Vec<Value> = found.iter().map(|one| json!([one["user"], one["accesses"], one["unrelated"], one["relations"]])).collect();
    let expected = [
        json!([DESK, 2, 2, []]),
        json!([DOCTOR, 1, 0, ["APPOINTMENT"]]),
        json!([AUNT, 1, 0, ["GRANTEE"]]),
        json!([UserId(Uuid::from_u128(24)), 1, 0, ["THEMSELF"]]),
    ];
    assert_eq!(told, expected, "{answer:#}");
    assert_eq!(found[0]["roles"], json!(["clinician", "front-desk"]));
    assert_eq!(found[1]["practitioners"], json!([format!("Practitioner/{doctor_of_ada}")]));
    // The answer is a look at the patient.
    let [record] = &world.access_of_answer(&answer).await[..] else { panic!("one operation is one record") };
    assert_eq!((&record.patients, record.count, record.outcome), (&vec![PatientId(ada)], 4, AccessOutcome::Shown));

    // A narrow window explains less, and a record merged into theirs shows the same.
    let narrow = format!("{{ onlookers(patient: \"{ada}\", daysBefore: 0, daysAfter: 0, {}) {{ user unrelated }} }}", period());
    let narrow = world.data(&officer, &narrow, json!({})).await["onlookers"].clone();
    assert!(narrow.as_array().unwrap().contains(&json!({ "user": DOCTOR, "unrelated": 1 })), "{narrow}");
    world.tell(Role::Administrator, "patients/merge-patients", json!({ "survivor": bob, "merged": ada, "reason": "same person" })).await;
    let merged = world.data(&officer, &format!("{{ onlookers(patient: \"{bob}\", {}) {{ user accesses unrelated }} }}", period()), json!({})).await;
    assert!(merged["onlookers"].as_array().unwrap().contains(&json!({ "user": DOCTOR, "accesses": 2, "unrelated": 0 })), "{merged}");
}

#[tokio::test]
async fn what_someone_saw_on_a_day_is_told_patient_by_patient() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Babbage").await);
    let (day, doctor) = (today(), token(&world, DOCTOR, Role::Clinician, None, None));
    look(&world, &doctor, bob).await;
    look(&world, &doctor, ada).await;
    look(&world, &doctor, bob).await;
    world.data(&doctor, "{ patients(search: { name: \"nobodysname\" }) { nodes { displayName } } }", json!({})).await;
    look(&world, &token(&world, DESK, Role::FrontDesk, None, None), ada).await;

    let officer = world.token(Role::ComplianceOfficer);
    let fields = "accesses nothingFound refused patientCount patients(first: 1) { nodes { patient accesses kinds purposes operations { operation times } first last } pageInfo { hasNextPage endCursor } }";
    let query =
        format!("query($after: String) {{ seenOnDay(user: \"{}\", day: \"{day}\") {{ {} }} }}", DOCTOR, fields.replace("first: 1", "first: 1, after: $after"));
    let answer = world.ask(&officer, &query, json!({})).await;
    let seen = &answer["data"]["seenOnDay"];
    let counts = ["accesses", "nothingFound", "refused", "patientCount"].map(|name| seen[name].as_u64().unwrap());
    assert_eq!(counts, [4, 1, 0, 2], "{answer:#}");
    let node = &seen["patients"]["nodes"][0];
    assert_eq!((&node["patient"], &node["accesses"], &node["kinds"]), (&json!(format!("Patient/{bob}")), &json!(2), &json!(["DEMOGRAPHICS"])));
    assert_eq!(node["operations"], json!([{ "operation": "query patient", "times": 2 }]));
    let next = world.data(&officer, &query, json!({ "after": seen["patients"]["pageInfo"]["endCursor"] })).await["seenOnDay"]["patients"].clone();
    assert_eq!((&next["nodes"][0]["patient"], &next["pageInfo"]["hasNextPage"]), (&json!(format!("Patient/{ada}")), &json!(false)));
    assert_eq!(world.access_of_answer(&answer).await[0].patients.iter().map(|patient| patient.0).collect::<BTreeSet<_>>(), BTreeSet::from([ada, bob]));

    // The other side of the world has another day by the clock; the day before is empty for all.
    let past = world
        .data(&officer, &format!("{{ seenOnDay(user: \"{}\", day: \"2026-01-05\", timeZone: \"Pacific/Auckland\") {{ accesses }} }}", DOCTOR), json!({}))
        .await;
    assert_eq!(past["seenOnDay"]["accesses"], 0);
}

#[tokio::test]
async fn an_operation_that_showed_more_patients_than_a_record_names_counts_once() {
    let world = World::new().await;
    let request = fresh_id();
    let patients: Vec<Uuid> = (0..700).map(|_| fresh_id()).collect();
    let records = patients.chunks(500).map(|patients| access_record(DOCTOR, request, patients, &json!({}))).collect();
    world.looked(DOCTOR, Role::Clinician, records).await;
    // Another operation, to which the client gave the same name.
    world.looked(DOCTOR, Role::Clinician, vec![access_record(DOCTOR, request, &patients[..1], &json!({}))]).await;
    let query = format!("{{ seenOnDay(user: \"{}\", day: \"{}\") {{ accesses patientCount }} }}", DOCTOR, today());
    let seen = world.data(&world.token(Role::ComplianceOfficer), &query, json!({})).await["seenOnDay"].clone();
    assert_eq!(seen, json!({ "accesses": 2, "patientCount": 700 }));
}

#[tokio::test]
async fn a_grant_that_has_ended_relates_nobody_to_the_patient() {
    let world = World::new().await;
    let ada = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    let ends = event_store::Clock::system().now() + chrono::TimeDelta::seconds(2);
    let scope = json!({ "ends": ends.to_rfc3339() });
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": ada, "grantee": AUNT, "scope": scope })).await;
    let parents = json!({ "relationship": "PRN", "untilMajority": true });
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": ada, "grantee": DESK, "scope": parents })).await;
    let look = async |user: UserId| world.looked(user, Role::Patient, vec![access_record(user, fresh_id(), &[ada], &json!({}))]).await;
    look(AUNT).await;
    tokio::time::sleep((ends - event_store::Clock::system().now()).to_std().unwrap_or_default()).await;
    look(AUNT).await;
    // Of someone who was of age all along.
    look(DESK).await;
    let query = format!("{{ onlookers(patient: \"{ada}\", {}) {{ user accesses unrelated }} }}", period());
    let found = world.data(&world.token(Role::ComplianceOfficer), &query, json!({})).await["onlookers"].clone();
    for expected in [json!({ "user": AUNT, "accesses": 2, "unrelated": 1 }), json!({ "user": DESK, "accesses": 1, "unrelated": 1 })] {
        assert!(found.as_array().unwrap().contains(&expected), "{found}");
    }
}

#[tokio::test]
async fn an_unusual_number_of_patients_is_told_with_what_it_was_compared_with() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    for family in ["Lovelace", "Babbage", "Somerville"] {
        clinic.patient(&world, "Ada", family).await;
    }
    let day = today();
    world.data(&token(&world, DOCTOR, Role::Clinician, None, None), "{ patients(first: 10) { nodes { displayName } } }", json!({})).await;
    let officer = world.token(Role::ComplianceOfficer);
    let query = |threshold: u32| {
        format!(
            "{{ unusualVolumes(first: \"{day}\", last: \"{day}\", threshold: {threshold}) {{ user role day patients own {{ median days }} ofRole {{ median }} above explanation }} }}"
        )
    };
    let answer = world.ask(&officer, &query(2), json!({})).await;
    let found = &answer["data"]["unusualVolumes"];
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{answer:#}");
    assert_eq!(
        (&found[0]["user"], &found[0]["patients"], &found[0]["above"], &found[0]["own"]),
        (&json!(DOCTOR), &json!(3), &json!(["THRESHOLD"]), &Value::Null)
    );
    assert!(found[0]["explanation"].as_str().unwrap().starts_with("3 patients on "));
    assert_eq!(world.data(&officer, &query(3), json!({})).await["unusualVolumes"], json!([]));
    let [record] = &world.access_of_answer(&answer).await[..] else { panic!("one operation is one record") };
    assert_eq!((record.patients.len(), record.count, record.outcome), (0, 1, AccessOutcome::Shown));
}

#[tokio::test]
async fn what_is_asked_of_everyone_is_for_officers_alone_and_within_bounds() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    look(&world, &token(&world, DOCTOR, Role::Clinician, None, None), ada).await;
    let queries = [
        format!("{{ onlookers(patient: \"{ada}\", {}) {{ user }} }}", period()),
        format!("{{ seenOnDay(user: \"{}\", day: \"{}\") {{ patientCount }} }}", DOCTOR, today()),
        format!("{{ unusualVolumes(first: \"{0}\", last: \"{0}\", threshold: 0) {{ user }} }}", today()),
    ];
    for query in &queries {
        for token in [
            world.token_of_patient(ada),
            world.token(Role::Clinician),
            world.token(Role::FrontDesk),
            world.token(Role::Administrator),
            world.token(Role::Analyst),
        ] {
            let answer = world.ask(&token, query, json!({})).await;
            assert_eq!((&answer["errors"][0]["extensions"]["code"], &answer["data"]), (&json!("FORBIDDEN"), &Value::Null), "{query}: {answer:#}");
            let [record] = &world.access_of_answer(&answer).await[..] else { panic!("one operation is one record") };
            assert_eq!((&record.refused, record.outcome), (&vec![Permission::ReadAccessRecords], AccessOutcome::Refused));
        }
        // Another tenant's officer finds nothing.
        let elsewhere =
            world.token_of(|claims| (claims.tenant, claims.roles) = (domain::TenantId(Uuid::from_u128(99)), BTreeSet::from([Role::ComplianceOfficer])));
        let answer = world.request(&elsewhere, &json!({ "query": query })).send().await.unwrap().json::<Value>().await.unwrap();
        assert!(["[]", "{\"patientCount\":0}"].contains(&answer["data"].as_object().unwrap().values().next().unwrap().to_string().as_str()), "{answer:#}");
    }
    let officer = world.token(Role::ComplianceOfficer);
    for (query, argument) in [
        (format!("{{ onlookers(patient: \"{ada}\", from: \"2026-01-01T00:00:00Z\", to: \"2027-01-03T00:00:00Z\") {{ user }} }}"), "to"),
        (format!("{{ onlookers(patient: \"{ada}\", from: \"2026-01-01T00:00:00Z\", to: \"2026-01-01T00:00:00Z\") {{ user }} }}"), "to"),
        (format!("{{ onlookers(patient: \"{ada}\", daysBefore: 4000, {}) {{ user }} }}", period()), "daysBefore"),
        (format!("{{ seenOnDay(user: \"{}\", day: \"2026-01-01\", timeZone: \"Needle\") {{ accesses }} }}", DOCTOR), "timeZone"),
        ("{ unusualVolumes(first: \"2026-01-01\", last: \"2027-01-02\") { user } }".to_owned(), "last"),
        ("{ unusualVolumes(first: \"2026-01-01\", last: \"2026-01-02\", factor: 0.5) { user } }".to_owned(), "factor"),
    ] {
        let answer = world.ask(&officer, &query, json!({})).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["argument"]), (&json!("BAD_USER_INPUT"), &json!(argument)), "{query}: {answer:#}");
        assert!(!answer.to_string().contains("Needle"));
    }
}
