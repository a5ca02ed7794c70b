//! Broken glass that nobody reviews in time is escalated by itself, once, and operators hear of it.

use domain::access::Authority;
use domain::emergency::{BreakGlassEscalated, GlassBroken};
use domain::{Named, PatientId, Query, Subject, Tag, TenantId};
use event_store::{Actor, Append, Clock, CommandKey, EventStore, Log, Position, fresh_id};
use gate::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::app::App;

/// Glass that was broken so long ago that its review is overdue: no command can say so, so it is in the log as if it had been sent then.
async fn broken_long_ago(tenant: TenantId, store: &EventStore, patient: PatientId) -> GlassBroken {
    let event: GlassBroken = serde_json::from_value(json!({
        "breakGlass": fresh_id(), "patient": patient, "user": fresh_id(), "reason": "unconscious",
        "starts": "2026-03-02T21:00:00Z", "ends": "2026-03-02T21:30:00Z", "reviewDue": "2026-03-05T21:00:00Z",
    }))
    .unwrap();
    let digest = store.vault().digest(tenant, Subject::Patient(patient), b"{}").await.unwrap();
    let append = Append {
        tenant,
        actor: Actor { user: event.user, role: "clinician".to_owned() },
        authority: Authority::Installation,
        command: CommandKey { id: fresh_id(), name: "emergency.break-glass".to_owned(), digest },
        correlation: fresh_id(),
        causation: None,
        events: vec![event.clone().into()],
        boundary: Query::new(),
        read_at: Position(0),
        answer: json!({}),
    };
    store.append(append).await.unwrap();
    event
}

#[tokio::test]
async fn neither_a_tenant_whose_keys_fail_nor_an_event_that_does_not_read_is_in_the_way_of_the_others() {
    let mut app = App::without_processes(&[]).await;
    app.start("command").await;
    let ada = PatientId(fresh_id());
    app.accepted("/v1/patients/register-patient", Role::FrontDesk, json!({ "patient": ada })).await;
    let log = sqlx::PgPool::connect(&app.url(0)).await.unwrap();
    let store = EventStore::open(Log::Clinical, log.clone(), app.vault().await, Clock::system()).await.unwrap();
    let another = TenantId(fresh_id());
    broken_long_ago(another, &store, PatientId(fresh_id())).await;
    let vault = sqlx::PgPool::connect(&app.url(1)).await.unwrap();
    sqlx::query("update vault.tenant_key set wrapped = 'nothing' where tenant = $1").bind(another.0).execute(&vault).await.unwrap();
    let head = store.head().await.unwrap().0;
    let newer = "insert into clinical.event select position + 1, event_id, tenant, type, 9, subject, tags, labels, actor_user, actor_role, correlation, causation, \
        command_id, recorded_at, payload, sealed from clinical.event where position = $1";
    sqlx::query(newer).bind(head).execute(&log).await.unwrap();
    sqlx::query("insert into clinical.event_tag select hash, position + 1 from clinical.event_tag where position = $1").bind(head).execute(&log).await.unwrap();
    broken_long_ago(app.tenant, &store, ada).await;

    let escalations = Query::new().and(&[BreakGlassEscalated::TYPE], Tag::patient(ada));
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while store.read(app.tenant, &escalations, store.head().await.unwrap()).await.unwrap().is_empty() {
        assert!(std::time::Instant::now() < give_up, "nobody escalates it");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let metrics = app.text(0, "/metrics").await;
    assert!(metrics.contains("carelog_break_glass_unreadable_total 1") && metrics.contains("carelog_break_glass_not_escalated_total "), "{metrics}");
}

#[tokio::test]
async fn what_nobody_reviews_in_time_is_escalated_once_by_however_many_processes() {
    let mut app = App::without_processes(&[]).await;
    app.start("serve").await;
    let ada = PatientId(fresh_id());
    app.accepted("/v1/patients/register-patient", Role::FrontDesk, json!({ "patient": ada })).await;
    let log = sqlx::PgPool::connect(&app.url(0)).await.unwrap();
    let store = EventStore::open(Log::Clinical, log, app.vault().await, Clock::system()).await.unwrap();
    let overdue = broken_long_ago(app.tenant, &store, ada).await;
    let lately = json!({ "breakGlass": fresh_id(), "patient": ada, "reason": "Needle", "minutes": 5 });
    app.accepted("/v1/emergency/break-glass", Role::Clinician, lately).await;
    app.start("command").await;
    let escalations = Query::new().and(&[BreakGlassEscalated::TYPE], Tag::patient(ada));
    let found = async || store.read(app.tenant, &escalations, store.head().await.unwrap()).await.unwrap();
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while found().await.is_empty() {
        assert!(std::time::Instant::now() < give_up, "nobody escalates it");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    // A while longer than it takes both of them to look again.
    tokio::time::sleep(std::time::Duration::from_secs(12)).await;
    let escalated = found().await;
    assert_eq!(escalated.len(), 1, "once, and not what there is time left for");
    assert!(escalated[0].event.tags().contains(&Tag::break_glass(overdue.break_glass)));
    assert_eq!(escalated[0].actor.role, "compliance-officer");
    let why = app.command(&["why", &escalated[0].correlation.to_string(), "--tenant", &app.tenant.to_string()]).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.contains("to operate the system. command emergency.escalate-break-glass"), "{why}");
    assert!(why.contains("  review-break-glass: permitted (1), being operator\n    compliance-officers: "), "Carelog did it itself: {why}");

    let head = store.head().await.unwrap();
    let query = "{ brokenGlass(status: ESCALATED) { nodes { uuid } } }";
    let seen = app.graphql(&app.token(Role::ComplianceOfficer), query, Some(head.0)).await;
    assert_eq!(seen["data"]["brokenGlass"]["nodes"], json!([{ "uuid": overdue.break_glass }]), "{seen}");
    let (said, metrics) = (app.log(), app.text(0, "/metrics").await + &app.text(1, "/metrics").await);
    assert!(said.contains("the glass was broken") && said.contains("broken glass was not reviewed in time"), "operators are told");
    assert!(!said.contains("Needle") && !said.contains("unconscious"), "with ids alone");
    assert!(metrics.contains("carelog_break_glass_total 1") && metrics.contains("carelog_break_glass_escalated_total 1"), "{metrics}");
    // The review comes late, but it comes.
    let review = json!({ "breakGlass": overdue.break_glass, "patient": ada, "finding": "justified", "note": "an emergency" });
    let (status, answer) = app.post("/v1/emergency/review-break-glass", &app.token(Role::ComplianceOfficer), &review).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}
