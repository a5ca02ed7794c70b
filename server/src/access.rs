//! `carelog access`: who saw what of whom, for a compliance officer at the console. It is a read like any other, and leaves its own access record.

use std::io::Write as _;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use domain::access::{AccessOutcome, DataKind, PurposeOfUse};
use domain::{PatientId, Phi, TenantId, UserId};
use gate::{AccessRecord, AccessSearch, Caller, Reading, Role, Snapshot};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;

/// What is asked of the access log; everything given must hold.
#[derive(Args)]
pub struct AccessQuestion {
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
    /// What came of it: shown, nothing-found or refused.
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
    /// As sentences, or as JSON, one object a line.
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
}

fn named<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, &'static str> {
    serde_json::from_value(name.into()).map_err(|_| "is none of those known")
}

/// How many records are read at once.
const AT_ONCE: usize = 500;

/// Prints the records, the newest first.
pub async fn run(config: &Config, question: AccessQuestion) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let operator = Caller::operator(TenantId(question.tenant), "access", [Role::ComplianceOfficer]);
    let caller = Caller { purpose: PurposeOfUse::Compliance, ..operator };
    let search = AccessSearch {
        patient: question.patient.map(PatientId),
        user: question.user.map(UserId),
        request: question.request,
        kind: question.kind,
        purpose: question.purpose,
        outcome: question.outcome,
        address: question.address.map(Phi::Known),
        from: question.from,
        to: question.to,
    };
    let criteria = std::env::args().skip(1).collect::<Vec<_>>();
    let criteria = Some(Phi::Known(json!(criteria).to_string()));
    let reading = Reading { criteria, ..Reading::of("access", event_store::fresh_id()) };
    let most = question.most;
    let found = app.gate.read(&caller, reading, |snapshot| async move { all(&snapshot, &search, most).await }).await;
    let records = found.context("the access log cannot be read")?.value?;
    let mut out = std::io::stdout().lock();
    for record in records {
        match question.format {
            Format::Text => writeln!(out, "{}", in_text(&record))?,
            Format::Json => writeln!(out, "{}", in_json(record))?,
        }
    }
    Ok(())
}

async fn all(snapshot: &Snapshot, search: &AccessSearch, most: usize) -> anyhow::Result<Vec<AccessRecord>> {
    let (mut records, mut place) = (Vec::new(), None);
    while records.len() < most {
        let page = snapshot.access_records(search, place, AT_ONCE.min(most - records.len())).await.context("the access log cannot be searched")?;
        records.extend(page.records);
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    Ok(records)
}

fn in_text(record: &AccessRecord) -> String {
    let AccessRecord { position, recorded, actor, access } = record;
    let patients: Vec<String> = access.patients.iter().map(|patient| format!("patient/{patient}")).collect();
    format!(
        "{position} {} {} user/{} {} [{}] {}",
        recorded.format("%Y-%m-%dT%H:%M:%SZ"),
        access.in_words(&actor.role),
        access.user,
        access.operation,
        access.request,
        patients.join(" ")
    )
}

fn in_json(record: AccessRecord) -> serde_json::Value {
    let AccessRecord { position, recorded, actor, access } = record;
    let summary = access.in_words(&actor.role);
    let origin = access.origin.into_known().unwrap_or_default();
    json!({
        "position": position, "recorded": recorded, "summary": summary, "user": access.user, "role": actor.role, "request": access.request,
        "operation": access.operation, "purpose": access.purpose, "outcome": access.outcome, "kinds": access.kinds, "refused": access.refused,
        "fields": access.fields, "patients": access.patients, "count": access.count, "criteria": access.criteria.and_then(Phi::into_known),
        "address": origin.address, "agent": origin.agent, "policy": access.policy, "reflects": access.reflects,
    })
}
