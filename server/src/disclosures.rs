//! `carelog disclosures accounting`: what of a patient was disclosed to whom outside, into a file. It is a read like any other, and leaves its access record.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use accounting::{Format, OPERATION, Period, criteria};
use anyhow::Context;
use clap::{Args, Subcommand};
use domain::access::PurposeOfUse;
use domain::{PatientId, TenantId};
use gate::{Caller, Reading, Role};
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;

/// What is done.
#[derive(Args)]
pub struct Disclosures {
    #[command(subcommand)]
    task: DisclosuresTask,
}

#[derive(Subcommand)]
enum DisclosuresTask {
    /// Write the accounting of a patient (45 CFR 164.528) into a file that only the operator can read.
    Accounting(AccountingOf),
}

#[derive(Args)]
struct AccountingOf {
    /// The tenant.
    #[arg(long)]
    tenant: Uuid,
    /// The patient, under any record of theirs.
    #[arg(long)]
    patient: Uuid,
    /// json, csv or pdf.
    #[arg(long)]
    format: Format,
    /// The file, which is made.
    #[arg(long)]
    out: PathBuf,
    /// The first day (UTC), at most six years ago.
    #[arg(long)]
    from: Option<String>,
    /// The last day (UTC).
    #[arg(long)]
    to: Option<String>,
}

/// Writes the file, once that it is seen is recorded.
#[expect(clippy::print_stdout, reason = "the count is the output")]
pub async fn run(config: &Config, disclosures: Disclosures) -> anyhow::Result<()> {
    let DisclosuresTask::Accounting(asked) = disclosures.task;
    let app = App::open(config).await?;
    let now = app.store.clock().now();
    let period = Period::of(asked.from.as_deref(), asked.to.as_deref(), now.date_naive())?;
    let operator = Caller::operator(TenantId(asked.tenant), "disclosures", [Role::ComplianceOfficer]);
    let caller = Caller { purpose: PurposeOfUse::Compliance, ..operator };
    let head = app.store.head().await.context("the log does not answer")?;
    let reading = Reading { wait_for: Some(head), criteria: Some(criteria(asked.patient, period)), ..Reading::of(OPERATION, event_store::fresh_id()) };
    let read = app.gate.read(&caller, reading, |snapshot| async move { accounting::read(&snapshot, PatientId(asked.patient), period, now).await });
    let accounting = read.await.context("the read models do not answer; run the projections (carelog serve, or carelog project)")?.value?;
    let bytes = accounting.write(asked.format)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&asked.out).context("the file cannot be made; is there one already?")?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).context("the file cannot be written")?;
    println!("{} disclosures from {} to {}", accounting.disclosures.len(), period.from, period.to);
    app.answered(false).await;
    Ok(())
}
