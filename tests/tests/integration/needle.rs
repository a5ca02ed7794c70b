//! Unmistakable values go through commands, refusals, searches, an import and an upload; no log, metric, file of the logs' server or stored document holds one of them.

use std::path::Path;

use domain::UserId;
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::clinic::Clinic;
use crate::documents::desk::form;
use crate::servers::OwnPostgres;

/// A family name, an identifier, a reason, a birth date and a telephone number that stand nowhere else.
const NEEDLES: [&str; 5] = ["Quxblatt", "NEEDLE-7731", "xerophthalmic", "1907-03-29", "555-0173-9911"];

fn patient(id: uuid::Uuid) -> Value {
    json!({
        "patient": id,
        "identifiers": [{ "system": "urn:mrn", "value": NEEDLES[1], "type": "MR" }],
        "demographics": { "name": [{ "family": NEEDLES[0], "given": ["Ada"] }], "birthDate": NEEDLES[3] },
        "contact": { "telecom": [{ "system": "phone", "value": NEEDLES[4] }] },
    })
}

#[tokio::test]
async fn neither_log_nor_metrics_hold_protected_values() {
    let mut app = App::without_processes(&[("RUST_LOG", "debug")]).await;
    app.start("serve").await;
    let clinic = Clinic::open(&app).await;
    let (ada, twin) = (event_store::fresh_id(), event_store::fresh_id());
    let desk = app.token(Role::FrontDesk);
    let (status, answer) = app.post("/v1/patients/register-patient", &desk, &patient(ada)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, refused) = app.post("/v1/patients/register-patient", &desk, &patient(twin)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "the number is taken");
    let mut booking = clinic.booking(event_store::fresh_id(), ada, "2031-03-03T09:00:00");
    booking["reason"] = NEEDLES[2].into();
    let (status, booked) = app.post("/v1/scheduling/book-appointment", &desk, &booking).await;
    assert_eq!(status, StatusCode::OK, "{booked}");
    let mut broken = patient(twin);
    broken["demographics"]["birthDate"] = json!({ "on": NEEDLES[3] });
    broken[NEEDLES[0]] = NEEDLES[1].into();
    let (status, invalid) = app.post("/v1/patients/register-patient", &desk, &broken).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let stranger = app.token_for(app.tenant, Role::Analyst, UserId(event_store::fresh_id()), None);
    let mut answers = vec![refused.to_string(), invalid["errors"].as_array().map_or(0, Vec::len).to_string()];
    for (token, query) in [
        (&desk, format!(r#"{{ patients(search: {{ name: "{}", birthDate: "{}" }}) {{ nodes {{ uuid }} }} }}"#, NEEDLES[0], NEEDLES[3])),
        (&desk, format!(r#"{{ patients(search: {{ name: "{}", birthDate: "{}x" }}) {{ nodes {{ uuid }} }} }}"#, NEEDLES[0], NEEDLES[3])),
        (&desk, format!(r#"{{ patients(name: "{}" "#, NEEDLES[0])),
        (&stranger, format!(r#"{{ patients(search: {{ name: "{}" }}) {{ nodes {{ uuid }} }} }}"#, NEEDLES[0])),
    ] {
        answers.push(app.graphql(token, &query, booked["position"].as_i64()).await.to_string());
    }
    let metrics = app.text(0, "/metrics").await;
    let log = app.log();
    assert!(log.contains("accepted") && metrics.contains("carelog_log_append_seconds"), "both were written");
    for needle in NEEDLES {
        assert!(!log.contains(needle), "the log holds {needle}");
        assert!(!metrics.contains(needle), "the metrics hold {needle}");
        assert!(answers.iter().all(|answer| !answer.contains(needle)), "an answer that is a refusal or holds ids only repeats {needle}: {answers:?}");
    }
}

/// A bulk file of FHIR with needles everywhere, and a line that breaks off in the middle of one.
fn bulk(folder: &Path) {
    let patient = json!({
        "resourceType": "Patient", "id": NEEDLES[1], "birthDate": NEEDLES[3],
        "name": [{ "family": NEEDLES[0] }], "telecom": [{ "system": "phone", "value": NEEDLES[4] }],
    });
    let condition = json!({
        "resourceType": "Condition", "id": "c", "subject": { "reference": format!("Patient/{}", NEEDLES[1]) },
        "code": { "text": NEEDLES[2] }, "onsetDateTime": NEEDLES[3], "note": [{ "text": NEEDLES[4] }],
    });
    let broken = format!("{{\"resourceType\":\"Condition\",\"code\":{{\"text\":\"{}", NEEDLES[2]);
    std::fs::write(folder.join("Patient.ndjson"), format!("{patient}\n")).unwrap();
    std::fs::write(folder.join("Condition.ndjson"), format!("{condition}\n{broken}\n")).unwrap();
}

/// The files beneath a folder in which a needle stands.
fn holding(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                ahead.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                found.extend(NEEDLES.iter().filter(|needle| text.contains(**needle)).map(|needle| format!("{needle} in {}", path.display())));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_of_the_logs_and_keys_server_and_no_stored_document_holds_protected_values() {
    let Some(postgres) = OwnPostgres::start() else { return };
    let [log, vault, access] = ["log", "vault", "access"].map(|name| postgres.url(&format!("needle_{name}")));
    let environment = [("DATABASE_URL", &*log), ("CARELOG_VAULT_DATABASE_URL", &*vault), ("CARELOG_ACCESS_DATABASE_URL", &*access), ("RUST_LOG", "debug")];
    let mut app = App::without_processes(&environment).await;
    app.start("serve").await;
    let ada = event_store::fresh_id();
    let (desk, clinician) = (app.token(Role::FrontDesk), app.token(Role::Clinician));
    let (status, answer) = app.post("/v1/patients/register-patient", &desk, &patient(ada)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let content = json!({ "code": { "text": NEEDLES[2] }, "onsetDateTime": NEEDLES[3] });
    let (status, recorded) =
        app.post("/v1/records/record-condition", &clinician, &json!({ "fact": event_store::fresh_id(), "patient": ada, "content": content })).await;
    assert_eq!(status, StatusCode::OK, "{recorded}");
    let metadata = json!({ "document": event_store::fresh_id(), "patient": ada, "content": { "status": "current", "attachment": { "contentType": "text/plain", "title": NEEDLES[0] } } });
    let (kind, body) = form(&metadata.to_string(), NEEDLES.join(" ").as_bytes());
    let uploaded =
        reqwest::Client::new().post(app.at(0, "/v1/documents/upload")).bearer_auth(&desk).header("Content-Type", kind).body(body).send().await.unwrap();
    assert_eq!(uploaded.status(), StatusCode::OK);
    let search = format!(r#"{{ patients(search: {{ name: "{}", birthDate: "{}" }}) {{ nodes {{ displayName birthDate }} }} }}"#, NEEDLES[0], NEEDLES[3]);
    let found = app.graphql(&clinician, &search, recorded["position"].as_i64()).await;
    assert_eq!(found["data"]["patients"]["nodes"].as_array().map(Vec::len), Some(1), "{found}");
    let input = std::env::temp_dir().join(format!("carelog-needle-{}", event_store::fresh_id()));
    std::fs::create_dir(&input).unwrap();
    bulk(&input);
    let import = ["import", "fhir", input.to_str().unwrap(), "--tenant", &app.tenant.to_string(), "--source", "needle", "--time-zone", "America/Chicago"]
        .map(str::to_owned);
    let imported = app.command(&import.each_ref().map(String::as_str)).output().unwrap();
    let said = [imported.stdout, imported.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    assert!(imported.status.success() && said.contains("Condition"), "{said}");
    // As a crash leaves them: what was only in memory is in the files as well.
    postgres.crash_and_restart();
    postgres.stop();

    let all = [holding(postgres.folder()), holding(&app.documents), holding(&app.keys)].concat();
    assert!(all.is_empty(), "{all:#?}");
    assert!(NEEDLES.iter().all(|needle| !said.contains(needle)), "{said}");
    assert!(!holding(&input).is_empty(), "needles are found where they are");
    std::fs::remove_dir_all(input).unwrap();
}
