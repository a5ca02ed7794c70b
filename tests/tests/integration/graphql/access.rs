//! Who saw what of whom: what an access record holds, who may read it, and that there is no answer without it.

use domain::access::{AccessEvent, AccessOutcome, AccessRecorded, DataKind, PurposeOfUse};
use domain::{Event, Named, PatientId, Permission, Query, Tag, TenantId};
use event_store::{Position, fresh_id};
use gate::{CLIENT_ADDRESS, PURPOSE, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::socket::Socket;
use crate::harness::Kind;
use crate::servers::Relay;

/// Asks a path with a request id of the test's own; the status, and the request.
async fn get(world: &World, token: &str, path: &str) -> (StatusCode, Uuid) {
    let request = fresh_id();
    let answer = world.client.get(format!("{}{path}", world.at)).bearer_auth(token).header("X-Request-Id", request.to_string());
    let answer = answer.header("Carelog-Wait-For", world.position().to_string()).send().await.unwrap();
    let status = answer.status();
    answer.bytes().await.unwrap();
    (status, request)
}

#[tokio::test]
async fn a_search_is_recorded_with_what_was_looked_for_also_when_nothing_was_found() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let token = world.token(Role::Clinician);
    let search = "query($name: String) { patients(search: { name: $name }) { nodes { displayName birthDate } } }";

    let found = world.ask(&token, search, json!({ "name": "lovel" })).await;
    let [record] = &world.access_of_answer(&found).await[..] else { panic!("one operation is one record") };
    assert_eq!((record.outcome, record.count, &record.patients), (AccessOutcome::Shown, 1, &vec![PatientId(ada)]));
    assert_eq!((record.operation.as_str(), record.purpose, &record.kinds), ("query patients", PurposeOfUse::Treatment, &vec![DataKind::Demographics]));
    assert!(record.fields.contains(&"Patient.birthDate".to_owned()) && !record.fields.contains(&"Patient.gender".to_owned()));
    assert!(record.reflects >= world.position());
    assert!(record.criteria.as_ref().and_then(|criteria| criteria.known()).is_some_and(|criteria| criteria.contains("lovel")));

    let missed = world.ask(&token, search, json!({ "name": "Nobodysname" })).await;
    let [record] = &world.access_of_answer(&missed).await[..] else { panic!("one operation is one record") };
    assert_eq!((record.outcome, record.patients.len()), (AccessOutcome::NothingFound, 0));
    assert!(record.criteria.as_ref().and_then(|criteria| criteria.known()).is_some_and(|criteria| criteria.contains("Nobodysname")));
    // Only sealed.
    let stored = world.access.stored(Position(0), 1000).await.unwrap();
    assert!(stored.iter().all(|event| !event.payload.contains("Nobodysname") && !event.payload.contains("lovel")));
}

#[tokio::test]
async fn every_way_out_leaves_its_record() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let document = world.upload(ada).await;
    let fact = fresh_id();
    world.tell(Role::Clinician, "records/record-condition", json!({ "fact": fact, "patient": ada, "content": { "code": { "text": "Cough" } } })).await;
    let token = world.token(Role::Clinician);
    for (path, operation) in [
        (format!("/fhir/Patient/{ada}"), "fhir read Patient"),
        (format!("/fhir/Condition/{fact}"), "fhir read Condition"),
        (format!("/fhir/Patient/{ada}/$everything"), "fhir everything"),
        (format!("/v1/documents/{document}"), "download document"),
    ] {
        let (status, request) = get(&world, &token, &path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let records = world.access_of(request).await;
        let [record] = &records[..] else { panic!("{path} leaves one record") };
        assert_eq!((record.operation.as_str(), &record.patients, record.outcome), (operation, &vec![PatientId(ada)], AccessOutcome::Shown), "{path}");
        let (status, request) = get(&world, &world.token(Role::Analyst), &path).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(world.access_of(request).await[0].outcome, AccessOutcome::Refused, "{path}");
    }
    // A link is used by whoever has it, as the one for whom it was made.
    let made = world.client.post(format!("{}/v1/documents/{document}/link", world.at)).bearer_auth(&token);
    ::documents::migrate(&world.side.log.databases.pool(Kind::Log)).await.unwrap();
    let made = made.header("Carelog-Wait-For", world.position().to_string()).send().await.unwrap();
    let link = made.json::<Value>().await.unwrap()["path"].as_str().unwrap().to_owned();
    let (status, request) = get(&world, "", &link).await;
    // It is looked at whether there is something to hand out before the link is used up.
    let operations: Vec<String> = world.access_of(request).await.into_iter().map(|record| record.operation).collect();
    assert_eq!((status, operations), (StatusCode::OK, ["look for document by link", "download document by link"].map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_rejected_command_tells_something_and_is_recorded_and_so_is_a_forbidden_one() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    clinic.book(&world, ada, "2031-03-04T09:00:00").await;
    let placement = json!({ "practitioner": clinic.practitioners[0], "facility": clinic.facility, "start": "2031-03-04T09:00:00", "minutes": 30 });
    let body = json!({ "appointment": fresh_id(), "patient": ada, "placement": placement });
    for (role, status, outcome) in
        [(Role::FrontDesk, StatusCode::UNPROCESSABLE_ENTITY, AccessOutcome::Shown), (Role::Analyst, StatusCode::FORBIDDEN, AccessOutcome::Refused)]
    {
        let request = fresh_id();
        let send = world.client.post(format!("{}/v1/scheduling/book-appointment", world.at)).bearer_auth(world.token(role)).json(&body);
        assert_eq!(send.header("X-Request-Id", request.to_string()).send().await.unwrap().status(), status);
        let [record] = &world.access_of(request).await[..] else { panic!("{role:?} leaves one record") };
        assert_eq!((record.operation.as_str(), record.outcome), ("command scheduling.book-appointment", outcome));
        assert_eq!(record.kinds, [DataKind::Appointments]);
    }
}

#[tokio::test]
async fn whoever_asks_says_why_and_may_not_say_just_anything() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let extensions = json!({ "carelog": { "waitFor": world.position() } });
    let query = json!({ "query": format!("{{ patient(id: \"{ada}\") {{ displayName }} }}"), "extensions": extensions });
    for (purpose, expected) in [("ETREAT", Some(PurposeOfUse::EmergencyTreatment)), ("HPAYMT", None), ("Needle", None)] {
        let request = fresh_id();
        let send = world.request(&world.token(Role::Clinician), &query).header(PURPOSE, purpose).header("X-Request-Id", request.to_string());
        let answer: Value = send.send().await.unwrap().json().await.unwrap();
        let records = world.access_of(request).await;
        let [record] = &records[..] else { panic!("{purpose} leaves one record") };
        match expected {
            Some(expected) => assert_eq!((record.purpose, record.outcome), (expected, AccessOutcome::Shown)),
            None => {
                assert_eq!((&answer["errors"][0]["extensions"]["code"], record.outcome), (&json!("PURPOSE_OF_USE"), AccessOutcome::Refused), "{answer}");
                assert!(answer.get("data").is_none_or(Value::is_null) && !answer.to_string().contains("Needle"));
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_believed_is_recorded_where_no_tenant_is_known() {
    let world = World::new().await;
    let request = fresh_id();
    let send = world.request("nonsense", &json!({ "query": "{ viewer { user } }" })).header("X-Request-Id", request.to_string());
    assert_eq!(send.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let stored = world.access.stored(Position(0), 1000).await.unwrap();
    assert!(stored.iter().any(|event| event.tenant == TenantId(Uuid::nil()) && event.correlation == request));
}

/// The address of each record of those whose token was not believed, and how many it counts.
async fn strangers(world: &World) -> Vec<(Vec<String>, u64)> {
    let query = Query::new().and(&[AccessRecorded::TYPE], Tag::TENANT);
    let found = world.access.read(TenantId(Uuid::nil()), &query, world.access.head().await.unwrap()).await.unwrap();
    let told =
        found.into_iter().filter_map(|recorded| if let Event::Access(AccessEvent::AccessRecorded(access)) = recorded.event { Some(access) } else { None });
    told.map(|access| {
        let origin = access.origin.into_known().unwrap();
        (origin.address.into_iter().chain(origin.addresses.into_keys()).collect(), access.count)
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_without_a_valid_token_is_counted_to_the_last_and_a_flood_of_addresses_leaves_few_records() {
    let world = World::new().await;
    let come = |address: String| {
        let request = world.request("nonsense", &json!({ "query": "{ viewer { user } }" })).header(CLIENT_ADDRESS, address);
        async move { request.send().await.unwrap().status() }
    };
    let counted = async |expected: u64| {
        let give_up = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let told = strangers(&world).await;
            let sum: u64 = told.iter().map(|(_, count)| count).sum();
            assert!(sum <= expected, "{sum} of {expected}");
            if sum == expected {
                return told;
            }
            assert!(std::time::Instant::now() < give_up, "{sum} of {expected} are counted");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    for _ in 0..3 {
        assert_eq!(come("192.0.2.1".to_owned()).await, StatusCode::UNAUTHORIZED);
    }
    let told = counted(3).await;
    assert!(told.len() <= 3 && told.iter().all(|(addresses, _)| addresses == &["192.0.2.1"]), "{told:?}");
    let addresses: Vec<String> = (0..400).map(|number| format!("198.51.{}.{}", 100 + number / 200, number % 200)).collect();
    futures::future::join_all(addresses.iter().cloned().map(come)).await;
    let told = counted(403).await;
    assert!(told.len() < 200, "{} records", told.len());
    assert!(addresses.iter().all(|address| told.iter().any(|(addresses, _)| addresses.contains(address))), "every address is named");
}

#[tokio::test]
async fn what_a_subscription_sends_is_recorded_and_what_it_only_looks_at_is_not() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let mut socket = Socket::open(&world, &world.token(Role::Clinician)).await;
    let query = format!("subscription {{ patientAppointments(patient: \"{ada}\") {{ appointments {{ id }} }} }}");
    let extensions = json!({ "carelog": { "waitFor": world.position() } });
    socket.subscribe("1", &json!({ "query": query, "extensions": extensions })).await;
    assert_eq!(socket.silence().await, None);
    let before = world.access.head().await.unwrap();
    clinic.book(&world, ada, "2031-03-04T09:00:00").await;
    assert_eq!(socket.next().await["type"], "next");
    let after = world.access.stored(before, 1000).await.unwrap();
    let pushes: Vec<_> = after.iter().filter(|event| event.payload.contains("subscription patientAppointments")).collect();
    assert_eq!(pushes.len(), 1, "what was sent was recorded before, and once");
    assert!(pushes[0].tags.contains(&format!("patient:{ada}")) || pushes[0].payload.contains(&ada.to_string()));
}

#[tokio::test]
async fn officers_find_every_look_and_patients_those_at_themselves() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let bob = clinic.patient(&world, "Bob", "Babbage").await;
    let look = |patient: Uuid| format!("{{ patient(id: \"{patient}\") {{ displayName }} }}");
    world.data(&world.token(Role::Clinician), &look(ada), json!({})).await;
    world.data(&world.token(Role::FrontDesk), "{ patients(search: { name: \"lovelace\" }) { nodes { displayName } } }", json!({})).await;
    world.data(&world.token(Role::Clinician), &look(bob), json!({})).await;
    let fields = "nodes { summary operation role purpose outcome kinds patients criteria address fields } pageInfo { hasNextPage endCursor }";

    let officer = world.token(Role::ComplianceOfficer);
    let of_ada = world.data(&officer, &format!("{{ accessRecords(search: {{ patient: \"{ada}\" }}) {{ {fields} }} }}"), json!({})).await;
    let nodes = of_ada["accessRecords"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().map(|node| node["operation"].as_str().unwrap()).collect::<Vec<_>>(), ["query patients", "query patient"], "the newest first");
    assert_eq!(nodes[1]["summary"], "Someone (clinician) saw who they are and how to reach them, to treat them.");
    assert!(nodes[0]["criteria"].as_str().unwrap().contains("lovelace"));
    let by_front_desk =
        format!("{{ accessRecords(search: {{ patient: \"{ada}\", purpose: OPERATIONS, kind: DEMOGRAPHICS, outcome: SHOWN }}) {{ {fields} }} }}");
    let by_front_desk = world.data(&officer, &by_front_desk, json!({})).await;
    assert_eq!(by_front_desk["accessRecords"]["nodes"].as_array().unwrap().len(), 1);
    // Page by page, each once.
    let (mut operations, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = format!("query($after: String) {{ accessRecords(first: 2, after: $after, search: {{ kind: DEMOGRAPHICS }}) {{ {fields} }} }}");
        let page = world.data(&officer, &query, json!({ "after": after })).await["accessRecords"].clone();
        operations.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["summary"].clone()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(operations.len(), 3, "{operations:?}");
    // Who looks is looked at.
    let looked = world.data(&officer, &format!("{{ accessRecords(search: {{ patient: \"{ada}\", kind: ACCESS_RECORDS }}) {{ {fields} }} }}"), json!({})).await;
    assert!(!looked["accessRecords"]["nodes"].as_array().unwrap().is_empty());

    let own = world.data(&world.token_of_patient(ada), &format!("{{ accessRecords {{ {fields} }} }}"), json!({})).await;
    let nodes = own["accessRecords"]["nodes"].as_array().unwrap();
    assert!(nodes.len() >= 2 && nodes.iter().all(|node| node["patients"] == json!([format!("Patient/{ada}")]) && node["criteria"].is_null()), "{own:#}");
    let others = world.data(&world.token_of_patient(ada), &format!("{{ accessRecords(search: {{ patient: \"{bob}\" }}) {{ {fields} }} }}"), json!({})).await;
    assert_eq!(others["accessRecords"]["nodes"], json!([]));
    for role in [Role::Clinician, Role::FrontDesk, Role::Administrator, Role::Analyst] {
        let answer = world.ask(&world.token(role), "{ accessRecords { nodes { summary } } }", json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}");
        assert_eq!(world.access_of_answer(&answer).await[0].refused, [Permission::ReadAccessRecords]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_access_log_is_away_nothing_is_shown_and_afterwards_everything_is() {
    let options = crate::harness::server();
    let relay = Relay::to(options.get_host().to_owned(), options.get_port()).await;
    let world = World::with_access_over(&relay).await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let token = world.token(Role::Clinician);
    let query = format!("{{ patient(id: \"{ada}\") {{ displayName }} }}");
    world.data(&token, &query, json!({})).await;

    relay.stop(true);
    let answer = world.request(&token, &json!({ "query": query })).send().await.unwrap();
    assert_eq!((answer.status(), answer.headers()["retry-after"].to_str().unwrap()), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    assert!(!answer.to_string().contains("Ada") && !answer.to_string().contains("Lovelace"), "{answer}");
    for path in [format!("/fhir/Patient/{ada}"), format!("/fhir/Patient/{ada}/$everything")] {
        let answer = world.client.get(format!("{}{path}", world.at)).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!answer.text().await.unwrap().contains("Lovelace"));
    }
    // What shows nothing of anyone goes on.
    world.data(&token, "{ facilities { nodes { name } } }", json!({})).await;

    relay.stop(false);
    let shown = loop {
        let answer = world.ask(&token, &query, json!({})).await;
        if answer.get("errors").is_none() {
            break answer;
        }
    };
    assert_eq!(world.access_of_answer(&shown).await.len(), 1);
}

#[tokio::test]
async fn an_answer_is_made_only_of_what_is_recorded() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    // Whatever the reason why the access log does not take it.
    let pool = world.side.log.databases.pool(Kind::Access);
    sqlx::query(AssertSqlSafe("revoke insert on access.event from carelog_log")).execute(&pool).await.unwrap();
    let answer = world.ask(&world.token(Role::Clinician), &format!("{{ patient(id: \"{ada}\") {{ displayName }} }}"), json!({})).await;
    assert!(answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE" && !answer.to_string().contains("Lovelace"), "{answer}");
}
