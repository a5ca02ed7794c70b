//! The command API from outside: who may, what is refused and how, and what a retry gets.

use std::collections::BTreeSet;

use domain::{PatientId, TenantId, UserId};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::clinic::{BOOK, Clinic};

/// Who may ask for what: every command, written out. A command that is not here fails the test.
pub const WHO_MAY: &[(&str, &[Role])] = {
    use Role::{Administrator as A, Clinician as C, ComplianceOfficer as O, FrontDesk as F, Patient as P};
    &[
        ("/v1/consents/agree-to-restriction", &[A, O]),
        ("/v1/consents/decline-restriction", &[A, O]),
        ("/v1/consents/end-restriction", &[A, O]),
        ("/v1/consents/grant-consent", &[A, C, F, P]),
        ("/v1/consents/request-restriction", &[A, C, F, P]),
        ("/v1/consents/revoke-consent", &[A, C, F, P]),
        ("/v1/disclosures/record-disclosure", &[A, F, O]),
        ("/v1/disclosures/retract-disclosure", &[A, F, O]),
        ("/v1/documents/remove-document", &[C, F]),
        ("/v1/documents/supersede-document", &[C, F]),
        ("/v1/emergency/break-glass", &[C]),
        ("/v1/emergency/escalate-break-glass", &[O]),
        ("/v1/emergency/review-break-glass", &[O]),
        ("/v1/identity/end-sessions", &[A, O]),
        ("/v1/organizations/add-room", &[A]),
        ("/v1/organizations/open-facility", &[A]),
        ("/v1/organizations/register-organization", &[A]),
        ("/v1/patients/assign-identifier", &[A, C, F]),
        ("/v1/patients/change-contact-details", &[A, C, F]),
        ("/v1/patients/correct-demographics", &[A, C, F]),
        ("/v1/patients/deactivate-patient", &[A, C, F]),
        ("/v1/patients/grant-access", &[A, P]),
        ("/v1/patients/merge-patients", &[A]),
        ("/v1/patients/record-death", &[A, C, F]),
        ("/v1/patients/register-patient", &[A, C, F]),
        ("/v1/patients/reverse-death", &[A, C, F]),
        ("/v1/patients/revoke-access", &[A, P]),
        ("/v1/patients/undo-merge", &[A]),
        ("/v1/providers/add-qualification", &[A]),
        ("/v1/providers/assign-role", &[A]),
        ("/v1/providers/block-time", &[A]),
        ("/v1/providers/onboard-practitioner", &[A]),
        ("/v1/providers/retire-practitioner", &[A]),
        ("/v1/providers/set-availability", &[A]),
        ("/v1/providers/set-availability-exception", &[A]),
        ("/v1/providers/unblock-time", &[A]),
        ("/v1/records/amend-allergy", &[C]),
        ("/v1/records/amend-condition", &[C]),
        ("/v1/records/amend-device", &[C]),
        ("/v1/records/amend-encounter", &[C]),
        ("/v1/records/amend-family-history", &[C]),
        ("/v1/records/amend-immunization", &[C]),
        ("/v1/records/amend-medication-request", &[C]),
        ("/v1/records/amend-observation", &[C]),
        ("/v1/records/amend-procedure", &[C]),
        ("/v1/records/enter-allergy-in-error", &[C]),
        ("/v1/records/enter-condition-in-error", &[C]),
        ("/v1/records/enter-device-in-error", &[C]),
        ("/v1/records/enter-encounter-in-error", &[C]),
        ("/v1/records/enter-family-history-in-error", &[C]),
        ("/v1/records/enter-immunization-in-error", &[C]),
        ("/v1/records/enter-medication-request-in-error", &[C]),
        ("/v1/records/enter-observation-in-error", &[C]),
        ("/v1/records/enter-procedure-in-error", &[C]),
        ("/v1/records/record-allergy", &[C]),
        ("/v1/records/record-condition", &[C]),
        ("/v1/records/record-device", &[C]),
        ("/v1/records/record-encounter", &[C]),
        ("/v1/records/record-family-history", &[C]),
        ("/v1/records/record-immunization", &[C]),
        ("/v1/records/record-medication-request", &[C]),
        ("/v1/records/record-observation", &[C]),
        ("/v1/records/record-procedure", &[C]),
        ("/v1/scheduling/book-appointment", &[A, C, F, P]),
        ("/v1/scheduling/cancel-appointment", &[A, C, F, P]),
        ("/v1/scheduling/check-in-appointment", &[C, F]),
        ("/v1/scheduling/fulfil-appointment", &[C, F]),
        ("/v1/scheduling/mark-no-show", &[C, F]),
        ("/v1/scheduling/reschedule-appointment", &[A, C, F, P]),
        ("/v1/scheduling/undo-status", &[C, F]),
    ]
};

#[tokio::test]
async fn every_command_asks_for_a_token_and_for_its_permission() {
    let app = App::serve().await;
    let listed: BTreeSet<String> = WHO_MAY.iter().map(|(path, _)| (*path).to_owned()).collect();
    let offered: BTreeSet<String> = command_api::endpoints().iter().map(command_api::Endpoint::path).collect();
    assert_eq!(offered, listed, "a command without a line in WHO_MAY, or a line without a command");
    for (path, roles) in WHO_MAY {
        let (status, problem) = app.post(path, "nonsense", &json!({})).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")), "{path}");
        for role in Role::ALL {
            let (status, problem) = app.post(path, &app.token(role), &json!({})).await;
            let expected = if roles.contains(&role) { (StatusCode::BAD_REQUEST, "invalid-body") } else { (StatusCode::FORBIDDEN, "forbidden") };
            assert_eq!((status, problem["code"].as_str().unwrap_or_default()), expected, "{path} as {}: {problem}", role.name());
        }
    }
}

#[tokio::test]
async fn bad_input_names_the_field_and_the_rule_and_never_the_value() {
    let app = App::serve().await;
    let (token, patient) = (app.token(Role::FrontDesk), event_store::fresh_id());
    let path = "/v1/patients/register-patient";
    let needle = "Needle 4711";
    let cases = [
        (json!({ "demographics": {} }), "/patient", "must be given"),
        (json!({ "patient": needle }), "/patient", "must have the format uuid"),
        (json!({ "patient": patient, needle: 1 }), "", "must hold no fields but the schema's"),
        (json!({ "patient": patient, "demographics": { needle: 1 } }), "/demographics", "must hold no fields but the schema's"),
        (json!({ "patient": patient, "demographics": { "name": needle } }), "/demographics/name", "must be a list"),
        (
            json!({ "patient": patient, "demographics": { "birthDate": "1990-02-30" } }),
            "/demographics",
            "must be a date as YYYY, YYYY-MM or YYYY-MM-DD, from 1800 on",
        ),
    ];
    for (body, field, rule) in cases {
        let (status, problem) = app.post(path, &token, &body).await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("invalid-body")), "{problem}");
        let named = problem["errors"].as_array().unwrap().iter().any(|error| error["field"].as_str().unwrap().starts_with(field) && error["rule"] == rule);
        assert!(named, "{field} {rule}: {problem}");
        assert!(!problem.to_string().contains(needle), "the answer repeats a value: {problem}");
    }
}

#[tokio::test]
async fn what_is_not_a_command_at_all_gets_a_problem_too() {
    let app = App::serve().await;
    let client = reqwest::Client::new();
    let request = || client.post(app.at(0, BOOK)).bearer_auth(app.token(Role::FrontDesk)).header("Content-Type", "application/json");
    let stale = || {
        let path = format!("{}?basedOn=yesterday", app.at(0, BOOK));
        client.post(path).bearer_auth(app.token(Role::FrontDesk)).header("Content-Type", "application/json")
    };
    let answers = [
        (request().body("{\"appointment\": "), StatusCode::BAD_REQUEST, "invalid-body"),
        (request().body("\u{0}\u{1}"), StatusCode::BAD_REQUEST, "invalid-body"),
        (request().body(vec![b' '; command_api::BODY_LIMIT + 1]), StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
        (request().header("Idempotency-Key", "again").body("{}"), StatusCode::BAD_REQUEST, "invalid-request"),
        (stale().body("{}"), StatusCode::BAD_REQUEST, "invalid-request"),
        (client.post(app.at(0, BOOK)).bearer_auth(app.token(Role::FrontDesk)).body("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
    ];
    for (request, status, code) in answers {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(answer.headers().contains_key("x-request-id"));
        assert_eq!(answer.status(), status);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = request().body(deep).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "deep nesting is an error, not a crash");
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_and_another_body_is_an_error() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let patient = clinic.patient(&app, "Lovelace").await;
    let (token, key) = (app.token(Role::FrontDesk), event_store::fresh_id());
    let body = clinic.booking(event_store::fresh_id(), patient, "2031-03-03T09:00:00");
    let (status, first) = app.post_to(0, BOOK, &token, &body, Some(key)).await.unwrap();
    assert_eq!((status, &first["repeated"]), (StatusCode::OK, &json!(false)));
    let (status, again) = app.post_to(0, BOOK, &token, &body, Some(key)).await.unwrap();
    assert_eq!((status, &again["repeated"]), (StatusCode::OK, &json!(true)));
    assert_eq!((&again["position"], &again["eventIds"]), (&first["position"], &first["eventIds"]));
    let other = clinic.booking(event_store::fresh_id(), patient, "2031-03-03T10:00:00");
    let (status, problem) = app.post_to(0, BOOK, &token, &other, Some(key)).await.unwrap();
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency-key-reused")));
    // Another caller's key of the same value is another key.
    let (status, _) = app.post_to(0, BOOK, &app.token(Role::Clinician), &other, Some(key)).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    // A refusal is not remembered: the same key may be used once the reason is gone.
    let (refused, clash) = (event_store::fresh_id(), clinic.booking(event_store::fresh_id(), patient, "2031-03-03T09:00:00"));
    let (status, _) = app.post_to(0, BOOK, &token, &clash, Some(refused)).await.unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let cancel = json!({ "appointment": body["appointment"], "patient": patient, "reason": "moved away" });
    app.accepted("/v1/scheduling/cancel-appointment", Role::FrontDesk, cancel).await;
    let (status, answer) = app.post_to(0, BOOK, &token, &clash, Some(refused)).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn of_twenty_retries_at_once_all_get_the_one_answer() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let patient = clinic.patient(&app, "Lovelace").await;
    let token = app.token(Role::FrontDesk);
    for hour in 8..16 {
        let (key, body) = (event_store::fresh_id(), clinic.booking(event_store::fresh_id(), patient, &format!("2031-03-03T{hour:02}:00:00")));
        let answers = futures::future::join_all((0..20).map(|_| app.post_to(0, BOOK, &token, &body, Some(key)))).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        let refused: Vec<_> = answers.iter().filter(|(status, _)| *status != StatusCode::OK).collect();
        assert!(refused.is_empty(), "a retry is told that its own booking is in its way: {refused:?}");
        let first = answers.iter().filter(|(_, answer)| answer["repeated"] == false).count();
        assert_eq!(first, 1);
        assert!(answers.iter().all(|(_, answer)| answer["position"] == answers[0].1["position"]));
    }
}

#[tokio::test]
async fn after_a_merge_a_patient_acts_under_the_record_that_goes_on() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let (merged, survivor) = (clinic.patient(&app, "Lovelace").await, clinic.patient(&app, "Byron").await);
    let token = app.token_for(app.tenant, Role::Patient, UserId(event_store::fresh_id()), Some(PatientId(merged)));
    app.accepted(BOOK, Role::FrontDesk, clinic.booking(event_store::fresh_id(), survivor, "2031-03-03T09:00:00")).await;
    let merge = json!({ "survivor": survivor, "merged": merged, "reason": "the same person" });
    let position = app.accepted("/v1/patients/merge-patients", Role::Administrator, merge).await["position"].as_i64();
    let booking = clinic.booking(event_store::fresh_id(), survivor, "2031-03-03T10:00:00");
    let (status, answer) = app.post(BOOK, &token, &booking).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let query = format!("{{ patient(id: \"{survivor}\") {{ appointments {{ nodes {{ status }} }} }} }}");
    let seen = app.graphql(&token, &query, position.map(|position| position + 1)).await;
    assert_eq!(seen["data"]["patient"]["appointments"]["nodes"].as_array().map(Vec::len), Some(2), "{seen}");
}

#[tokio::test]
async fn who_works_here_and_is_a_patient_here_reads_no_more_than_either_may() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let (own, other) = (clinic.patient(&app, "Lovelace").await, clinic.patient(&app, "Byron").await);
    let both = app.token_with(&[Role::Patient, Role::FrontDesk], Some(PatientId(own)));
    let query = format!("{{ patient(id: \"{other}\") {{ history {{ nodes {{ summary }} }} }} }}");
    let moved = json!({ "patient": other, "contact": { "address": [{ "city": "London" }] } });
    let position = app.accepted("/v1/patients/change-contact-details", Role::FrontDesk, moved).await["position"].as_i64();
    let answer = app.graphql(&both, &query, position).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
}

#[tokio::test]
async fn a_form_from_a_stale_screen_is_a_conflict() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let patient = clinic.patient(&app, "Lovelace").await;
    let contact = |city: &str| json!({ "patient": patient, "contact": { "address": [{ "city": city }] } });
    let first = app.accepted("/v1/patients/change-contact-details", Role::FrontDesk, contact("London")).await;
    let seen = first["position"].as_i64().unwrap();
    let fresh = format!("/v1/patients/change-contact-details?basedOn={seen}");
    let (status, _) = app.post(&fresh, &app.token(Role::FrontDesk), &contact("Paris")).await;
    assert_eq!(status, StatusCode::OK);
    let (status, problem) = app.post(&fresh, &app.token(Role::FrontDesk), &contact("Rome")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("stale")));
    assert_eq!(problem["parameters"]["changedAt"], seen + 1);
}

#[tokio::test]
async fn another_tenant_is_another_world() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let patient = clinic.patient(&app, "Lovelace").await;
    let elsewhere = TenantId(event_store::fresh_id());
    let stranger = app.token_for(elsewhere, Role::Administrator, UserId(event_store::fresh_id()), None);
    let (status, problem) = app.post(BOOK, &stranger, &clinic.booking(event_store::fresh_id(), patient, "2031-03-03T09:00:00")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("patient-unknown")));
    // Even the same id can be registered there: it is another patient.
    let (status, _) = app.post("/v1/patients/register-patient", &stranger, &json!({ "patient": patient })).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_patient_acts_for_themself_and_for_whoever_granted_it() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let (own, other) = (clinic.patient(&app, "Lovelace").await, clinic.patient(&app, "Byron").await);
    let user = UserId(event_store::fresh_id());
    let token = app.token_for(app.tenant, Role::Patient, user, Some(PatientId(own)));
    let book = |patient, start| clinic.booking(event_store::fresh_id(), patient, start);
    let (status, _) = app.post(BOOK, &token, &book(own, "2031-03-03T09:00:00")).await;
    assert_eq!(status, StatusCode::OK);
    let (status, refused) = app.post(BOOK, &token, &book(other, "2031-03-03T10:00:00")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (_, unknown) = app.post(BOOK, &token, &book(event_store::fresh_id(), "2031-03-03T10:00:00")).await;
    assert_eq!(refused["code"], unknown["code"], "whether a patient exists is not told");
    let mut overbook = book(own, "2031-03-03T09:00:00");
    overbook["exception"] = json!({ "kind": "overbooked", "reason": "please" });
    assert_eq!(app.post(BOOK, &token, &overbook).await.0, StatusCode::FORBIDDEN);
    app.accepted("/v1/patients/grant-access", Role::Administrator, json!({ "patient": other, "grantee": user })).await;
    assert_eq!(app.post(BOOK, &token, &book(other, "2031-03-03T10:00:00")).await.0, StatusCode::OK);
    let on = json!({ "patient": other, "grantee": UserId(event_store::fresh_id()) });
    assert_eq!(app.post("/v1/patients/grant-access", &token, &on).await.0, StatusCode::FORBIDDEN, "a grant is not granted on");
    let duplicate = clinic.patient(&app, "Byron").await;
    assert_eq!(app.post(BOOK, &token, &book(duplicate, "2031-03-03T12:00:00")).await.0, StatusCode::FORBIDDEN);
    app.accepted("/v1/patients/merge-patients", Role::Administrator, json!({ "survivor": duplicate, "merged": other, "reason": "one person" })).await;
    let (status, answer) = app.post(BOOK, &token, &book(duplicate, "2031-03-03T12:00:00")).await;
    assert_eq!(status, StatusCode::OK, "a grant is of the person, whichever record names them: {answer}");
    let undo = json!({ "survivor": duplicate, "merged": other, "reason": "two after all" });
    app.accepted("/v1/patients/undo-merge", Role::Administrator, undo).await;
    app.accepted("/v1/patients/revoke-access", Role::Administrator, json!({ "patient": other, "grantee": user })).await;
    assert_eq!(app.post(BOOK, &token, &book(other, "2031-03-03T11:00:00")).await.0, StatusCode::FORBIDDEN);
}
