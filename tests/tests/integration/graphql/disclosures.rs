//! Disclosures as officers and their patients see them, and the accounting of them.

use domain::access::{AccessOutcome, DataKind};
use domain::{PatientId, UserId};
use event_store::{Clock, fresh_id};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;

/// Records a disclosure that is like others but for this.
async fn disclose(world: &World, patient: Uuid, recipient: &str, more: Value) -> Uuid {
    let disclosure = fresh_id();
    let made_at = (Clock::system().now() - chrono::TimeDelta::days(30)).to_rfc3339();
    let mut body = json!({ "disclosure": disclosure, "patient": patient, "madeAt": made_at, "recipient": { "name": recipient }, "what": "A positive test",
        "kinds": ["chart"], "basis": "public-health" });
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    world.tell(Role::FrontDesk, "disclosures/record-disclosure", body).await;
    disclosure
}

/// A person with two records and disclosures of every sort.
struct Disclosed {
    ada: Uuid,
    duplicate: Uuid,
}

impl Disclosed {
    async fn make(world: &World) -> Self {
        let clinic = Clinic::open(world).await;
        let (ada, duplicate) = (clinic.patient(world, "Zoë", "Łukasiewicz").await, clinic.patient(world, "Zoe", "Lukasiewicz").await);
        let days_ago = |days: i64| (Clock::system().now() - chrono::TimeDelta::days(days)).to_rfc3339();
        let address = json!({ "line": ["1 Main St"], "city": "Chicago" });
        disclose(world, ada, "County Health", json!({ "recipient": { "name": "County Health", "address": address }, "purpose": "Measles are to be reported" }))
            .await;
        disclose(world, duplicate, "=cmd|' /C calc'!A0", json!({ "basis": "judicial", "madeAt": days_ago(100) })).await;
        disclose(world, ada, "Insurer", json!({ "basis": "payment" })).await;
        disclose(world, ada, "Long Ago", json!({ "madeAt": days_ago(7 * 366) })).await;
        let until = (Clock::system().now() + chrono::TimeDelta::days(1)).to_rfc3339();
        disclose(world, ada, "Detective", json!({ "basis": "law-enforcement", "suspendedUntil": until })).await;
        disclose(world, ada, "Detective Before", json!({ "basis": "law-enforcement", "suspendedUntil": days_ago(1) })).await;
        let wrong = disclose(world, ada, "Wrong", json!({})).await;
        let retract = json!({ "disclosure": wrong, "patient": ada, "reason": "another Zoë" });
        world.tell(Role::FrontDesk, "disclosures/retract-disclosure", retract).await;
        let merge = json!({ "survivor": ada, "merged": duplicate, "reason": "same person" });
        world.tell(Role::Administrator, "patients/merge-patients", merge).await;
        Self { ada, duplicate }
    }
}

async fn recipients(world: &World, token: &str, patient: Uuid) -> Vec<String> {
    let query = format!("{{ patient(id: \"{patient}\") {{ disclosures {{ nodes {{ recipientName retracted accountable basis source }} }} }} }}");
    let data = world.data(token, &query, json!({})).await;
    let nodes = data["patient"]["disclosures"]["nodes"].as_array().unwrap().clone();
    let mut names: Vec<String> = nodes.iter().map(|node| node["recipientName"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn patients_see_their_own_but_for_what_is_suspended_or_wrong_and_officers_all() {
    let world = World::new().await;
    let Disclosed { ada, duplicate } = Disclosed::make(&world).await;
    let seen = ["=cmd|' /C calc'!A0", "County Health", "Detective Before", "Insurer", "Long Ago"];
    for record in [ada, duplicate] {
        assert_eq!(recipients(&world, &world.token_of_patient(record), ada).await, seen);
    }
    assert_eq!(recipients(&world, &world.token(Role::ComplianceOfficer), ada).await.len(), 7);
    // Nobody whom a patient let in sees them.
    let friend = fresh_id();
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": ada, "grantee": friend })).await;
    let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(friend), [Role::Patient].into()));
    assert_eq!(recipients(&world, &token, ada).await, Vec::<String>::new());
    let history = format!("{{ patient(id: \"{ada}\") {{ history(first: 100) {{ nodes {{ eventType summary }} }} }} }}");
    for token in [token, world.token_of_patient(ada)] {
        let told = world.data(&token, &history, json!({})).await.to_string();
        assert!(!told.contains("disclosures.") && !told.contains("Detective"), "{told}");
    }
    let told = world.data(&world.token(Role::ComplianceOfficer), &history, json!({})).await.to_string();
    assert!(told.contains("Disclosed to Detective") && told.contains("Retracted: a disclosure"), "{told}");
    let in_general = world.data(&world.token(Role::Clinician), &history, json!({})).await.to_string();
    assert!(in_general.contains("A disclosure was recorded") && !in_general.contains("Detective"), "{in_general}");
}

/// The status, the media type, the bytes and the request of an accounting.
async fn accounting(world: &World, token: &str, patient: Uuid, query: &str) -> (StatusCode, String, Vec<u8>, Uuid) {
    let request = fresh_id();
    let asked = world.client.get(format!("{}/v1/patients/{patient}/accounting-of-disclosures{query}", world.at)).bearer_auth(token);
    let asked = asked.header("X-Request-Id", request.to_string()).header("Carelog-Wait-For", world.position().to_string());
    let answer = asked.send().await.unwrap();
    let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status(), media, answer.bytes().await.unwrap().to_vec(), request)
}

#[tokio::test]
async fn the_accounting_holds_six_years_of_what_is_to_be_accounted_for_in_every_format() {
    let world = World::new().await;
    let Disclosed { ada, duplicate } = Disclosed::make(&world).await;
    let officer = world.token(Role::ComplianceOfficer);
    let (status, media, bytes, request) = accounting(&world, &officer, ada, "").await;
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((status, media.as_str()), (StatusCode::OK, "application/json"), "{json}");
    let names: Vec<&str> = json["disclosures"].as_array().unwrap().iter().map(|entry| entry["recipient"].as_str().unwrap()).collect();
    assert_eq!(names, ["=cmd|' /C calc'!A0", "County Health", "Detective Before"], "the oldest first, of both records");
    assert_eq!((&json["name"], &json["disclosures"][0]["purpose"]), (&json!("Zoë Łukasiewicz"), &json!("in a judicial or administrative proceeding")));
    let [record] = &world.access_of(request).await[..] else { panic!("it leaves one record") };
    assert_eq!((record.operation.as_str(), record.outcome), ("accounting of disclosures", AccessOutcome::Shown));
    assert!(record.kinds.contains(&DataKind::Disclosures) && record.patients.contains(&PatientId(ada)) && record.patients.contains(&PatientId(duplicate)));

    // A patient gets the same for themself.
    let own = accounting(&world, &world.token_of_patient(duplicate), ada, "").await;
    let own: Value = serde_json::from_slice(&own.2).unwrap();
    assert_eq!(own["disclosures"], json["disclosures"]);
    let (_, media, csv, _) = accounting(&world, &officer, ada, "?format=csv").await;
    let csv = String::from_utf8(csv).unwrap();
    assert!(media.starts_with("text/csv") && csv.lines().count() == 4 && csv.contains(",'=cmd|' /C calc'!A0,"), "{csv}");
    let (_, media, pdf, _) = accounting(&world, &officer, ada, "?format=pdf").await;
    let text = pdf_extract::extract_text_from_mem(&pdf).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(media, "application/pdf");
    for word in
        ["Zoë Łukasiewicz", "County Health", "1 Main St, Chicago", "Measles are to be reported", "=cmd|' /C calc'!A0", "Detective Before", "Page 1 of 1"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("Insurer") && !text.contains("Long Ago") && !text.contains("Wrong"));
    let today = Clock::system().now().date_naive();
    let lately = format!("?from={}&to={today}", today - chrono::Days::new(50));
    let lately: Value = serde_json::from_slice(&accounting(&world, &officer, ada, &lately).await.2).unwrap();
    assert_eq!(lately["disclosures"].as_array().unwrap().len(), 2, "{lately}");
}

#[tokio::test]
async fn whoever_asks_does_not_say_who_enters_a_disclosure() {
    let world = World::new().await;
    let Disclosed { ada, .. } = Disclosed::make(&world).await;
    let made_at = (Clock::system().now() - chrono::TimeDelta::days(1)).to_rfc3339();
    let body = json!({ "disclosure": fresh_id(), "patient": ada, "madeAt": made_at, "recipient": { "name": "County" }, "what": "A test", "basis": "research", "source": "system" });
    assert_eq!(world.try_to(&world.token(Role::FrontDesk), "disclosures/record-disclosure", &body).await.0, StatusCode::BAD_REQUEST);
    let query = format!("{{ patient(id: \"{ada}\") {{ disclosures {{ nodes {{ source }} }} }} }}");
    let told = world.data(&world.token(Role::ComplianceOfficer), &query, json!({})).await;
    assert!(told["patient"]["disclosures"]["nodes"].as_array().unwrap().iter().all(|node| node["source"] == "BY_HAND"), "{told}");
}

#[tokio::test]
async fn an_accounting_of_too_many_disclosures_asks_for_a_shorter_period() {
    let world = World::new().await;
    let patient = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    let disclosure = disclose(&world, patient, "County Health", json!({})).await;
    let officer = world.token(Role::ComplianceOfficer);
    assert_eq!(accounting(&world, &officer, patient, "").await.0, StatusCode::OK);
    let copies = "insert into disclosure select (jsonb_populate_record(made, jsonb_build_object('disclosure_id', gen_random_uuid()))).* \
                  from disclosure made, generate_series(1, 10000) where disclosure_id = $1";
    sqlx::query(copies).bind(disclosure).execute(&mut *world.side.tables().await).await.unwrap();
    let (status, media, bytes, _) = accounting(&world, &officer, patient, "?format=pdf").await;
    let problem: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((status, media.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "application/problem+json"), "{problem}");
    assert_eq!((&problem["code"], &problem["parameters"]["limit"]), (&json!("accounting-too-long"), &json!(10_000)), "{problem}");
    let lately = format!("?from={}", Clock::system().now().date_naive() - chrono::Days::new(10));
    assert_eq!(accounting(&world, &officer, patient, &lately).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_accounting_is_refused_with_what_is_wrong_and_to_whoever_may_not_have_it() {
    let world = World::new().await;
    let Disclosed { ada, .. } = Disclosed::make(&world).await;
    let officer = world.token(Role::ComplianceOfficer);
    let earlier = (Clock::system().now().date_naive() - chrono::Months::new(72)).pred_opt().unwrap();
    for (query, field) in [
        (format!("?from={earlier}"), "from"),
        ("?to=2999-01-01".to_owned(), "to"),
        ("?from=Needle".to_owned(), "from"),
        ("?format=Needle".to_owned(), "format"),
        ("?name=Needle".to_owned(), ""),
    ] {
        let (status, media, bytes, _) = accounting(&world, &officer, ada, &query).await;
        let problem: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((status, media.as_str()), (StatusCode::BAD_REQUEST, "application/problem+json"), "{query}");
        assert_eq!((&problem["errors"][0]["field"], problem.to_string().contains("Needle")), (&json!(field), false), "{problem}");
    }
    let clinic = Clinic::open(&world).await;
    let bob = clinic.patient(&world, "Bob", "Byron").await;
    let refused = [
        (officer, fresh_id(), StatusCode::NOT_FOUND),
        (world.token_of_patient(bob), ada, StatusCode::NOT_FOUND),
        (world.token(Role::Clinician), ada, StatusCode::FORBIDDEN),
        (world.token(Role::FrontDesk), ada, StatusCode::FORBIDDEN),
        ("nonsense".to_owned(), ada, StatusCode::UNAUTHORIZED),
    ];
    for (token, patient, expected) in refused {
        let (status, _, bytes, request) = accounting(&world, &token, patient, "?format=pdf").await;
        assert_eq!(status, expected);
        assert!(!String::from_utf8_lossy(&bytes).contains("County"));
        let records = world.access_of(request).await;
        assert!(expected == StatusCode::UNAUTHORIZED || records.len() == 1 && records[0].outcome != AccessOutcome::Shown, "{expected}");
    }
}
