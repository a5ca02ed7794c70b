//! `carelog access onlookers|day|volumes`: what an officer asks of the whole of a period.

use std::io::Write as _;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand, ValueEnum};
use domain::access::{CareWindow, Onlooker, Period, PurposeOfUse, Seen, SeenPatient, Unusual, Volume};
use domain::time::Zone;
use domain::{InvalidValue, PatientId, UserId};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::officer;
use crate::app::App;
use crate::config::Config;
use crate::progress::Progress;

/// A question about a period.
#[derive(Subcommand)]
pub enum Question {
    /// Who saw something of a patient, and what they were to them.
    Onlookers(OnlookersOf),
    /// What a person saw on a day, patient by patient.
    Day(SeenOn),
    /// Who saw something of unusually many patients in a day.
    Volumes(VolumesOf),
}

#[derive(Args)]
pub struct OnlookersOf {
    /// The tenant.
    #[arg(long)]
    tenant: Uuid,
    /// The patient, by any of their records.
    #[arg(long)]
    patient: Uuid,
    /// Recorded at or after this moment (RFC 3339).
    #[arg(long)]
    from: DateTime<Utc>,
    /// Recorded before this moment, at most 366 days later.
    #[arg(long)]
    to: DateTime<Utc>,
    /// How many days before an access an appointment, or an entry in the chart, explains it.
    #[arg(long, default_value_t = CareWindow::DAYS_BEFORE)]
    days_before: u16,
    /// How many days after it.
    #[arg(long, default_value_t = CareWindow::DAYS_AFTER)]
    days_after: u16,
    /// Only those whom nothing related to the patient at least once.
    #[arg(long)]
    unrelated: bool,
    /// As sentences, or as JSON, one object a line.
    #[arg(long, default_value = "text")]
    format: Lines,
}

#[derive(Args)]
pub struct SeenOn {
    /// The tenant.
    #[arg(long)]
    tenant: Uuid,
    /// The person.
    #[arg(long)]
    user: Uuid,
    /// The day, `2027-03-01`.
    #[arg(long)]
    day: NaiveDate,
    /// On the calendar of which place (an IANA time zone).
    #[arg(long, default_value = "UTC")]
    time_zone: Zone,
    /// As sentences, or as JSON, one object a line.
    #[arg(long, default_value = "text")]
    format: Lines,
}

#[derive(Args)]
pub struct VolumesOf {
    /// The tenant.
    #[arg(long)]
    tenant: Uuid,
    /// The first day, `2027-03-01`.
    #[arg(long)]
    first: NaiveDate,
    /// The last day, less than 366 days later.
    #[arg(long)]
    last: NaiveDate,
    /// On the calendar of which place (an IANA time zone).
    #[arg(long, default_value = "UTC")]
    time_zone: Zone,
    /// So many patients in a day are nothing unusual for anyone.
    #[arg(long, default_value_t = Unusual::THRESHOLD)]
    threshold: u32,
    /// So many times the usual number is usual yet.
    #[arg(long, default_value_t = Unusual::FACTOR)]
    factor: f64,
    /// The numbers that are not unusual too.
    #[arg(long)]
    all: bool,
    /// As sentences, or as JSON, one object a line.
    #[arg(long, default_value = "text")]
    format: Lines,
}

/// How an answer is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lines {
    /// A line for a person.
    Text,
    /// A line of JSON.
    Json,
}

/// A rule that an argument breaks.
fn argument<T>(name: &str, value: Result<T, InvalidValue>) -> anyhow::Result<T> {
    value.map_err(|rule| anyhow::anyhow!("{name} {rule}"))
}

/// Answers a question.
pub async fn run(config: &Config, question: Question) -> anyhow::Result<()> {
    match question {
        Question::Onlookers(asked) => onlookers(config, asked).await,
        Question::Day(asked) => day(config, asked).await,
        Question::Volumes(asked) => volumes(config, asked).await,
    }
}

/// Says how many records were looked at so far.
fn looking() -> (Progress, &'static str) {
    let mut progress = Progress::without_end();
    progress.stage("access records");
    (progress, "the access log cannot be read")
}

async fn onlookers(config: &Config, asked: OnlookersOf) -> anyhow::Result<()> {
    let period = argument("--to", Period::new(asked.from, asked.to))?;
    let window = argument("--days-before and --days-after", CareWindow::days(asked.days_before, asked.days_after))?;
    let app = App::open(config).await?;
    let (caller, reading) = officer(asked.tenant, "access onlookers");
    let (mut progress, failed) = looking();
    let patient = PatientId(asked.patient);
    let found = app
        .gate
        .read(&caller, reading, |snapshot| async move {
            let found = snapshot.onlookers(patient, period, window, &mut |more| progress.steps(more)).await;
            progress.end();
            found
        })
        .await;
    let found = found.context(failed)?.value.context(failed)?;
    print(asked.format, found.iter().filter(|onlooker| !asked.unrelated || onlooker.unrelated > 0), in_words_of_onlooker)?;
    app.answered(false).await;
    Ok(())
}

fn in_words_of_onlooker(onlooker: &Onlooker) -> String {
    let Onlooker { user, accesses, unrelated, first, last, .. } = onlooker;
    let listed = |names: Vec<String>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    format!(
        "user/{user} ({}) {accesses} accesses, {unrelated} of them without a relation, the others by {}; {}; {}; {} to {}",
        listed(onlooker.roles.iter().cloned().collect()),
        listed(onlooker.relations.iter().map(named).collect()),
        listed(onlooker.kinds.iter().map(named).collect()),
        listed(onlooker.purposes.iter().copied().map(PurposeOfUse::code).map(str::to_owned).collect()),
        first.format("%Y-%m-%dT%H:%M:%SZ"),
        last.format("%Y-%m-%dT%H:%M:%SZ"),
    )
}

async fn day(config: &Config, asked: SeenOn) -> anyhow::Result<()> {
    let period = argument("--day", Period::of_days(asked.day, asked.day, asked.time_zone))?;
    let app = App::open(config).await?;
    let (caller, reading) = officer(asked.tenant, "access day");
    let (mut progress, failed) = looking();
    let user = UserId(asked.user);
    let found = app
        .gate
        .read(&caller, reading, |snapshot| async move {
            let found = snapshot.seen_by(user, period, &mut |more| progress.steps(more)).await;
            progress.end();
            found
        })
        .await;
    let seen: Seen = found.context(failed)?.value.context(failed)?;
    let patients = seen.patients();
    if asked.format == Lines::Text {
        let Seen { accesses, nothing_found, refused, .. } = seen;
        let total = format!("{} patients in {accesses} operations; {nothing_found} found nothing, {refused} were refused", patients.len());
        writeln!(std::io::stdout().lock(), "{total}")?;
    }
    print(asked.format, patients.into_iter(), in_words_of_patient)?;
    app.answered(false).await;
    Ok(())
}

fn in_words_of_patient(seen: &SeenPatient) -> String {
    let operations: Vec<String> = seen.operations.iter().map(|(operation, times)| format!("{operation} ({times})")).collect();
    let kinds: Vec<String> = seen.kinds.iter().map(named).collect();
    format!(
        "patient/{} {} accesses, {} to {}: {}; {}",
        seen.patient,
        seen.accesses,
        seen.first.format("%Y-%m-%dT%H:%M:%SZ"),
        seen.last.format("%Y-%m-%dT%H:%M:%SZ"),
        kinds.join(", "),
        operations.join(", ")
    )
}

async fn volumes(config: &Config, asked: VolumesOf) -> anyhow::Result<()> {
    let unusual = argument("--factor", Unusual::above(asked.threshold, asked.factor))?;
    let wanted = argument("--last", gate::VolumesAsked::of_days(asked.first, asked.last, asked.time_zone, unusual))?.with_all(asked.all);
    let app = App::open(config).await?;
    let (caller, reading) = officer(asked.tenant, "access volumes");
    let (mut progress, failed) = looking();
    let found = app
        .gate
        .read(&caller, reading, |snapshot| async move {
            let found = snapshot.volumes(&wanted, &mut |more| progress.steps(more)).await;
            progress.end();
            found
        })
        .await;
    let found = found.context(failed)?.value.context(failed)?;
    print(asked.format, found.iter(), in_words_of_volume)?;
    app.answered(false).await;
    Ok(())
}

fn in_words_of_volume(volume: &Volume) -> String {
    let verdict = if volume.above.is_empty() { "usual" } else { "unusual" };
    format!("{} user/{} ({}) {verdict}: {}", volume.day, volume.user, volume.role, volume.explanation)
}

/// The name of something that has one in JSON.
fn named(value: &impl Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

fn print<'answer, T: Serialize + 'answer>(format: Lines, answers: impl Iterator<Item = &'answer T>, in_words: impl Fn(&T) -> String) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for answer in answers {
        match format {
            Lines::Text => writeln!(out, "{}", in_words(answer))?,
            Lines::Json => writeln!(out, "{}", json!(answer))?,
        }
    }
    Ok(())
}
