//! What access records cost: the same reads over GraphQL with each one recorded before it is answered, and with recording switched off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::patients::RegisterPatient;
use domain::{PatientId, TenantId, UserId};
use event_store::Clock;
use gate::{Authority, Caller, Claims, Gate, Role};
use projections::Runner;
use query_api::QueryApi;
use serde_json::json;
use tokio::sync::watch;
use tower::ServiceExt;
use uuid::Uuid;

use crate::setup::Databases;

const CLIENTS: usize = 64;
const PATIENTS: usize = 1000;
/// Recorded and unrecorded by turns, so that what else the machine does meets both.
const TURNS: u64 = 6;
const TURN: Duration = Duration::from_secs(2);

/// Prints the figures of recorded reads.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
#[expect(clippy::cast_precision_loss, reason = "rates for people")]
pub async fn run() -> anyhow::Result<()> {
    let databases = Databases::make().await?;
    let store = databases.store().await?;
    let access = databases.access(store.vault().clone()).await?;
    let (authority, issuer) = Authority::development(&databases.keys)?;
    let gate = Gate::new(store.clone(), access, databases.read().await?, authority, Duration::from_mins(1));
    let (_going, shutdown) = watch::channel(false);
    let runner = Runner::new(databases.read().await?, store.clone(), projections::all(), projections::log_source(store.clone()), None);
    let projecting = tokio::spawn(async move { runner.run(std::future::pending()).await });

    let tenant = TenantId(event_store::fresh_id());
    let operator = Caller::operator(tenant, "bench", [Role::FrontDesk]);
    let mut patients = Vec::with_capacity(PATIENTS);
    for _ in 0..PATIENTS {
        let patient = PatientId(event_store::fresh_id());
        let body = json!({ "patient": patient, "demographics": { "name": [{ "family": "Medhurst", "given": ["Sumiko"] }], "birthDate": "1927-05-21" } });
        let command: RegisterPatient = serde_json::from_value(body)?;
        let request = gate::Request { command_id: None, correlation: event_store::fresh_id(), causation: None, based_on: None };
        gate.execute(&operator, command, request).await.map_err(|_| anyhow::anyhow!("a patient is not registered"))?;
        patients.push(patient);
    }
    let claims = Claims {
        iss: String::new(),
        aud: "".into(),
        sub: UserId(event_store::fresh_id()),
        tenant,
        roles: BTreeSet::from([Role::Clinician]),
        facility_roles: BTreeMap::new(),
        patient: None,
        practitioner: None,
        iat: 0,
        exp: i64::from(u32::MAX),
    };
    let token = issuer.issue(claims)?;
    let api = |gate: Gate| query_api::router(QueryApi::new(gate, Clock::system(), shutdown.clone()));
    let recorded = api(gate.clone());
    let unrecorded = api(gate.without_access_records());
    // Waits until everyone is there.
    let head = store.head().await?.0;
    read(&recorded, &token, patients[0].0, Some(head)).await?;

    let mut done = [0, 0];
    for turn in 0..TURNS {
        // Which comes first changes, too.
        for kind in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
            done[kind] += reads(if kind == 0 { &recorded } else { &unrecorded }, &token, &patients).await?;
        }
    }
    let seconds = (TURN * u32::try_from(TURNS)?).as_secs_f64();
    let [with, without] = done.map(|count| count as f64 / seconds);
    println!("\nreads of one patient over GraphQL, {CLIENTS} clients");
    println!("{:>40} {without:>10.0} a second", "with recording switched off");
    println!("{:>40} {with:>10.0} a second, {:.2} of those", "each with its access record", with / without);
    projecting.abort();
    databases.drop().await
}

/// Reads by every client for a turn.
async fn reads(api: &Router, token: &str, patients: &[PatientId]) -> anyhow::Result<u64> {
    let (until, done) = (Instant::now() + TURN, AtomicU64::new(0));
    let clients = (0..CLIENTS).map(|client| {
        let done = &done;
        async move {
            let mut next = client;
            while Instant::now() < until {
                read(api, token, patients[next % patients.len()].0, None).await?;
                done.fetch_add(1, Ordering::Relaxed);
                next += 7;
            }
            anyhow::Ok(())
        }
    });
    futures::future::try_join_all(clients).await?;
    Ok(done.into_inner())
}

async fn read(api: &Router, token: &str, patient: Uuid, wait_for: Option<i64>) -> anyhow::Result<()> {
    let query = format!("{{ patient(id: \"{patient}\") {{ displayName birthDate names {{ family }} }} }}");
    let mut body = json!({ "query": query });
    if let Some(position) = wait_for {
        body["extensions"] = json!({ "carelog": { "waitFor": position } });
    }
    let request = Request::post("/graphql").header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    let answer = api.clone().oneshot(request.body(Body::from(body.to_string()))?).await.context("the router answers")?;
    ensure!(answer.status() == StatusCode::OK, "a read is answered with {}", answer.status());
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await?;
    ensure!(body.windows(9).any(|part| part == b"Sumiko Me" || part == b"1927-05-2"), "a read shows its patient");
    Ok(())
}
