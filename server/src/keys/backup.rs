//! `carelog keys identity` and `carelog keys backup`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use vault::{BackupRecipient, Vault, new_backup_identity};

/// Makes an identity; its recipient is the output.
#[expect(clippy::print_stdout, reason = "the recipient is the output")]
pub fn identity(file: &Path) -> anyhow::Result<()> {
    let (secret, recipient) = new_backup_identity();
    let mut output = made(file)?;
    output.write_all(format!("# public key: {recipient}\n").as_bytes())?;
    output.write_all(secret.as_bytes())?;
    output.write_all(b"\n")?;
    output.sync_all()?;
    println!("{recipient}");
    Ok(())
}

/// Writes a backup beside its place, and moves it there when it is whole and durable.
#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(vault: &Vault, file: &Path, recipients: &[BackupRecipient]) -> anyhow::Result<()> {
    ensure!(!file.exists(), "{} is there already", file.display());
    let beside = PathBuf::from(format!("{}.part", file.display()));
    let written = write(vault, &beside, recipients).await;
    let rows = match written {
        Ok(rows) => rows,
        Err(error) => {
            fs::remove_file(&beside).ok();
            return Err(error);
        }
    };
    fs::rename(&beside, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    println!("{} keys and {} claims are in {}", rows["data_key"], rows["claim"], file.display());
    Ok(())
}

async fn write(vault: &Vault, file: &Path, recipients: &[BackupRecipient]) -> anyhow::Result<std::collections::BTreeMap<String, u64>> {
    let output = made(file)?;
    let rows = vault.back_up(recipients, BufWriter::new(&output)).await?;
    output.sync_all()?;
    Ok(rows)
}

/// A file of its owner's alone.
fn made(file: &Path) -> anyhow::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(|| format!("{} cannot be made", file.display()))
}
