//! How the logs are signed: with which key, under which name, where the tiles are and who cosigns.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use event_store::Log;
use transparency::{LogKey, Signer, Signing, TrustPolicy};

use crate::app::App;
use crate::config::{Config, Mode};

/// The settings of the signer.
#[derive(Args, Clone)]
pub struct SigningSettings {
    /// The key that signs the logs, in production: a file of the 32 bytes of an Ed25519 secret key in base64.
    #[arg(long, env = "CARELOG_SIGNING_KEY", global = true)]
    signing_key: Option<PathBuf>,
    /// What the names of the logs begin with: a domain of the installation's own.
    #[arg(long, env = "CARELOG_LOG_NAME", default_value = "carelog.localhost", global = true)]
    log_name: String,
    /// Where the tiles of the logs are kept, apart from the logs' databases: a folder, or `s3://bucket/prefix` with the `AWS_…` variables.
    #[arg(long, env = "CARELOG_TILES", default_value = "data/tiles", global = true)]
    tiles: String,
    /// The folder in which the signer keeps what it signed last, apart from logs and tiles: beside the keys unless given.
    #[arg(long, env = "CARELOG_SIGNED", global = true)]
    signed: Option<PathBuf>,
    /// Which witnesses cosign, and how many are enough: a file as C2SP `tlog-policy` has it; none unless given.
    #[arg(long, env = "CARELOG_WITNESSES", global = true)]
    witnesses: Option<PathBuf>,
}

/// The logs.
pub const LOGS: [Log; 2] = [Log::Clinical, Log::Access];

/// What signs.
pub fn open(config: &Config) -> anyhow::Result<Signing> {
    let settings = &config.signing;
    let key = match (&settings.signing_key, config.mode) {
        (Some(file), _) => LogKey::open(file).context("CARELOG_SIGNING_KEY")?,
        (None, Mode::Development) => {
            LogKey::open_or_create(&config.keys.join("development-signing.key")).context("the development signing key cannot be used")?
        }
        (None, Mode::Production) => bail!("production needs CARELOG_SIGNING_KEY"),
    };
    Ok(Signing {
        key,
        name: settings.log_name.clone(),
        tiles: documents::objects(&settings.tiles).context("the tiles' storage does not open (CARELOG_TILES)")?,
        memory: settings.signed.clone().unwrap_or_else(|| config.keys.join("signed")),
        policy: Arc::new(policy(settings.witnesses.as_ref()).context("CARELOG_WITNESSES")?),
    })
}

/// A trust policy from its file; the empty one where none is named.
pub fn policy(file: Option<&PathBuf>) -> anyhow::Result<TrustPolicy> {
    let Some(file) = file else { return Ok(TrustPolicy::default()) };
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    text.parse().with_context(|| format!("{} is no trust policy", file.display()))
}

/// The signers of both logs, each with the name of its health check.
pub fn signers(config: &Config, app: &App) -> anyhow::Result<[(&'static str, Signer); 2]> {
    let signing = open(config)?;
    Ok([
        ("signer", Signer::new(Log::Clinical, app.store.clone(), app.log_pool.clone(), signing.clone())),
        ("access-signer", Signer::new(Log::Access, app.access.clone(), app.access_pool.clone(), signing)),
    ])
}
