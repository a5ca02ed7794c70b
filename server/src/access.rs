//! `carelog access`: who saw what of whom, for a compliance officer at the console. It is a read like any other, and leaves its own access record.

mod questions;

use std::io::Write as _;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use domain::access::{AccessAnswered, AccessOutcome, DataKind, PurposeOfUse};
use domain::{PatientId, Phi, TenantId, UserId};
use gate::{AccessRecord, AccessSearch, Caller, Reading, Role};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;

/// A question, or what is searched for.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Access {
    #[command(subcommand)]
    question: Option<questions::Question>,
    #[command(flatten)]
    search: Option<Search>,
}

/// What is asked of the access log; everything given must hold.
#[derive(Args)]
struct Search {
    /// The tenant.
    #[arg(long)]
    tenant: Uuid,
    /// Of whom something was shown, under any of their records.
    #[arg(long)]
    patient: Option<Uuid>,
    /// Who looked.
    #[arg(long)]
    user: Option<Uuid>,
    /// In which request.
    #[arg(long)]
    request: Option<Uuid>,
    /// What was sought: demographics, appointments, chart, documents, history or access-records.
    #[arg(long, value_parser = named::<DataKind>)]
    kind: Option<DataKind>,
    /// Why: an HL7 code such as TREAT.
    #[arg(long, value_parser = named::<PurposeOfUse>)]
    purpose: Option<PurposeOfUse>,
    /// What came of it: shown, nothing-found, refused or carried-out.
    #[arg(long, value_parser = named::<AccessOutcome>)]
    outcome: Option<AccessOutcome>,
    /// From which network address.
    #[arg(long)]
    address: Option<String>,
    /// Recorded at or after this moment (RFC 3339).
    #[arg(long)]
    from: Option<DateTime<Utc>>,
    /// Recorded before this moment.
    #[arg(long)]
    to: Option<DateTime<Utc>>,
    /// The most records.
    #[arg(long, default_value_t = 1000)]
    most: usize,
    /// As sentences, as JSON, one object a line, or as FHIR R4, one `AuditEvent` a line.
    #[arg(long, default_value = "text")]
    format: Format,
}

/// How the records are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for a person.
    Text,
    /// A line of JSON.
    Json,
    /// A line of FHIR: an `AuditEvent`.
    Fhir,
}

fn named<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, &'static str> {
    serde_json::from_value(name.into()).map_err(|_| "is none of those known")
}

/// Answers.
pub async fn run(config: &Config, access: Access) -> anyhow::Result<()> {
    match (access.question, access.search) {
        (Some(question), _) => questions::run(config, question).await,
        (None, Some(search)) => print(config, search).await,
        (None, None) => anyhow::bail!("say what is asked: `carelog access --help` lists it"),
    }
}

/// A compliance officer at the console, and what they ask for, as it was typed.
fn officer(tenant: Uuid, operation: &str) -> (Caller, Reading) {
    let operator = Caller::operator(TenantId(tenant), "access", [Role::ComplianceOfficer]);
    let caller = Caller { purpose: PurposeOfUse::Compliance, ..operator };
    let typed = std::env::args().skip(1).collect::<Vec<_>>();
    let criteria = Some(Phi::Known(json!(typed).to_string()));
    (caller, Reading { criteria, ..Reading::of(operation, event_store::fresh_id()) })
}

/// Prints the records, the newest first.
async fn print(config: &Config, asked: Search) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let (caller, reading) = officer(asked.tenant, "access");
    let search = AccessSearch {
        patient: asked.patient.map(PatientId),
        user: asked.user.map(UserId),
        request: asked.request,
        kind: asked.kind,
        purpose: asked.purpose,
        outcome: asked.outcome,
        address: asked.address.map(Phi::Known),
        from: asked.from,
        to: asked.to,
    };
    let most = asked.most;
    let found = app.gate.read(&caller, reading, |snapshot| async move { snapshot.all_access_records(&search, most).await }).await;
    let records = found.context("the access log cannot be read")?.value.context("the access log cannot be searched")?.records;
    let mut out = std::io::stdout().lock();
    for record in records {
        match asked.format {
            Format::Text => writeln!(out, "{}", in_text(&record))?,
            Format::Json => writeln!(out, "{}", in_json(record))?,
            Format::Fhir => writeln!(out, "{}", fhir_api::audit_event(&record))?,
        }
    }
    drop(out);
    app.answered(false).await;
    Ok(())
}

fn in_text(record: &AccessRecord) -> String {
    let AccessRecord { position, recorded, actor, access, answered, .. } = record;
    let patients: Vec<String> = access.patients.iter().map(|patient| format!("patient/{patient}")).collect();
    let answered = match answered {
        Some(AccessAnswered::No) => " (never answered)",
        Some(AccessAnswered::Unknown) => " (not known to be answered)",
        Some(AccessAnswered::Yes) | None => "",
    };
    format!(
        "{position} {} {} user/{} {} [{}] {}{answered}",
        recorded.format("%Y-%m-%dT%H:%M:%SZ"),
        access.in_words(&actor.role),
        access.user,
        access.operation,
        access.request,
        patients.join(" ")
    )
}

fn in_json(record: AccessRecord) -> serde_json::Value {
    let AccessRecord { id, position, recorded, actor, access, answered, .. } = record;
    let summary = access.in_words(&actor.role);
    let origin = access.origin.into_known().unwrap_or_default();
    json!({
        "id": id, "position": position, "recorded": recorded, "summary": summary, "user": access.user, "role": actor.role, "request": access.request,
        "operation": access.operation, "purpose": access.purpose, "outcome": access.outcome, "kinds": access.kinds, "refused": access.refused,
        "fields": access.fields, "patients": access.patients, "count": access.count, "criteria": access.criteria.and_then(Phi::into_known),
        "address": origin.address, "addresses": origin.addresses, "agent": origin.agent, "policy": access.policy, "reflects": access.reflects,
        "answered": answered,
    })
}
