//! `carelog verify`, `carelog proof`, `carelog begin-epoch`: whether history is what was signed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use event_store::{EventStore, Log};
use kafka::KafkaConfig;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use transparency::verify::{CopyOfLog, LogCheck, Report, held};
use transparency::{Head, Signing, TrustPolicy, believed, head_of, prove as prove_entry};
use uuid::Uuid;

use crate::app::{App, pool};
use crate::config::Config;
use crate::progress::Progress;
use crate::signing::{self, LOGS};

/// What is verified, and against what.
#[derive(Args)]
pub struct Verify {
    /// Which log.
    #[arg(long, default_value = "all")]
    log: Which,
    /// What is compared with the tree: the log itself, or its copy on Kafka.
    #[arg(long, default_value = "log")]
    copy: Copy,
    /// A checkpoint that was kept elsewhere, to see that this history is still the one that it is of; may be given often.
    #[arg(long = "kept", value_name = "FILE")]
    kept: Vec<PathBuf>,
    /// Which logs and witnesses are believed: a file as C2SP `tlog-policy` has it. Without one, the log's own key is, and the witnesses of the settings.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Where to note how far it is, to go on from there after an interruption.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
}

/// Which logs.
#[derive(Clone, std::marker::Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// What happened.
    Clinical,
    /// Who looked.
    Access,
    /// Both.
    All,
}

/// Where what is compared comes from.
#[derive(Clone, std::marker::Copy, PartialEq, Eq, ValueEnum)]
enum Copy {
    /// The log itself.
    Log,
    /// `carelog.log.v1`.
    Kafka,
}

/// Which event is proven.
#[derive(Args)]
pub struct ProofOf {
    /// The event's id, as commands return it and history names it.
    event: Uuid,
    /// The tenant.
    #[arg(long)]
    tenant: Uuid,
    /// In which log it is.
    #[arg(long, default_value = "clinical")]
    log: Which,
    /// Where the proof is written: FILE.tlog-proof by custom; the standard output unless given.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Which logs begin a new epoch.
#[derive(Args)]
pub struct BeginEpoch {
    /// Which log.
    #[arg(long)]
    log: Which,
}

/// How far a verification came.
#[derive(Serialize, Deserialize, Default)]
struct Noted {
    /// Of which tree: the origin of the log and the root.
    of: String,
    /// Up to here it was compared, and nothing was wrong.
    compared: u64,
}

/// How often it is noted how far it is.
const NOTED_EVERY: u64 = 20_000;

impl Which {
    fn names(self, log: Log) -> bool {
        match self {
            Self::Clinical => log == Log::Clinical,
            Self::Access => log == Log::Access,
            Self::All => true,
        }
    }
}

/// Verifies, prints what came of it, and fails where something is wrong.
#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(config: &Config, verify: Verify) -> anyhow::Result<ExitCode> {
    let app = App::open(config).await?;
    let signing = signing::open(config)?;
    let mut whole = true;
    known(&app, &verify, &signing).await?;
    for log in LOGS.into_iter().filter(|log| verify.log.names(*log)) {
        let store = if log == Log::Clinical { &app.store } else { &app.access };
        let report = one(config, &verify, &signing, log, store, &app.log_pool).await.with_context(|| format!("the {} log", log.name()))?;
        println!("{}", line(log, &report));
        for finding in &report.findings {
            println!("  position {}: {}", finding.position.0, finding.wrong);
        }
        whole &= report.findings.is_empty();
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether every checkpoint that is given is of a log that is verified: one that is left out would prove nothing, and say nothing.
async fn known(app: &App, verify: &Verify, signing: &Signing) -> anyhow::Result<()> {
    let mut origins = Vec::new();
    for log in LOGS.into_iter().filter(|log| verify.log.names(*log)) {
        let store = if log == Log::Clinical { &app.store } else { &app.access };
        origins.push(signing.origin(log, store.epoch().await?));
    }
    for file in &verify.kept {
        let note = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let origin = head_of(&note).with_context(|| file.display().to_string())?.0;
        ensure!(origins.contains(&origin), "{} is of {origin}, and verified are {}: it is not compared", file.display(), origins.join(", "));
    }
    Ok(())
}

fn line(log: Log, report: &Report) -> String {
    let verdict = if report.findings.is_empty() { "is what was signed" } else { "IS NOT WHAT WAS SIGNED" };
    let beyond = if report.beyond > 0 { format!("; {} positions beyond are not signed yet", report.beyond) } else { String::new() };
    format!("the {} log {verdict} up to position {} (root {}); {} positions compared{beyond}", log.name(), report.head.size, report.head.root, report.compared)
}

async fn one(config: &Config, verify: &Verify, signing: &Signing, log: Log, store: &EventStore, log_pool: &PgPool) -> anyhow::Result<Report> {
    let epoch = store.epoch().await?;
    let tiles = signing.tiles(log, epoch);
    let note = tiles.checkpoint().await?.context("nothing is signed yet")?;
    let policy = policy(verify, signing, log, epoch)?;
    let published = believed(&note, &policy).context("the published checkpoint")?;
    // What the signer remembers is kept elsewhere too; where it is more than what is published, it is what history is held against.
    let remembered = signing.signed(log, epoch)?;
    let head = remembered.filter(|remembered| remembered.size > published.size).unwrap_or(published);
    let mut kept = vec![published];
    kept.extend(remembered);
    for file in &verify.kept {
        let note = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        if head_of(&note)?.0 == signing.origin(log, epoch) {
            kept.push(believed(&note, &policy).with_context(|| file.display().to_string())?);
        }
    }
    let mut progress = Progress::of(head.size);
    progress.stage(log.name());
    let mut report = match verify.copy {
        Copy::Log => {
            let mut noted = Resume::open(verify.resume.as_deref(), format!("{} {}", signing.origin(log, epoch), head.root));
            let check = LogCheck { log, store, tiles: &tiles, head, compared: noted.compared() };
            let mut before = 0;
            let report = check
                .run(|through, sound| {
                    progress.steps(usize::try_from(through - before).unwrap_or_default());
                    before = through;
                    if sound {
                        noted.at(through);
                    }
                })
                .await?;
            noted.end();
            progress.end();
            report
        }
        Copy::Kafka => {
            ensure!(log == Log::Clinical, "only the clinical log is on Kafka; say --log clinical");
            on_kafka(config, log_pool, CopyOfLog::of(&tiles, head).await?, head, progress).await?
        }
    };
    kept.extend(signing.inherited(log, &store.epochs().await?).await?);
    held(&tiles, head, kept, &mut report).await?;
    Ok(report)
}

fn policy(verify: &Verify, signing: &Signing, log: Log, epoch: i64) -> anyhow::Result<TrustPolicy> {
    if verify.policy.is_some() {
        return signing::policy(verify.policy.as_ref());
    }
    let mut policy = TrustPolicy::clone(&signing.policy);
    policy.logs.push(signing.verifier_key(log, epoch));
    Ok(policy)
}

/// Compares the copy on Kafka, from its beginning to where it is now.
async fn on_kafka(config: &Config, pool: &PgPool, mut copy: CopyOfLog, head: Head, mut progress: Progress) -> anyhow::Result<Report> {
    let kafka = KafkaConfig::new(config.kafka_brokers.clone());
    let published = kafka::published(pool, &kafka).await?;
    let (sender, receiver) = std::sync::mpsc::sync_channel(10_000);
    let compare = tokio::task::spawn_blocking(move || {
        for envelope in receiver {
            copy.take(envelope);
            progress.step();
        }
        progress.end();
        copy
    });
    kafka::every_record(&kafka, move |envelope| drop(sender.send(envelope))).await.context("the copy on Kafka cannot be read")?;
    Ok(compare.await?.end(head.size.min(published.0.unsigned_abs())))
}

/// Writes the proof of an event.
#[expect(clippy::print_stdout, reason = "the proof is the output")]
pub async fn prove(config: &Config, proof: &ProofOf) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let signing = signing::open(config)?;
    let (log, store) = match proof.log {
        Which::Clinical => (Log::Clinical, &app.store),
        Which::Access => (Log::Access, &app.access),
        Which::All => bail!("an event is in one log: --log clinical or --log access"),
    };
    let event = store.by_id(domain::TenantId(proof.tenant), proof.event).await?.context("there is no such event in this log of this tenant")?;
    let tiles = signing.tiles(log, store.epoch().await?);
    let proven = prove_entry(&tiles, event.position.0).await?;
    ensure!(proven.entry.event_id == proof.event, "what was signed at position {} is another event: `carelog verify` says more", event.position.0);
    match &proof.output {
        Some(file) => fs::write(file, proven.text).with_context(|| format!("{} cannot be written", file.display()))?,
        None => print!("{}", proven.text),
    }
    Ok(())
}

/// Begins a new epoch at the head of a log.
#[expect(clippy::print_stdout, reason = "the answer is the output")]
pub async fn begin_epoch(config: &Config, begin: &BeginEpoch) -> anyhow::Result<()> {
    for log in LOGS.into_iter().filter(|log| begin.log.names(*log)) {
        let options = if log == Log::Clinical { config.log_database()? } else { config.access_database()? };
        let epoch = event_store::begin_epoch(&pool(options, 1).await?, log).await.context("the epoch cannot be begun")?;
        println!("epoch {} of the {} log begins at position {}", epoch.epoch, log.name(), epoch.first_position);
    }
    Ok(())
}

/// The note of how far a verification came.
struct Resume<'file> {
    file: Option<&'file Path>,
    noted: Noted,
}

impl<'file> Resume<'file> {
    fn open(file: Option<&'file Path>, of: String) -> Self {
        let noted = file.and_then(|file| serde_json::from_slice::<Noted>(&fs::read(file).ok()?).ok());
        let noted = noted.filter(|noted| noted.of == of).unwrap_or(Noted { of, compared: 0 });
        Self { file, noted }
    }

    fn compared(&self) -> u64 {
        self.noted.compared
    }

    fn at(&mut self, compared: u64) {
        if let Some(file) = self.file
            && compared >= self.noted.compared + NOTED_EVERY
        {
            self.noted.compared = compared;
            if let Ok(bytes) = serde_json::to_vec(&self.noted) {
                // What cannot be noted is compared again.
                fs::write(file, bytes).ok();
            }
        }
    }

    /// A verification that came to its end is done again from the beginning the next time.
    fn end(self) {
        if let Some(file) = self.file {
            fs::remove_file(file).ok();
        }
    }
}
