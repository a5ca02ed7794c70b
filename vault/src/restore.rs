//! Restoring a backup of the keys, less what was destroyed since it was made.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use domain::TenantId;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use crate::backup::{BackupError, BackupIdentity, FORM, Line, TABLES};
use crate::key_ring::{KeyRing, Purpose};
use crate::register::{DestroyedKey, Register};

/// How many rows go into the database at a time.
const BATCH: usize = 500;

/// What was restored.
pub struct Restored {
    /// How many rows of which table.
    pub rows: BTreeMap<String, u64>,
    /// The keys that were destroyed after the backup was made: they are in it, and were not brought back.
    pub destroyed_since: Vec<DestroyedKey>,
}

/// Restores a backup into the vault's database, which [`crate::migrate`] has prepared and which is empty: whole, or not at all. What the register says is
/// destroyed stays destroyed; a register that cannot say it for sure is refused, and so is a ring that lacks a root key.
pub async fn restore(
    pool: &PgPool,
    ring: impl Into<KeyRing>,
    register: &Register,
    backup: impl Read,
    identity: &BackupIdentity,
) -> Result<Restored, BackupError> {
    let opened = age::Decryptor::new(backup).and_then(|backup| backup.decrypt(std::iter::once(identity as _)));
    let lines = BufReader::new(opened.map_err(|_| BackupError::DoesNotOpen)?);
    let mut transaction = pool.begin().await?;
    sqlx::query("lock table vault.root_key, vault.tenant_key, vault.data_key, vault.claim in access exclusive mode").execute(&mut *transaction).await?;
    let has_keys = "select exists (select from vault.tenant_key) or exists (select from vault.data_key) or exists (select from vault.claim)";
    if sqlx::query_scalar(has_keys).fetch_one(&mut *transaction).await? {
        return Err(BackupError::NotEmpty);
    }
    // A process that was started on the empty database has named its own.
    sqlx::query("delete from vault.root_key").execute(&mut *transaction).await?;
    let rows = fill(&mut transaction, lines).await?;
    let destroyed_since = withhold(&mut transaction, &register.all().await?).await?;
    check(&mut transaction, &ring.into()).await?;
    transaction.commit().await?;
    Ok(Restored { rows, destroyed_since })
}

/// Writes the rows of a backup.
async fn fill(connection: &mut PgConnection, lines: impl BufRead) -> Result<BTreeMap<String, u64>, BackupError> {
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Line>(&line?).map_err(|_| BackupError::Damaged));
    let database: i64 = sqlx::query_scalar("select max(version) from vault.migration").fetch_one(&mut *connection).await?;
    match lines.next().transpose()? {
        Some(Line::CarelogKeys { form: FORM, schema }) if schema == database => {}
        Some(Line::CarelogKeys { form: FORM, schema }) => return Err(BackupError::Schema { backup: schema, database }),
        _ => return Err(BackupError::Damaged),
    }
    let mut rows: BTreeMap<String, u64> = TABLES.iter().map(|table| ((*table).to_owned(), 0)).collect();
    let mut batch: (String, Vec<String>) = Default::default();
    for line in lines {
        match line? {
            Line::Row(table, row) => {
                *rows.get_mut(&table).ok_or(BackupError::Damaged)? += 1;
                if table != batch.0 || batch.1.len() == BATCH {
                    insert(connection, &batch.0, &batch.1).await?;
                    batch = (table, vec![]);
                }
                batch.1.push(row.get().to_owned());
            }
            Line::End { rows: written } => {
                insert(connection, &batch.0, &batch.1).await?;
                return if written == rows { Ok(rows) } else { Err(BackupError::Damaged) };
            }
            Line::CarelogKeys { .. } => return Err(BackupError::Damaged),
        }
    }
    Err(BackupError::Damaged)
}

async fn insert(connection: &mut PgConnection, table: &str, rows: &[String]) -> Result<(), BackupError> {
    let Some(table) = TABLES.iter().find(|known| **known == table) else { return Ok(()) };
    let statement = format!(
        "insert into vault.{table} select r.* from unnest($1::text[]) as line (json), jsonb_populate_record(null::vault.{table}, line.json::jsonb) as r"
    );
    sqlx::query(AssertSqlSafe(statement)).bind(rows).execute(connection).await?;
    Ok(())
}

/// Takes out again what was destroyed, and leaves its place, so that what it sealed is known to be erased. The keys that the backup would have brought back.
async fn withhold(connection: &mut PgConnection, register: &[DestroyedKey]) -> Result<Vec<DestroyedKey>, BackupError> {
    let known: Vec<Uuid> = register.iter().map(|key| key.key_id).collect();
    let unknown = "select exists (select from vault.data_key where destroyed_at is not null and id <> all ($1))";
    if sqlx::query_scalar(unknown).bind(&known).fetch_one(&mut *connection).await? {
        return Err(BackupError::OldRegister);
    }
    let mut withheld = Vec::new();
    for key in register {
        let statement = sqlx::query(
            "insert into vault.data_key (id, tenant, subject, version, tenant_version, fingerprint, destroyed_at) values ($1, $2, $3, $4, null, $5, $6)
             on conflict do nothing",
        );
        let statement = statement.bind(key.key_id).bind(key.tenant().0).bind(&key.subject).bind(key.version).bind(key.fingerprint.as_deref());
        statement.bind(key.destroyed_at).execute(&mut *connection).await?;
        let destroy = "update vault.data_key set wrapped = null, destroyed_at = $3 where tenant = $1 and subject = $2 and destroyed_at is null returning id";
        let statement = sqlx::query_scalar::<_, Uuid>(destroy).bind(key.tenant().0).bind(&key.subject).bind(key.destroyed_at);
        withheld.extend(statement.fetch_all(&mut *connection).await?);
    }
    Ok(register.iter().filter(|key| withheld.contains(&key.key_id)).cloned().collect())
}

/// Refuses keys that the ring would not open.
async fn check(connection: &mut PgConnection, ring: &KeyRing) -> Result<(), BackupError> {
    let keys: Vec<(Uuid, String, Vec<u8>)> =
        sqlx::query_as("select tenant, root, wrapped from vault.tenant_key where wrapped is not null").fetch_all(&mut *connection).await?;
    for (tenant, root, wrapped) in keys {
        ring.unwrap(&root, TenantId(tenant), Purpose::Tenant, &wrapped).await?;
    }
    Ok(())
}
