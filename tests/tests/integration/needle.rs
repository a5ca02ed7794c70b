//! Unmistakable values go through commands, refusals and queries; neither the application's log nor its metrics holds one of them.

use domain::UserId;
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::clinic::Clinic;

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
        (&desk, format!(r#"{{ patients(name: "{}", birthDate: "{}") {{ nodes {{ uuid }} }} }}"#, NEEDLES[0], NEEDLES[3])),
        (&desk, format!(r#"{{ patients(name: "{}", birthDate: "{}x") {{ nodes {{ uuid }} }} }}"#, NEEDLES[0], NEEDLES[3])),
        (&desk, format!(r#"{{ patients(name: "{}" "#, NEEDLES[0])),
        (&stranger, format!(r#"{{ patients(name: "{}") {{ nodes {{ uuid }} }} }}"#, NEEDLES[0])),
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
