//! Access records while things break: whatever reached a client was recorded before, and an access log that is slow or silent holds up nothing but what it must record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::app::App;
use crate::clinic::Clinic;
use crate::graphql::socket::Socket;
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
    sqlx::query_scalar("select distinct correlation from access.event where type = 'access.AccessRecorded'")
        .fetch_all(&mut access)
        .await
        .unwrap()
        .into_iter()
        .collect()
}

/// What the access log says of the answers to requests.
async fn answered(app: &App) -> BTreeMap<Uuid, String> {
    let printed = app.command(&["access", "--tenant", &app.tenant.to_string(), "--most", "100000", "--format", "json"]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let records = String::from_utf8(printed.stdout).unwrap();
    let records = records.lines().map(|line| line.parse::<Value>().unwrap());
    records.map(|record| (record["request"].as_str().unwrap().parse().unwrap(), record["answered"].as_str().unwrap().to_owned())).collect()
}

/// Until the access log says so of a request's answer.
async fn until_answered(app: &App, request: Uuid, expected: &str) {
    let give_up = Instant::now() + Duration::from_mins(1);
    loop {
        let said = answered(app).await.remove(&request);
        if said.as_deref() == Some(expected) {
            return;
        }
        assert!(Instant::now() < give_up, "it is said to be answered: {said:?}, not {expected}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Reads a patient under a request id of the test's own; the id and the status, where an answer came within the time.
async fn look(app: &App, patient: Uuid, within: Duration) -> (Uuid, Option<StatusCode>) {
    let request = event_store::fresh_id();
    let body = json!({ "query": format!("{{ patient(id: \"{patient}\") {{ displayName }} }}") });
    let client = reqwest::Client::new().post(app.at(0, "/graphql")).bearer_auth(app.token(Role::Clinician)).json(&body);
    let answer = client.header("X-Request-Id", request.to_string()).timeout(within).send().await;
    (request, answer.ok().map(|answer| answer.status()))
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
    let answered = answered(&app).await;
    for request in recorded.difference(&shown) {
        assert_ne!(answered[request], "yes", "nobody claims an answer that nobody has seen");
    }
}

const PATIENTLY: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_record_says_whether_its_answer_went_out() {
    let options = crate::harness::server();
    let relay = Relay::to(options.get_host().to_owned(), options.get_port()).await;
    let mut app = App::with_access_over(&relay).await;
    app.start("serve").await;
    let clinic = Clinic::open(&app).await;
    let patient = clinic.patient(&app, "Lovelace").await;
    let token = app.token(Role::Clinician);
    assert!(app.graphql(&token, &format!("{{ patient(id: \"{patient}\") {{ displayName }} }}"), None).await.get("errors").is_none());

    // One is answered, and known to be as soon as the process has said so; so is what a connection sends that stays open.
    let (long_ago, status) = look(&app, patient, PATIENTLY).await;
    assert_eq!(status, Some(StatusCode::OK));
    assert_eq!(answered(&app).await[&long_ago], "unknown", "it might be under way");
    let mut socket = Socket::open_at(&app.at(0, ""), &token).await;
    socket.subscribe("1", &json!({ "query": format!("{{ patient(id: \"{patient}\") {{ displayName }} }}") })).await;
    let followed: Uuid = socket.next().await["payload"]["extensions"]["carelog"]["requestId"].as_str().unwrap().parse().unwrap();
    until_answered(&app, long_ago, "yes").await;
    until_answered(&app, followed, "yes").await;

    // Of one the client goes away while its record is written: it is never answered.
    let mut holder = PgConnection::connect(&app.access_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe("begin; lock table access.event in access exclusive mode")).execute(&mut holder).await.unwrap();
    let (gone, status) = look(&app, patient, Duration::from_secs(1)).await;
    assert_eq!(status, None);
    sqlx::raw_sql("rollback").execute(&mut holder).await.unwrap();
    until_answered(&app, gone, "no").await;

    // One is recorded and the process killed before the first byte: nobody knows. What was answered long before stays so.
    relay.lose_answers(true);
    let (killed, _) = tokio::join!(look(&app, patient, PATIENTLY), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        App::kill_pid(app.pid(0));
    });
    relay.lose_answers(false);
    assert_eq!(killed.1, None, "the process broke off before the answer");
    app.restart(0, "serve").await;
    let said = answered(&app).await;
    assert_eq!((said[&killed.0].as_str(), said[&long_ago].as_str(), said[&gone].as_str()), ("unknown", "yes", "no"));
    let officer = app.token(Role::ComplianceOfficer);
    for (request, told, code) in [(killed.0, "UNKNOWN", Some("unknown")), (long_ago, "YES", None), (gone, "NO", Some("no"))] {
        let query = format!("{{ accessRecords(search: {{ request: \"{request}\" }}) {{ nodes {{ answered }} }} }}");
        let answer = app.graphql(&officer, &query, None).await;
        assert_eq!(answer["data"]["accessRecords"]["nodes"], json!([{ "answered": told }]), "{answer}");
        let (_, _, bundle) = app.get(&format!("/fhir/AuditEvent?entity:identifier={request}"), Some(&officer), None).await;
        let extension = code.map(|code| json!([{ "url": "urn:carelog:answered", "valueCode": code }]));
        assert_eq!(bundle["entry"][0]["resource"].get("extension"), extension.as_ref(), "{bundle}");
    }

    // A process that ends in order leaves nothing open, and neither does a task at the console.
    let (last, status) = look(&app, patient, PATIENTLY).await;
    assert_eq!(status, Some(StatusCode::OK));
    app.stop(0);
    let said = answered(&app).await;
    assert_eq!((said[&last].as_str(), said[&killed.0].as_str()), ("yes", "unknown"));
    let tasks = "select count(*) from access.event where type = 'access.ServingEnded' and position > (select max(position) from access.event where type = 'access.ServingStarted')";
    let mut access = PgConnection::connect(&app.access_url()).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(tasks).fetch_one(&mut access).await.unwrap(), 3, "two questions at the console, and the process");
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
