//! Looking after the keys that everything is sealed under: rotation, backup, restoring.

mod backup;
mod restore;
mod rotate;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use vault::{BackupRecipient, Vault};

use crate::app::pool;
use crate::config::Config;
use crate::key_ring;

/// What is done with the keys.
#[derive(Args)]
pub struct Keys {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Replace a key by a new one; nothing that is sealed is touched. Interrupted, it is taken up again by the same command.
    #[command(subcommand)]
    Rotate(rotate::Rotate),
    /// Make an identity that opens backups, and print the recipient that they are encrypted to. The identity is kept where the keys are not.
    Identity {
        /// The file, which must not be there yet.
        file: PathBuf,
    },
    /// Write every key, as it is wrapped in the database, to a file that only the recipients can read.
    Backup {
        /// The file, which must not be there yet.
        file: PathBuf,
        /// Whom it is encrypted to, `age1…`; once for each.
        #[arg(long = "recipient", required = true, value_parser = recipient)]
        recipients: Vec<BackupRecipient>,
    },
    /// Restore a backup into an empty vault, less the keys that were destroyed since it was made.
    Restore {
        /// The backup.
        file: PathBuf,
        /// The identity that it is encrypted to.
        #[arg(long)]
        identity: PathBuf,
    },
}

fn recipient(text: &str) -> Result<BackupRecipient, &'static str> {
    text.trim().parse()
}

/// Does it.
pub async fn run(config: &Config, keys: Keys) -> anyhow::Result<()> {
    match keys.task {
        Task::Rotate(rotate) => rotate::run(&open(config).await?, rotate).await,
        Task::Identity { file } => backup::identity(&file),
        Task::Backup { file, recipients } => backup::run(&open(config).await?, &file, &recipients).await,
        Task::Restore { file, identity } => restore::run(config, &file, &identity).await,
    }
}

/// The vault alone.
async fn open(config: &Config) -> anyhow::Result<Vault> {
    let pool = pool(config.vault_database()?, 4).await.context("the vault's database is not available (CARELOG_VAULT_DATABASE_URL)")?;
    Vault::open(pool, key_ring::open(config)?).await.context("the vault does not open; was `carelog migrate` run?")
}
