//! The binary and its routes: it signs while it serves, serves its trees, and says at the console whether history is what was signed.

use std::time::Duration;

use domain::{TenantId, UserId};
use event_store::fresh_id;
use gate::Role;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::app::App;

async fn register(app: &App) -> serde_json::Value {
    let body = json!({ "patient": fresh_id(), "demographics": { "name": [{ "given": ["Ada"], "family": "Lovelace" }] } });
    app.accepted("/v1/patients/register-patient", Role::FrontDesk, body).await
}

/// Waits until a tree has so many leaves, by what is served; its checkpoint.
async fn signed(app: &App, log: &str, size: u64) -> String {
    for _ in 0..600 {
        let note = app.text(0, &format!("/log/{log}/1/checkpoint")).await;
        if note.lines().nth(1).and_then(|line| line.parse().ok()).is_some_and(|signed: u64| signed >= size) {
            return note;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{size} positions of the {log} log are not signed in a minute");
}

fn run(app: &App, arguments: &[&str]) -> (bool, String) {
    let output = app.command(arguments).output().unwrap();
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test]
async fn history_is_verified_at_the_console_and_what_was_changed_is_named() {
    let mut app = App::serve().await;
    let accepted = register(&app).await;
    register(&app).await;
    let position = accepted["position"].as_u64().unwrap();
    let kept = signed(&app, "clinical", position + 1).await;
    signed(&app, "access", 1).await;
    let (whole, said) = run(&app, &["verify"]);
    assert!(whole && said.contains("the clinical log is what was signed") && said.contains("the access log is what was signed"), "{said}");

    let (event, tenant) = (accepted["eventIds"][0].as_str().unwrap().to_owned(), app.tenant.to_string());
    let (proven, proof) = run(&app, &["proof", &event, "--tenant", &tenant]);
    assert!(proven, "{proof}");
    let key = app.text(0, "/log/clinical/1/key").await;
    let policy: transparency::TrustPolicy = format!("log {key}quorum none\n").parse().unwrap();
    let (entry, _) = transparency::check(&proof, Some(&policy)).unwrap();
    assert_eq!((entry.event_id.to_string(), entry.position.unsigned_abs()), (event.clone(), position));
    let file = app.keys.join("kept.checkpoint");
    std::fs::write(&file, kept).unwrap();
    let policy = app.keys.join("auditor.policy");
    std::fs::write(&policy, format!("log {key}quorum none\n")).unwrap();
    let (file, policy) = (file.to_str().unwrap().to_owned(), policy.to_str().unwrap().to_owned());
    let against = ["verify", "--log", "clinical", "--kept", &file, "--policy", &policy];
    assert!(run(&app, &against).0, "an auditor's own policy and checkpoint");
    let (found, said) = run(&app, &["proof", &event, "--tenant", &fresh_id().to_string()]);
    assert!(!found && said.contains("no such event"), "another tenant's: {said}");

    let mut database = PgConnection::connect(&app.url(0)).await.unwrap();
    let change = format!("set session_replication_role = replica; update clinical.event set actor_role = 'clinician' where position = {position}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&mut database).await.unwrap();
    let (whole, said) = run(&app, &against);
    assert!(!whole && said.contains(&format!("position {position}: the event was changed")), "{said}");

    // The key that signs is another one: nothing it says is believed by who holds the first.
    app.kill(0);
    std::fs::remove_file(app.keys.join("development-signing.key")).unwrap();
    let (whole, said) = run(&app, &against);
    assert!(!whole, "{said}");
}

#[tokio::test]
async fn hashes_are_for_everyone_and_entries_for_who_may_verify() {
    let app = App::serve().await;
    register(&app).await;
    signed(&app, "clinical", 1).await;
    let client = reqwest::Client::new();
    let get = async |path: &str, token: Option<String>| {
        let request = client.get(app.at(0, path));
        token.into_iter().fold(request, |request, token| request.bearer_auth(token)).send().await.unwrap().status().as_u16()
    };
    let size = signed(&app, "clinical", 1).await.lines().nth(1).unwrap().to_owned();
    assert_eq!(get(&format!("/log/clinical/1/tile/0/000.p/{size}"), None).await, 200);
    let entries = format!("/log/clinical/1/tile/entries/000.p/{size}");
    assert_eq!(get(&entries, None).await, 401);
    for role in [Role::Clinician, Role::FrontDesk, Role::Administrator, Role::Analyst] {
        assert_eq!(get(&entries, Some(app.token(role))).await, 403, "{role:?}");
    }
    let patient = app.token_for(app.tenant, Role::Patient, UserId(fresh_id()), Some(domain::PatientId(fresh_id())));
    assert_eq!(get(&entries, Some(patient)).await, 403);
    assert_eq!(get(&entries, Some(app.token(Role::ComplianceOfficer))).await, 200);
    let other = app.token_for(TenantId(fresh_id()), Role::ComplianceOfficer, UserId(fresh_id()), None);
    assert_eq!(get(&entries, Some(other)).await, 200, "entries name no tenant");
    for path in
        ["/log/other/1/checkpoint", "/log/clinical/9/checkpoint", "/log/clinical/1/tile/0/999", "/log/clinical/1/tile/0/000.p/0", "/log/clinical/1/tile/64/000"]
    {
        assert_eq!(get(path, None).await, 404, "{path}");
    }
}
