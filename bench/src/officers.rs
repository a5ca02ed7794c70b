//! How long officers' questions take over the access log of a tenant, through the gate, each as its answer is: recorded.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::access::{AccessRecorded, CareWindow, Period, Unusual};
use domain::time::Zone;
use domain::{PatientId, Query, Subject, TenantId, UserId};
use event_store::{Actor, Append, Clock, CommandKey, EventStore, Log, Position, fresh_id};
use gate::{AccessRefusal, Authority, Caller, Gate, Reading, Role, Snapshot, VolumesAsked};
use serde_json::json;
use uuid::Uuid;

use crate::setup::Databases;

const RECORDS: usize = 200_000;
const PATIENTS: usize = 5_000;
const USERS: usize = 50;
/// The days over which the records are spread, ending yesterday.
const DAYS: i64 = 40;
/// How many records one append has.
const AT_ONCE: usize = 500;

/// Prints the figures.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub async fn run() -> anyhow::Result<()> {
    let databases = Databases::make().await?;
    let store = databases.store().await?;
    let tenant = TenantId(fresh_id());
    let now = Clock::system().now();
    let generated = Generated::of(now);
    // What comes after the records is recorded now.
    let place = Arc::new(AtomicI64::new(0));
    let clock = generated.clock(Arc::clone(&place));
    let access = EventStore::open(Log::Access, databases.pool_of_access().await?, store.vault().clone(), clock).await?;
    let began = Instant::now();
    generated.write(&access, tenant, &place).await?;
    println!("\nofficers' questions over {RECORDS} access records of a tenant: {USERS} people, {PATIENTS} patients, {DAYS} days");
    println!("{:>44} {:>8.1} s", "the records are written", began.elapsed().as_secs_f64());

    let (authority, _) = Authority::development(&databases.keys)?;
    let gate = Gate::new(store.clone(), access, databases.read().await?, authority, Duration::from_secs(5));
    let officer = Caller::operator(tenant, "bench", [Role::ComplianceOfficer]);
    let whole = Period::new(generated.from, now)?;
    let (first, last) = (generated.from.date_naive() + Days::new(28), now.date_naive());
    let asked = VolumesAsked::of_days(first, last, Zone::UTC, Unusual::default())?;
    let window = CareWindow::days(CareWindow::DAYS_BEFORE, CareWindow::DAYS_AFTER)?;
    let day = (generated.from + TimeDelta::days(DAYS / 2)).date_naive();
    let of_a_day = Period::of_days(day, day, Zone::UTC)?;

    ask(&gate, &officer, "who looked at a patient", |snapshot| async move {
        snapshot.onlookers(generated_patient(1), whole, window, &mut |_| {}).await.map(|found| found.len())
    })
    .await?;
    ask(&gate, &officer, "what a person saw on a day", |snapshot| async move {
        snapshot.seen_by(generated_user(1), of_a_day, &mut |_| {}).await.map(|seen| seen.patients().len())
    })
    .await?;
    ask(
        &gate,
        &officer,
        "who saw unusually many",
        |snapshot| async move { snapshot.volumes(&asked.with_all(true), &mut |_| {}).await.map(|found| found.len()) },
    )
    .await?;
    databases.drop().await
}

/// Asks a question, and says how long it took and how many answers there were.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
async fn ask<F>(gate: &Gate, officer: &Caller, question: &str, operation: impl FnOnce(Arc<Snapshot>) -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<usize, AccessRefusal>>,
{
    let began = Instant::now();
    let answers = gate.read(officer, Reading::of(question, fresh_id()), operation).await?.value?;
    anyhow::ensure!(answers > 0, "the question has an answer");
    println!("{question:>44} {:>8.2} s, {answers} answers, {}", began.elapsed().as_secs_f64(), memory()?);
    Ok(())
}

/// How much memory the process has ever had.
fn memory() -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the peak of memory")?;
    Ok(format!("{} at most in memory", peak.trim()))
}

fn generated_patient(number: usize) -> PatientId {
    PatientId(Uuid::from_u128(number as u128))
}

fn generated_user(number: usize) -> UserId {
    UserId(Uuid::from_u128(1 << 64 | number as u128))
}

/// Records evenly spread over the days: everyone sees one patient after the other.
#[derive(Clone, Copy)]
struct Generated {
    from: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Generated {
    fn of(now: DateTime<Utc>) -> Self {
        let first: NaiveDate = now.date_naive() - TimeDelta::days(DAYS);
        Self { from: first.and_time(chrono::NaiveTime::MIN).and_utc(), now }
    }

    /// Shows the time of the record whose turn it is, and the machine's after the last.
    fn clock(self, place: Arc<AtomicI64>) -> Clock {
        let system = Clock::system();
        let step = (self.now - self.from) / i32::try_from(RECORDS).unwrap_or(i32::MAX);
        Clock::from_fn(move || {
            let place = i32::try_from(place.load(Ordering::Relaxed)).unwrap_or(i32::MAX);
            if usize::try_from(place).is_ok_and(|place| place < RECORDS) { self.from + step * place } else { system.now() }
        })
    }

    async fn write(self, access: &EventStore, tenant: TenantId, place: &AtomicI64) -> anyhow::Result<()> {
        for start in (0..RECORDS).step_by(AT_ONCE) {
            place.store(i64::try_from(start)?, Ordering::Relaxed);
            // One user's key seals a record, so an append may hold those of many.
            let events = (start..start + AT_ONCE).map(record).collect::<anyhow::Result<Vec<_>>>()?;
            let command = fresh_id();
            let digest = access.vault().digest(tenant, Subject::User(generated_user(0)), command.as_bytes()).await?;
            let append = Append {
                tenant,
                authority: domain::access::Authority::Installation,
                actor: Actor { user: generated_user(start / AT_ONCE % USERS), role: "clinician".to_owned() },
                command: CommandKey { id: command, name: "access.record".to_owned(), digest },
                correlation: command,
                causation: None,
                events,
                boundary: Query::new(),
                read_at: Position::default(),
                answer: serde_json::Value::Null,
            };
            access.append(append).await.map_err(|error| anyhow::anyhow!("the records are not written: {error}"))?;
        }
        place.store(i64::try_from(RECORDS)?, Ordering::Relaxed);
        Ok(())
    }
}

fn record(number: usize) -> anyhow::Result<domain::Event> {
    let plain = json!({
        "user": generated_user(number % USERS), "request": fresh_id(), "operation": "query patient", "purpose": "TREAT", "outcome": "shown", "kinds": ["demographics", "chart"],
        "refused": [], "fields": ["ChartEntry.title", "Patient.birthDate", "Patient.names"], "patients": [generated_patient(number * 7 % PATIENTS)], "count": 1,
        "criteria": "[{\"patient\":{\"id\":\"0190\"}}]", "origin": { "address": "192.0.2.7", "agent": "Mozilla/5.0" }, "policy": "0123456789abcdef", "reflects": 41,
    });
    Ok(serde_json::from_value::<AccessRecorded>(plain)?.into())
}
