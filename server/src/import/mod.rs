//! `carelog import`: data of other systems, as commands like anyone else's. It reads its input twice: a survey of what there is and how it refers to each other, then
//! one type after the other. Ids and idempotency keys follow from what the source calls things, so a run that was cut off is simply run again.

mod carry_out;
mod identify;
mod report;
mod source;
mod survey;
mod table;
mod under_way;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use domain::time::Zone;
use domain::{PatientId, TenantId};
use fhir::{Index, Namespace, Patients, SourceName};
use gate::{Access, Caller, Role};
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;
use crate::shutdown;
use carry_out::Importer;
use report::Report;
use source::Source;
use survey::Survey;

/// Where the data comes from.
#[derive(Args)]
pub struct Import {
    #[command(subcommand)]
    source: ImportSource,
}

#[derive(Subcommand)]
enum ImportSource {
    /// FHIR R4: a folder of bulk NDJSON files, one such file, or a JSON file with a resource or a bundle.
    Fhir(FhirImport),
}

#[derive(Args)]
struct FhirImport {
    /// The folder or the file.
    path: PathBuf,
    /// The tenant that everything goes into.
    #[arg(long)]
    tenant: Uuid,
    /// The system that the data comes from, such as north-hospital; the same name in every run. Ids are names within one source: Patient/1 of another one is
    /// another patient. What was imported before sources had names is of the source `import`.
    #[arg(long, value_name = "NAME")]
    source: SourceName,
    /// The base of the source's FHIR server, such as <https://example.org/fhir>: absolute references to it lead to what is imported. Without it, only those do that
    /// are a full URL of the input, or on the one server that all of its full URLs name.
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// The IANA zone in which the clocks of the imported facilities are read, such as America/Chicago.
    #[arg(long, value_parser = |name: &str| Zone::try_from(name.to_owned()))]
    time_zone: Zone,
    /// Who is meant by a reference that leads to no patient of the input: REFERENCE=UUID, the reference as it stands there (Patient/example) and Carelog's id of
    /// a patient; may be given more than once.
    #[arg(long = "patient", value_name = "REFERENCE=UUID", value_parser = given_patient)]
    patients: Vec<(String, PatientId)>,
    /// Registers an unidentified patient for every other reference that leads to no patient of the input; the same one for the same reference, in every run.
    #[arg(long)]
    register_missing_patients: bool,
    /// Where to write the whole report as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

fn given_patient(given: &str) -> Result<(String, PatientId), &'static str> {
    let parsed = given.rsplit_once('=').and_then(|(reference, id)| Some((reference.to_owned(), PatientId(id.parse().ok()?))));
    parsed.ok_or("must be a reference, =, and the UUID of a patient")
}

/// What a run that was stopped by a signal exits with, as shells expect.
const INTERRUPTED: u8 = 130;

/// Imports; what is refused or not understood is in the report and does not fail the run.
pub async fn run(config: &Config, import: Import) -> anyhow::Result<ExitCode> {
    let ImportSource::Fhir(import) = import.source;
    let (sources, other_files) = Source::at(&import.path, config.document_bytes())?;
    let app = App::open(config).await?;
    let tenant = TenantId(import.tenant);
    let namespace = Namespace::new(app.store.vault().namespace(tenant, &import.source.purpose()).await.context("the vault does not answer")?);
    let importer = Importer {
        gate: app.gate.clone(),
        documents: app.documents(config),
        caller: Caller::operator(tenant, "import", [Role::Administrator, Role::Clinician]),
        correlation: event_store::fresh_id(),
        zone: import.time_zone,
        patients: Arc::new(Patients { given: import.patients.into_iter().collect(), register_missing: import.register_missing_patients }),
        based_on: None,
        shutdown: shutdown::on_signal(),
    };
    // What comes in is in the log itself; that it came in at once is said here.
    let began = Access { count: sources.len() as u64, ..Access::of("import fhir", importer.correlation) };
    importer.gate.note(&importer.caller, began).await.context("the import cannot be recorded")?;
    let index = Index::new(namespace).from_server(import.base.as_deref());
    let report = Report { tenant: Some(tenant), source: import.source.as_str().to_owned(), other_files, ..Report::default() };
    let (report, ended) = import_all(&importer, sources, index, report).await;
    publish(&report, import.report.as_deref())?;
    app.answered(false).await;
    ended?;
    report.check()?;
    Ok(if report.interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

/// Both passes. Whatever ends one of them, there is a report of what was done.
async fn import_all(importer: &Importer, sources: Vec<Source>, index: Index, report: Report) -> (Report, anyhow::Result<()>) {
    tracing::info!(files = sources.len(), "looking through the input");
    let cut_off = Report { tenant: report.tenant, source: report.source.clone(), interrupted: true, ..Report::default() };
    let surveying = tokio::task::spawn_blocking({
        let shutdown = importer.shutdown.clone();
        let mut report = report;
        move || {
            let survey = Survey::of(&sources, index, &mut report, &shutdown);
            (sources, survey, report)
        }
    });
    let (sources, survey, mut report) = match surveying.await.context("looking through the input failed") {
        Ok(surveyed) => surveyed,
        Err(error) => return (cut_off, Err(error)),
    };
    let ended = match survey {
        Ok(survey) if !report.interrupted => importer.run(&sources, survey, &mut report).await,
        Ok(_) => Ok(()),
        Err(error) => {
            report.interrupted = true;
            Err(error)
        }
    };
    (report, ended)
}

#[expect(clippy::print_stdout, reason = "the report is the output")]
fn publish(report: &Report, file: Option<&Path>) -> anyhow::Result<()> {
    println!("{}", table::table(report));
    let Some(file) = file else { return Ok(()) };
    let json = serde_json::to_vec_pretty(&report.to_json()).context("the report cannot be written as JSON")?;
    std::fs::write(file, json).context("the report's file cannot be written")
}
