//! Access records while things break: whatever reached a client was recorded before, and an access log that is slow or silent holds up nothing but what it must record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use gate::Role;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::app::App;
use crate::clinic::Clinic;
use crate::servers::Relay;

/// What came back of a request: its first bytes, as far as a client cares.
struct Answer {
    request: Uuid,
    status: StatusCode,
}

/// Asks over and over, each time under a request id of its own, until told to stop; what was answered in full or in part, and how often nothing came.
async fn reader(at: String, token: String, patient: Uuid, stop: Arc<AtomicBool>) -> (Vec<Answer>, usize) {
    let client = reqwest::Client::new();
    let (mut answers, mut unanswered) = (Vec::new(), 0);
    let body = json!({ "query": format!("{{ patient(id: \"{patient}\") {{ displayName birthDate }} }}") });
    while !stop.load(Ordering::Relaxed) {
        let request = event_store::fresh_id();
        let sent = client.post(&at).bearer_auth(&token).header("X-Request-Id", request.to_string()).json(&body).send().await;
        match sent {
            // The status line has come: the answer was begun, whatever becomes of the rest.
            Ok(answer) => answers.push(Answer { request, status: answer.status() }),
            Err(_) => {
                unanswered += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    (answers, unanswered)
}

/// The requests that the access log tells of.
async fn recorded(app: &App) -> BTreeSet<Uuid> {
    let mut access = PgConnection::connect(&app.access_url()).await.unwrap();
    sqlx::query_scalar("select distinct correlation from access.event").fetch_all(&mut access).await.unwrap().into_iter().collect()
}

/// Readers at a process, which is killed after a while.
async fn killed_under_load(app: &App, patient: Uuid, after: Duration, before_the_kill: impl AsyncFnOnce()) -> (Vec<Answer>, usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let (at, token) = (app.at(0, "/graphql"), app.token(Role::Clinician));
    let readers: Vec<_> = (0..8).map(|_| tokio::spawn(reader(at.clone(), token.clone(), patient, Arc::clone(&stop)))).collect();
    tokio::time::sleep(after).await;
    before_the_kill().await;
    App::kill_pid(app.pid(0));
    stop.store(true, Ordering::Relaxed);
    let all = join_all(readers).await.into_iter().map(Result::unwrap);
    all.fold((Vec::new(), 0), |(mut answers, unanswered), (more, failed)| {
        answers.extend(more);
        (answers, unanswered + failed)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_client_received_before_a_kill_was_recorded_before() {
    let options = crate::harness::server();
    let relay = Relay::to(options.get_host().to_owned(), options.get_port()).await;
    let mut app = App::with_access_over(&relay).await;
    app.start("serve").await;
    let clinic = Clinic::open(&app).await;
    let patient = clinic.patient(&app, "Lovelace").await;
    let (mut shown, mut unanswered) = (BTreeSet::new(), 0);
    for round in 0..24_u64 {
        // Most are killed at any moment. Some while their records are committed and no answer to the commit comes: between the record and the first byte.
        let silent = round % 4 == 3;
        let (answers, failed) = killed_under_load(&app, patient, Duration::from_millis(150 + round * 53 % 450), async || {
            if silent {
                relay.lose_answers(true);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
        relay.lose_answers(false);
        shown.extend(answers.iter().filter(|answer| answer.status == StatusCode::OK).map(|answer| answer.request));
        unanswered += failed;
        app.restart(0, "serve").await;
    }
    let recorded = recorded(&app).await;
    let unrecorded: Vec<&Uuid> = shown.difference(&recorded).collect();
    assert!(unrecorded.is_empty(), "{} of {} answers have no record", unrecorded.len(), shown.len());
    assert!(shown.len() > 50 && unanswered > 24, "the load was real: {} answers, {unanswered} without", shown.len());
    assert!(recorded.difference(&shown).count() > 8, "some were killed between their record and its answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_log_that_stands_still_holds_up_nothing_but_what_it_must_record() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let patient = clinic.patient(&app, "Lovelace").await;
    let token = app.token(Role::Clinician);
    let query = format!("{{ patient(id: \"{patient}\") {{ displayName }} }}");
    assert!(app.graphql(&token, &query, None).await.get("errors").is_none());

    let mut holder = PgConnection::connect(&app.access_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe("begin; lock table access.event in access exclusive mode")).execute(&mut holder).await.unwrap();
    let client = reqwest::Client::new();
    // Many more than any pool has connections.
    let reads: Vec<_> = (0..120)
        .map(|_| {
            let request = client.post(app.at(0, "/graphql")).bearer_auth(&token).json(&json!({ "query": query }));
            tokio::spawn(async move {
                let answer = request.send().await.unwrap();
                let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
                (answer.status(), retry, answer.text().await.unwrap())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    assert!(app.text(0, "/health/live").await.contains("up"));
    assert!(app.text(0, "/metrics").await.contains("carelog_log_append_seconds"));
    let facilities = app.graphql(&token, "{ facilities { nodes { name } } }", None).await;
    assert_eq!(facilities["data"]["facilities"]["nodes"][0]["name"], "Main", "what shows nothing of anyone: {facilities}");
    clinic.patient(&app, "Byron").await;
    assert!(begun.elapsed() < Duration::from_secs(3), "what needs no record waited {:?} with the others", begun.elapsed());
    for (status, retry, body) in join_all(reads).await.into_iter().map(Result::unwrap) {
        assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("1")), "{body}");
        assert!(!body.contains("Lovelace"));
    }
    sqlx::raw_sql("rollback").execute(&mut holder).await.unwrap();
    let give_up = Instant::now() + Duration::from_secs(30);
    while app.graphql(&token, &query, None).await.get("errors").is_some() {
        assert!(Instant::now() < give_up, "it is well again, and nothing is shown");
    }
}
