//! Patients and practitioners: how they are found, who sees whom, and what happened.

use domain::UserId;
use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;

async fn found(world: &World, token: &str, search: Value) -> Vec<String> {
    let query = "query($search: PatientSearch) { patients(search: $search) { nodes { displayName } } }";
    let data = world.data(token, query, json!({ "search": search })).await;
    data["patients"]["nodes"].as_array().unwrap().iter().map(|node| node["displayName"].as_str().unwrap_or("nobody").to_owned()).collect()
}

#[tokio::test]
async fn patients_are_found_by_what_is_known_of_them() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let zoe = clinic.patient(&world, "Zoë", "O’Brien-Łuka").await;
    clinic.patient(&world, "Ada", "Lovelace").await;
    let year_only = json!({ "patient": fresh_id(), "demographics": { "name": [{ "family": "Obermann" }], "birthDate": "1950" } });
    world.tell(Role::FrontDesk, "patients/register-patient", year_only).await;
    world.tell(Role::FrontDesk, "patients/register-patient", json!({ "patient": fresh_id() })).await;
    let token = world.token(Role::FrontDesk);
    let all = ["nobody", "Ada Lovelace", "Obermann", "Zoë O’Brien-Łuka"];
    assert_eq!(found(&world, &token, Value::Null).await, all, "by family name, the unidentified first");
    for (name, expected) in [
        ("zoe", vec!["Zoë O’Brien-Łuka"]),
        ("LUK zo", vec!["Zoë O’Brien-Łuka"]),
        ("ob", vec!["Obermann", "Zoë O’Brien-Łuka"]),
        ("O'Brien", vec!["Zoë O’Brien-Łuka"]),
        ("brien", vec![]),
        ("ada zoe", vec![]),
    ] {
        assert_eq!(found(&world, &token, json!({ "name": name })).await, expected, "{name}");
    }
    assert_eq!(found(&world, &token, json!({ "birthDate": "1950-02-09" })).await, ["Ada Lovelace", "Obermann", "Zoë O’Brien-Łuka"]);
    assert_eq!(found(&world, &token, json!({ "birthDate": "1950-03" })).await, ["Obermann"]);
    assert_eq!(found(&world, &token, json!({ "birthDate": "1951" })).await, Vec::<String>::new());
    let number = |system: Option<&str>| json!({ "identifier": { "system": system, "value": zoe.to_string() } });
    assert_eq!(found(&world, &token, number(Some("urn:clinic:mrn"))).await, ["Zoë O’Brien-Łuka"]);
    assert_eq!(found(&world, &token, number(None)).await, ["Zoë O’Brien-Łuka"]);
    assert_eq!(found(&world, &token, number(Some("urn:other"))).await, Vec::<String>::new());
    assert_eq!(found(&world, &token, json!({ "name": "ada", "birthDate": "1950", "active": true })).await, ["Ada Lovelace"]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    for given in ["Ada", "Ada", "Bea", "Cleo", "Dora"] {
        clinic.patient(&world, given, "Smith").await;
    }
    let query =
        "query($after: String) { patients(first: 2, after: $after) { edges { cursor node { uuid } } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = world.data(&world.token(Role::FrontDesk), query, json!({ "after": after })).await;
        let page = &data["patients"];
        seen.extend(page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["uuid"].as_str().unwrap().to_owned()));
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
        assert_eq!(after, page["edges"][1]["cursor"]);
    }
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (5, 5));
}

#[tokio::test]
async fn a_patient_is_shown_whole() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    clinic.book(&world, patient, "2031-03-04T09:00:00").await;
    let query = "query($id: ID!) { patient(id: $id) { id uuid active erased deceased birthDate gender names { text family given use } \
                 identifiers { system type } contact { telecom { system value use } } \
                 appointments { nodes { localStart reason practitioner { displayName } } } \
                 history(first: 10) { nodes { eventType summary role details { label value } } } } }";
    let data = world.data(&world.token(Role::Clinician), query, json!({ "id": format!("Patient/{patient}") })).await;
    let shown = &data["patient"];
    assert_eq!(shown["id"], format!("Patient/{patient}"));
    assert_eq!((&shown["active"], &shown["birthDate"], &shown["gender"]), (&json!(true), &json!("1950-02"), &json!("FEMALE")));
    assert_eq!(shown["names"], json!([{ "text": "Ada Lovelace", "family": "Lovelace", "given": ["Ada"], "use": "OFFICIAL" }]));
    assert_eq!(shown["identifiers"], json!([{ "system": "urn:clinic:mrn", "type": "MR" }]));
    assert_eq!(shown["contact"]["telecom"], json!([{ "system": "PHONE", "value": "555-0111", "use": "HOME" }]));
    let appointment = &shown["appointments"]["nodes"][0];
    assert_eq!((&appointment["localStart"], &appointment["reason"]), (&json!("2031-03-04T09:00:00"), &json!("cough")));
    assert_eq!(appointment["practitioner"]["displayName"], "Elizabeth Blackwell");
    let history = shown["history"]["nodes"].as_array().unwrap();
    let kinds: Vec<&str> = history.iter().map(|entry| entry["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["scheduling.AppointmentBooked", "patients.PatientRegistered"], "newest first");
    assert!(history.iter().all(|entry| !entry["summary"].as_str().unwrap().is_empty() && entry["role"] == "front-desk"), "{history:?}");
}

#[tokio::test]
async fn after_a_merge_either_record_shows_what_both_knew() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (survivor, merged) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Ada", "Byron").await);
    clinic.book(&world, merged, "2031-03-04T09:00:00").await;
    clinic.book(&world, survivor, "2031-03-05T09:00:00").await;
    world.tell(Role::Administrator, "patients/merge-patients", json!({ "survivor": survivor, "merged": merged, "reason": "same person" })).await;
    let query = "query($a: ID!, $b: ID!) { a: patient(id: $a) { ...P } b: patient(id: $b) { ...P } } \
                 fragment P on Patient { active mergedInto { uuid } mergedRecords { uuid } appointments { nodes { localStart patient { uuid } } } history { nodes { eventType } } }";
    let data = world.data(&world.token(Role::Clinician), query, json!({ "a": survivor, "b": merged })).await;
    assert_eq!(data["a"]["mergedRecords"], json!([{ "uuid": merged }]));
    assert_eq!((&data["b"]["active"], &data["b"]["mergedInto"]), (&json!(false), &json!({ "uuid": survivor })));
    for record in ["a", "b"] {
        assert_eq!(data[record]["appointments"]["nodes"].as_array().unwrap().len(), 2, "{data:#}");
        let kinds: Vec<&Value> = data[record]["history"]["nodes"].as_array().unwrap().iter().map(|entry| &entry["eventType"]).collect();
        assert_eq!(kinds[0], "patients.PatientsMerged");
        assert_eq!(kinds.iter().filter(|kind| **kind == "patients.PatientsMerged").count(), 1, "once, though it is about both: {kinds:?}");
        assert_eq!(kinds.len(), 5, "{kinds:?}");
    }
}

#[tokio::test]
async fn a_patient_reads_themself_and_whoever_granted_them_that() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Needle").await);
    clinic.book(&world, ada, "2031-03-04T09:00:00").await;
    let bobs = clinic.book(&world, bob, "2031-03-04T10:00:00").await;
    let user = fresh_id();
    let token = world.token_of(|claims| {
        claims.sub = UserId(user);
        claims.roles = [Role::Patient].into();
        claims.patient = Some(domain::PatientId(ada));
    });
    let query = format!(
        "{{ viewer {{ patient {{ displayName }} }} patients {{ nodes {{ displayName }} }} bob: patient(id: \"{bob}\") {{ displayName history {{ nodes {{ summary }} }} }} \
         node(id: \"Appointment/{bobs}\") {{ id }} \
         appointments {{ nodes {{ patient {{ displayName }} practitioner {{ displayName identifiers {{ value }} telecom {{ value }} gender }} }} }} \
         calendar: practitioner(id: \"{}\") {{ calendar(from: \"2031-03-03T00:00:00Z\", to: \"2031-03-08T00:00:00Z\") {{ appointments {{ nodes {{ uuid }} }} }} }} }}",
        clinic.practitioners[0]
    );
    let own = world.data(&token, &query, json!({})).await;
    assert_eq!(own["viewer"]["patient"]["displayName"], "Ada Lovelace");
    assert_eq!(own["patients"]["nodes"], json!([{ "displayName": "Ada Lovelace" }]));
    assert_eq!((&own["bob"], &own["node"]), (&Value::Null, &Value::Null), "as if they were not there");
    assert!(!own.to_string().contains("Needle"));
    let practitioner = json!({ "displayName": "Elizabeth Blackwell", "identifiers": null, "telecom": null, "gender": null });
    assert_eq!(own["appointments"]["nodes"], json!([{ "patient": { "displayName": "Ada Lovelace" }, "practitioner": practitioner }]));
    assert_eq!(own["calendar"]["calendar"]["appointments"]["nodes"].as_array().unwrap().len(), 1);

    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": bob, "grantee": user })).await;
    let granted = world.data(&token, &query, json!({})).await;
    assert_eq!(granted["bob"]["displayName"], "Bob Needle");
    assert_eq!(granted["node"]["id"], format!("Appointment/{bobs}"));
    assert_eq!(granted["appointments"]["nodes"].as_array().unwrap().len(), 2);

    world.tell(Role::Administrator, "patients/revoke-access", json!({ "patient": bob, "grantee": user })).await;
    assert_eq!(world.data(&token, &query, json!({})).await, own);
}

#[tokio::test]
async fn a_patient_reads_every_record_of_theirs_and_of_whoever_granted_them_that() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (own, merged) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Ada", "Byron").await);
    clinic.book(&world, own, "2031-03-04T09:00:00").await;
    clinic.book(&world, merged, "2031-03-04T10:00:00").await;
    world.tell(Role::Administrator, "patients/merge-patients", json!({ "survivor": own, "merged": merged, "reason": "same person" })).await;
    let user = fresh_id();
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": own, "grantee": user })).await;
    let granted = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(user), [Role::Patient].into()));
    for token in [world.token_of_patient(own), world.token_of_patient(merged), granted] {
        let data = world.data(&token, "{ patients { nodes { uuid } } appointments { nodes { uuid } } }", json!({})).await;
        assert_eq!((data["patients"]["nodes"].as_array().unwrap().len(), data["appointments"]["nodes"].as_array().unwrap().len()), (2, 2), "{data}");
    }
}

#[tokio::test]
async fn the_read_models_need_no_more_than_the_reading_role() {
    let world = World::reading_as_an_ordinary_role().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let user = fresh_id();
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": patient, "grantee": user })).await;
    let granted = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(user), [Role::Patient].into()));
    for token in [world.token(Role::FrontDesk), world.token_of_patient(patient), granted] {
        let data = world.data(&token, "{ patients { nodes { displayName } } }", json!({})).await;
        assert_eq!(data["patients"]["nodes"], json!([{ "displayName": "Ada Lovelace" }]));
    }
    world.forget_reader().await;
}

#[tokio::test]
async fn practitioners_are_found_and_staff_see_what_is_personal() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let token = world.token(Role::FrontDesk);
    let query =
        "query($search: PractitionerSearch) { practitioners(search: $search) { nodes { displayName gender identifiers { value } telecom { value } } } }";
    let all = world.data(&token, query, json!({})).await;
    let angstrom =
        json!({ "displayName": "Elizabeth Ångström", "gender": "FEMALE", "identifiers": [{ "value": "S-Ångström" }], "telecom": [{ "value": "555-0100" }] });
    assert_eq!(all["practitioners"]["nodes"][0], angstrom);
    assert_eq!(all["practitioners"]["nodes"].as_array().unwrap().len(), 2);
    for search in [
        json!({ "name": "ang" }),
        json!({ "identifier": { "value": "S-Ångström" } }),
        json!({ "identifier": { "system": "urn:clinic:staff", "value": "S-Ångström" }, "facility": clinic.facility, "retired": false }),
    ] {
        let found = world.data(&token, query, json!({ "search": search })).await;
        assert_eq!(found["practitioners"]["nodes"], json!([angstrom]), "{search}");
    }
    for search in
        [json!({ "name": "ström" }), json!({ "organization": clinic.organization }), json!({ "identifier": { "system": "urn:x", "value": "S-Ångström" } })]
    {
        let found = world.data(&token, query, json!({ "search": search })).await;
        assert_eq!(found["practitioners"]["nodes"], json!([]), "{search}");
    }
    let guess = world.ask(&world.token_of_patient(patient), query, json!({ "search": { "identifier": { "value": "S-Ångström" } } })).await;
    assert_eq!(guess["errors"][0]["extensions"]["code"], "FORBIDDEN", "{guess}");
    let unknown = Uuid::from_u128(1);
    let data = world.data(&token, &format!("{{ patient(id: \"{unknown}\") {{ id }} practitioner(id: \"{unknown}\") {{ id }} }}"), json!({})).await;
    assert_eq!(data, json!({ "patient": null, "practitioner": null }));
}

#[tokio::test]
async fn a_parked_patient_is_named_to_those_who_may_see_them() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (parked, other) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Byron").await);
    let statement = "insert into projection.parked (schema_name, tenant, subject, position, event_type, reason, parked_at) \
                     select schema_name, $1, $2, 1, 'patients.PatientRegistered', 'a test', now() from projection.version where active and name = 'patients'";
    let inserted = sqlx::query(statement).bind(world.tenant.0).bind(format!("patient/{parked}")).execute(&world.side.read).await.unwrap();
    assert_eq!(inserted.rows_affected(), 1);
    let named = json!([format!("patient/{parked}")]);
    let callers = [
        (world.token(Role::FrontDesk), &named),
        (world.token_of_patient(parked), &named),
        (world.token_of_patient(other), &Value::Null),
        (world.token(Role::Analyst), &Value::Null),
    ];
    for (token, expected) in callers {
        let answer = world.ask(&token, "{ viewer { roles } }", json!({})).await;
        assert_eq!(&answer["extensions"]["carelog"]["parked"], expected, "{answer}");
    }
}
