//! `carelog keys restore`.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use vault::{BackupIdentity, Register, Restored};

use crate::app::pool;
use crate::config::Config;
use crate::key_ring;

/// Restores a backup, and says what stays destroyed.
#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(config: &Config, file: &Path, identity: &Path) -> anyhow::Result<()> {
    let text = zeroize::Zeroizing::new(fs::read_to_string(identity).with_context(|| format!("{} cannot be read", identity.display()))?);
    let line = text.lines().find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let identity: BackupIdentity = line.trim().parse().ok().context("the identity does not read")?;
    let backup = BufReader::new(File::open(file).with_context(|| format!("{} cannot be read", file.display()))?);

    let vault = pool(config.vault_database()?, 2).await.context("the vault's database is not available (CARELOG_VAULT_DATABASE_URL)")?;
    let log =
        pool(config.log_database()?, 2).await.context("the log's database, which keeps the register of destroyed keys, is not available (DATABASE_URL)")?;
    let Restored { rows, destroyed_since } = vault::restore(&vault, key_ring::open(config)?, &Register::new(&log), backup, &identity).await?;
    println!("{} keys and {} claims are restored", rows["data_key"], rows["claim"]);
    println!("{} keys in the backup were destroyed since it was made, and stay destroyed", destroyed_since.len());
    for key in destroyed_since {
        let fingerprint: String = key.fingerprint.iter().flatten().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        println!("{} {} version {} fingerprint {fingerprint}, at {}", key.tenant(), key.subject, key.version, key.destroyed_at.to_rfc3339());
    }
    Ok(())
}
