//! `carelog`: every part of Carelog in one binary, each also on its own.

mod access;
mod app;
mod check;
mod collect;
mod config;
mod demo;
mod disclosures;
mod doctor;
mod escalations;
mod export;
mod generate;
mod health;
mod http;
mod import;
mod key_ring;
mod keys;
mod migrate;
mod openapi;
mod progress;
mod serve;
mod shutdown;
mod signing;
mod telemetry;
mod tlog;
mod token;
mod verify;
mod welcome;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use config::Config;

const _: () = assert!(vault::SEALS, "carelog is not built with a vault that does not seal");

/// An event-sourced healthcare backend: commands in, immutable events in Postgres and Kafka, read models, GraphQL and FHIR out.
#[derive(Parser)]
#[command(name = "carelog", version)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything in one process: commands, queries, projections, the relay to Kafka and the signer of the logs.
    Serve,
    /// The command API alone.
    Command,
    /// The reading APIs alone: GraphQL and FHIR.
    Query,
    /// The projections alone.
    Project,
    /// The relay to Kafka alone.
    Relay,
    /// The signer of the logs alone.
    Sign,
    /// Make the databases and bring their schemas up to date.
    Migrate,
    /// Say whether the settings and the servers keep what Carelog promises.
    Doctor,
    /// Say whether the logs are still what was signed, and where they are not.
    Verify(verify::Verify),
    /// Write the proof that an event is in the log, which anyone can check.
    Proof(verify::ProofOf),
    /// Begin a new epoch of the logs, after they were restored from a backup.
    BeginEpoch(verify::BeginEpoch),
    /// Compare every read model with a fresh fold of the log.
    Check,
    /// Build a read model anew beside the active one, then switch.
    Rebuild {
        /// The projection, such as `scheduling`.
        projection: String,
    },
    /// Delete what is left of uploads that came to nothing; `serve` does it by itself.
    CollectDocuments,
    /// Bring data in from another system.
    Import(import::Import),
    /// Write what is known as data for another system.
    Export(export::Export),
    /// Say who saw what of whom, and why.
    Access(Box<access::Access>),
    /// Say what was decided about a request, and by what.
    Why(why::Why),
    /// Account for what was disclosed to those outside.
    Disclosures(disclosures::Disclosures),
    /// Look after the keys that everything is sealed under.
    Keys(keys::Keys),
    /// Load a small generated clinic, the first time.
    Demo,
    /// Print a development token.
    Token(token::TokenFor),
    /// Say where everything is, with a token for each role.
    Welcome,
    /// Write the generated files of the repository, or check that they are up to date.
    Generate(generate::Generate),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start(cli.config.log_json, matches!(cli.task, Task::Import(_) | Task::Export(_) | Task::Demo));
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = cli.config;
    match cli.task {
        Task::Serve => serve::run(&config, serve::Parts::all(&config)).await?,
        Task::Command => serve::run(&config, serve::Parts { commands: true, ..serve::Parts::default() }).await?,
        Task::Query => serve::run(&config, serve::Parts { queries: true, ..serve::Parts::default() }).await?,
        Task::Project => serve::run(&config, serve::Parts { projections: true, ..serve::Parts::default() }).await?,
        Task::Relay => serve::run(&config, serve::Parts { relay: true, ..serve::Parts::default() }).await?,
        Task::Sign => serve::run(&config, serve::Parts { sign: true, ..serve::Parts::default() }).await?,
        Task::Verify(verify) => return verify::run(&config, verify).await,
        Task::Proof(proof) => verify::prove(&config, &proof).await?,
        Task::BeginEpoch(begin) => verify::begin_epoch(&config, &begin).await?,
        Task::Migrate => migrate::run(&config).await?,
        Task::Doctor => return doctor::run(&config).await,
        Task::Check => return check::run(&config).await,
        Task::Rebuild { projection } => check::rebuild(&config, &projection).await?,
        Task::CollectDocuments => collect::run(&config).await?,
        Task::Import(import) => return import::run(&config, import).await,
        Task::Export(export) => return export::run(&config, export).await,
        Task::Access(access) => access::run(&config, *access).await?,
        Task::Why(why) => why::run(&config, why).await?,
        Task::Disclosures(disclosures) => disclosures::run(&config, disclosures).await?,
        Task::Keys(keys) => keys::run(&config, keys).await?,
        Task::Demo => demo::run(&config).await?,
        Task::Token(token) => token::run(&config, &token).await?,
        Task::Welcome => welcome::run(&config).await?,
        Task::Generate(generate) => return generate::run(&generate),
    }
    Ok(ExitCode::SUCCESS)
}
