//! Backups of the keys: every table of the vault at one moment, encrypted to recipients whose secret is kept elsewhere (age, X25519).
//!
//! The keys in it are wrapped as they are in the database, so a backup without the root key opens nothing, either. Inside, it is a line of JSON about the
//! backup, one for each row, and one at the end that says how many there were.

use std::collections::BTreeMap;
use std::io::Write;

use age::secrecy::ExposeSecret;
pub use age::x25519::{Identity as BackupIdentity, Recipient as BackupRecipient};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::AssertSqlSafe;
use zeroize::Zeroizing;

use crate::{Vault, VaultError};

/// The tables, in an order in which each stands on those before it.
pub(crate) const TABLES: [&str; 5] = ["root_key", "tenant_key", "tagging_key", "data_key", "claim"];
/// The form of the lines.
pub(crate) const FORM: u32 = 1;

/// A line of a backup.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Line {
    /// The first.
    CarelogKeys {
        /// How the lines read.
        form: u32,
        /// The last migration of the vault's database.
        schema: i64,
    },
    /// A row of a table.
    Row(String, Box<RawValue>),
    /// The last.
    End {
        /// How many rows each table has.
        rows: BTreeMap<String, u64>,
    },
}

/// Why a backup was not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The vault, or the register of destroyed keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The file.
    #[error("the backup cannot be read or written")]
    File(#[from] std::io::Error),
    /// It is encrypted to nobody.
    #[error("a backup needs a recipient")]
    NoRecipient,
    /// It is encrypted to somebody else, or is no backup.
    #[error("the backup does not open with this identity")]
    DoesNotOpen,
    /// It is cut off or of another form.
    #[error("the backup does not read")]
    Damaged,
    /// It was made with another schema; restore it with the release that made it, and migrate then.
    #[error("the backup is of schema {backup}, and the database has schema {database}")]
    Schema {
        /// The backup's.
        backup: i64,
        /// The database's.
        database: i64,
    },
    /// The vault has keys already.
    #[error("there are keys in this vault already: a backup is restored into an empty one")]
    NotEmpty,
    /// The register lacks keys that were destroyed before the backup was made: it is older, or another vault's.
    #[error("the register of destroyed keys is not this vault's, or is older than the backup: what was destroyed since cannot be told")]
    OldRegister,
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Vault(error.into())
    }
}

/// A new identity as age writes it, to be kept where the keys are not, and the recipient that backups are encrypted to.
pub fn new_backup_identity() -> (Zeroizing<String>, BackupRecipient) {
    let identity = BackupIdentity::generate();
    (Zeroizing::new(identity.to_string().expose_secret().to_owned()), identity.to_public())
}

impl Vault {
    /// Writes every key as it is stored to `output`, encrypted to the recipients; how many rows of which table.
    pub async fn back_up(&self, recipients: &[BackupRecipient], output: impl Write) -> Result<BTreeMap<String, u64>, BackupError> {
        let encryptor = age::Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as _)).map_err(|_| BackupError::NoRecipient)?;
        let mut output = encryptor.wrap_output(output)?;
        let mut transaction = self.pool.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *transaction).await?;
        let schema: i64 = sqlx::query_scalar("select max(version) from vault.migration").fetch_one(&mut *transaction).await?;
        write_line(&mut output, &Line::CarelogKeys { form: FORM, schema })?;
        let mut rows = BTreeMap::new();
        for table in TABLES {
            let statement = AssertSqlSafe(format!("select to_jsonb(t)::text from vault.{table} t"));
            let mut read = sqlx::query_scalar::<_, String>(statement).fetch(&mut *transaction);
            let mut count = 0;
            while let Some(row) = read.try_next().await? {
                write_line(&mut output, &Line::Row(table.to_owned(), RawValue::from_string(row).map_err(|_| BackupError::Damaged)?))?;
                count += 1;
            }
            rows.insert(table.to_owned(), count);
        }
        write_line(&mut output, &Line::End { rows: rows.clone() })?;
        output.finish()?.flush()?;
        Ok(rows)
    }
}

fn write_line(output: &mut impl Write, line: &Line) -> Result<(), BackupError> {
    let mut text = serde_json::to_vec(line).map_err(VaultError::from)?;
    text.push(b'\n');
    Ok(output.write_all(&text)?)
}
