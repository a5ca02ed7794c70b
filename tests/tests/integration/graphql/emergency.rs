//! Broken glass as those who review it see it: asked for, and pushed as an alert.

use domain::access::DataKind;
use domain::{PatientId, PractitionerId, TenantId, UserId};
use event_store::fresh_id;
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::socket::Socket;

/// Breaks the glass as somebody.
async fn break_glass(world: &World, user: Uuid, patient: Uuid) -> Uuid {
    let glass = fresh_id();
    let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(user), [Role::Clinician].into()));
    let body = json!({ "breakGlass": glass, "patient": patient, "reason": "unconscious", "minutes": 30 });
    world.tell_as(&token, "emergency/break-glass", body).await;
    glass
}

async fn found(world: &World, arguments: &str) -> Vec<Value> {
    let query = format!(
        "{{ brokenGlass{arguments} {{ nodes {{ uuid user reason status finding reviewer reviewNote starts ends reviewDue patient {{ displayName }} }} }} }}"
    );
    let data = world.data(&world.token(Role::ComplianceOfficer), &query, json!({})).await;
    data["brokenGlass"]["nodes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn officers_see_who_broke_the_glass_and_one_of_them_reviews_it() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Byron").await);
    let user = fresh_id();
    let (of_ada, of_bob) = (break_glass(&world, user, ada).await, break_glass(&world, fresh_id(), bob).await);
    let all = found(&world, "").await;
    assert_eq!(all.iter().map(|glass| glass["uuid"].clone()).collect::<Vec<_>>(), [json!(of_bob), json!(of_ada)], "the newest first");
    assert_eq!((&all[1]["user"], &all[1]["reason"], &all[1]["status"]), (&json!(user), &json!("unconscious"), &json!("AWAITING_REVIEW")));
    assert_eq!(all[1]["patient"]["displayName"], "Ada Lovelace");

    let review = |patient: Uuid| json!({ "breakGlass": of_ada, "patient": patient, "finding": "not-justified", "note": "no emergency" });
    let officer = fresh_id();
    let token = |user: Uuid| world.token_of(|claims| (claims.sub, claims.roles) = (UserId(user), [Role::ComplianceOfficer].into()));
    for (who, body, code) in [(user, review(ada), "own-break-glass"), (officer, review(bob), "break-glass-unknown")] {
        let (status, problem) = world.try_to(&token(who), "emergency/review-break-glass", &body).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)), "{problem}");
    }
    let early = json!({ "breakGlass": of_ada, "patient": ada });
    let (_, problem) = world.try_to(&token(officer), "emergency/escalate-break-glass", &early).await;
    assert_eq!(problem["code"], "not-overdue", "{problem}");
    assert!(problem["parameters"]["reviewDue"].is_string(), "{problem}");
    world.tell_as(&token(officer), "emergency/review-break-glass", review(ada)).await;
    let (_, problem) = world.try_to(&token(officer), "emergency/review-break-glass", &review(ada)).await;
    assert_eq!(problem["code"], "reviewed-already", "{problem}");

    let reviewed = found(&world, &format!("(status: REVIEWED, patient: \"{ada}\", user: \"{user}\")")).await;
    assert_eq!((reviewed.len(), &reviewed[0]["finding"], &reviewed[0]["reviewer"]), (1, &json!("NOT_JUSTIFIED"), &json!(officer)));
    assert_eq!(reviewed[0]["reviewNote"], "no emergency");
    assert_eq!(found(&world, "(status: AWAITING_REVIEW)").await.len(), 1);
    assert!(found(&world, &format!("(patient: \"{bob}\", user: \"{user}\")")).await.is_empty());
    let page = world.data(&token(officer), "{ brokenGlass(first: 1) { nodes { uuid } pageInfo { endCursor hasNextPage } } }", json!({})).await;
    let after = page["brokenGlass"]["pageInfo"]["endCursor"].as_str().unwrap();
    assert_eq!(found(&world, &format!("(first: 1, after: \"{after}\")")).await[0]["uuid"], json!(of_ada));
}

#[tokio::test]
async fn nobody_reviews_what_they_did_under_another_account() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, own) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Byron").await);
    let duplicate = clinic.patient(&world, "Bob", "Byron").await;
    let merge = json!({ "survivor": own, "merged": duplicate, "reason": "same person" });
    world.tell(Role::Administrator, "patients/merge-patients", merge).await;
    let account = |role: Role, practitioner: Option<Uuid>, patient: Option<Uuid>| {
        world.token_of(|claims| {
            (claims.sub, claims.roles) = (UserId(fresh_id()), [role].into());
            (claims.practitioner, claims.patient) = (practitioner.map(PractitionerId), patient.map(PatientId));
        })
    };
    let [practitioner, other] = clinic.practitioners;
    let glass = fresh_id();
    let body = json!({ "breakGlass": glass, "patient": ada, "reason": "unconscious", "minutes": 30 });
    world.tell_as(&account(Role::Clinician, Some(practitioner), Some(own)), "emergency/break-glass", body).await;
    let review = json!({ "breakGlass": glass, "patient": ada, "finding": "justified", "note": "an emergency" });
    for (practitioner, patient) in [(Some(practitioner), None), (None, Some(own)), (None, Some(duplicate))] {
        let (_, problem) = world.try_to(&account(Role::ComplianceOfficer, practitioner, patient), "emergency/review-break-glass", &review).await;
        assert_eq!(problem["code"], "own-break-glass", "{problem}");
    }
    world.tell_as(&account(Role::ComplianceOfficer, Some(other), Some(ada)), "emergency/review-break-glass", review).await;
}

#[tokio::test]
async fn the_patient_reads_in_their_history_that_it_happened_and_officers_why() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    break_glass(&world, fresh_id(), ada).await;
    let query = format!("{{ patient(id: \"{ada}\") {{ history(first: 1) {{ nodes {{ summary details {{ label value }} }} }} }} }}");
    let own = world.data(&world.token_of_patient(ada), &query, json!({})).await;
    assert_eq!(own["patient"]["history"]["nodes"][0], json!({ "summary": "The glass was broken in an emergency", "details": [] }));
    let officers = world.data(&world.token(Role::ComplianceOfficer), &query, json!({})).await;
    let entry = &officers["patient"]["history"]["nodes"][0];
    assert_eq!(entry["summary"], "The glass was broken in an emergency, for 30 minutes");
    assert!(entry["details"].to_string().contains("unconscious"));
}

#[tokio::test]
async fn each_time_the_glass_is_broken_officers_are_told_at_once_and_on_record() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let earlier = break_glass(&world, fresh_id(), ada).await;
    let extensions = json!({ "carelog": { "waitFor": world.position() } });
    let alerts = "subscription { brokenGlass { position brokenGlass { uuid status reason patient { displayName } } } }";
    let mut officer = Socket::open(&world, &world.token(Role::ComplianceOfficer)).await;
    officer.subscribe("1", &json!({ "query": alerts, "extensions": extensions })).await;
    assert_eq!(officer.silence().await, None, "only what happens from now on");
    let mut clinician = Socket::open(&world, &world.token(Role::Clinician)).await;
    clinician.subscribe("1", &json!({ "query": alerts })).await;
    assert_eq!(clinician.next().await["payload"][0]["extensions"]["code"], "FORBIDDEN");

    let of_another_tenant = world.token_of(|claims| (claims.tenant, claims.roles) = (TenantId(fresh_id()), [Role::ComplianceOfficer].into()));
    let mut elsewhere = Socket::open(&world, &of_another_tenant).await;
    elsewhere.subscribe("1", &json!({ "query": alerts })).await;
    assert_eq!(elsewhere.silence().await, None);

    let glass = break_glass(&world, fresh_id(), ada).await;
    let message = officer.next().await;
    let told = &message["payload"]["data"]["brokenGlass"]["brokenGlass"];
    assert_eq!((&told[0]["uuid"], &told[0]["status"], told.as_array().map(Vec::len)), (&json!(glass), &json!("AWAITING_REVIEW"), Some(1)), "{message}");
    let request = message["payload"]["extensions"]["carelog"]["requestId"].as_str().unwrap().parse().unwrap();
    let [record] = &world.access_of(request).await[..] else { panic!("the message is recorded once") };
    assert!(record.kinds.contains(&DataKind::AccessRecords) && record.patients == [PatientId(ada)]);
    assert_eq!(elsewhere.silence().await, None, "it is nobody else's");
    // A review is no alert.
    let review = json!({ "breakGlass": earlier, "patient": ada, "finding": "justified", "note": "an emergency" });
    world.tell(Role::ComplianceOfficer, "emergency/review-break-glass", review).await;
    assert_eq!(officer.silence().await, None);
}
