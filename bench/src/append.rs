//! Durable appends of single sealed events under a tag condition, by 1 to 256 clients at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::access::{Authority, Permit, Permitted, PurposeOfUse};
use domain::fhir_values::{AdministrativeGender, HumanName, NameUse};
use domain::patients::{Contact, Correction, Demographics, DemographicsCorrected, PatientRegistered};
use domain::{Event, Named, PatientId, Query, Subject, Tag, TenantId, UserId};
use event_store::{Actor, Append, CommandKey, EventStore, Position};

use crate::bulk;
use crate::setup::Databases;

const EACH: Duration = Duration::from_secs(5);

/// Prints appends a second, and each as a ratio of bulk insertion of the same rows in the same run.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub async fn run() -> anyhow::Result<()> {
    println!("durable appends of one sealed event with a condition on one tag, against bulk insertion of the same rows");
    println!("{:>10} {:>12} {:>14} {:>8}", "clients", "appends/s", "bulk rows/s", "ratio");
    for clients in [1, 16, 64, 256] {
        let databases = Databases::make().await?;
        let rate = appends_a_second(&databases, clients).await?;
        let bulk = bulk::insert_again(&databases.log().await?).await?;
        println!("{clients:>10} {rate:>12.0} {bulk:>14.0} {:>8.2}", rate / bulk);
        databases.drop().await?;
    }
    Ok(())
}

/// Appends a second by this many clients of one sequencer.
pub async fn appends_a_second(databases: &Databases, clients: usize) -> anyhow::Result<f64> {
    let store = databases.store().await?;
    let tenant = TenantId(event_store::fresh_id());
    // The keys of the patients are made before: a person's first event makes one, every later event uses it.
    let patients = Arc::new(prepare(&store, tenant).await?);
    let start = Instant::now();
    let done = appends(&store, tenant, clients, patients).await?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

const PATIENTS: usize = 512;

async fn prepare(store: &EventStore, tenant: TenantId) -> anyhow::Result<Vec<PatientId>> {
    let patients: Vec<PatientId> = (0..PATIENTS).map(|_| PatientId(event_store::fresh_id())).collect();
    for patient in &patients {
        store.append(append(store, tenant, *patient, registered(*patient)?).await?).await?;
    }
    Ok(patients)
}

async fn appends(store: &EventStore, tenant: TenantId, clients: usize, patients: Arc<Vec<PatientId>>) -> anyhow::Result<usize> {
    let (until, done) = (Instant::now() + EACH, Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let (store, patients, done) = (store.clone(), Arc::clone(&patients), Arc::clone(&done));
            tokio::spawn(async move {
                let mut turn = client;
                while Instant::now() < until {
                    let patient = patients[turn % patients.len()];
                    store.append(append(&store, tenant, patient, corrected(patient)?).await?).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    turn += clients;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(done.load(Ordering::Relaxed))
}

fn registered(patient: PatientId) -> anyhow::Result<Event> {
    let (demographics, contact) = (Demographics { name: vec![name()?], ..Demographics::default() }.into(), Contact::default().into());
    Ok(PatientRegistered { patient, identifiers: vec![].into(), demographics, contact, known_identifier_accepted: None }.into())
}

fn corrected(patient: PatientId) -> anyhow::Result<Event> {
    let correction = Correction { name: Some(vec![name()?]), gender: Some(AdministrativeGender::Female), ..Correction::default() };
    Ok(DemographicsCorrected { patient, correction: correction.into(), reason: None }.into())
}

fn name() -> anyhow::Result<HumanName> {
    Ok(HumanName {
        r#use: NameUse::Official,
        family: Some("Medhurst".try_into()?),
        given: vec!["Sumiko".try_into()?, "Larue".try_into()?],
        prefix: vec!["Mrs.".try_into()?],
        suffix: vec![],
    })
}

/// One event of some 400 bytes, conditional on nothing about that patient's day.
async fn append(store: &EventStore, tenant: TenantId, patient: PatientId, event: Event) -> anyhow::Result<Append> {
    let command = event_store::fresh_id();
    let day = NaiveDate::default();
    let digest = store.vault().digest(tenant, Subject::Patient(patient), command.as_bytes()).await?;
    let permit = Permit { action: "manage-patients".into(), policies: vec!["clinicians".into()], facts: vec![] };
    let permitted = Permitted { policy: "0123456789abcdef".into(), purpose: PurposeOfUse::Treatment, permits: vec![permit] };
    Ok(Append {
        tenant,
        actor: Actor { user: UserId(patient.0), role: "clinician".into() },
        authority: Authority::Policies(permitted),
        command: CommandKey { id: command, name: "bench.append".into(), digest },
        correlation: command,
        causation: None,
        events: vec![event],
        boundary: Query::new().and(&[PatientRegistered::TYPE], Tag::patient(PatientId(command)).on(day)),
        read_at: Position::default(),
        answer: serde_json::json!({ "subject": format!("patient/{patient}"), "events": ["patients.DemographicsCorrected"] }),
    })
}
