//! Rows in memory while a batch is folded: read once, changed as the events say, written once. However long the batch, it is two statements a table.

use std::collections::{HashMap, HashSet};

use domain::TenantId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::projection::ApplyError;

/// A row of a table whose primary key is `(tenant, ID)`. Its fields are the table's columns.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// The table.
    const TABLE: &'static str;
    /// The column beside the tenant that makes the primary key.
    const ID: &'static str;
}

/// What a row is known by: its tenant and its id.
pub(crate) type Key = (TenantId, Uuid);

/// The rows of one table that a batch is about.
pub(crate) struct Rows<R> {
    by_key: HashMap<Key, R>,
    changed: HashSet<Key>,
}

impl<R> Default for Rows<R> {
    /// None are read, because none are changed: rows are only put.
    fn default() -> Self {
        Self { by_key: HashMap::new(), changed: HashSet::new() }
    }
}

impl<R: Row> Rows<R> {
    /// Reads those of the rows that exist.
    pub(crate) async fn load(connection: &mut PgConnection, keys: impl IntoIterator<Item = Key>) -> Result<Self, ApplyError> {
        let keys: HashSet<Key> = keys.into_iter().collect();
        let mut by_key = HashMap::with_capacity(keys.len());
        if !keys.is_empty() {
            let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = keys.into_iter().map(|(tenant, id)| (tenant.0, id)).unzip();
            let statement = format!(
                "select tenant, {id}, row_to_json({table})::text from {table} where (tenant, {id}) in (select * from unnest($1::uuid[], $2::uuid[]))",
                id = R::ID,
                table = R::TABLE
            );
            let stored: Vec<(Uuid, Uuid, String)> = sqlx::query_as(AssertSqlSafe(statement)).bind(tenants).bind(ids).fetch_all(connection).await?;
            for (tenant, id, row) in stored {
                by_key.insert((TenantId(tenant), id), serde_json::from_str(&row)?);
            }
        }
        Ok(Self { by_key, ..Self::default() })
    }

    /// Adds a row that was not there.
    pub(crate) fn add(&mut self, key: Key, row: R) -> Result<(), ApplyError> {
        self.changed.insert(key);
        match self.by_key.insert(key, row) {
            None => Ok(()),
            Some(_) => Err(ApplyError::Exists(R::TABLE)),
        }
    }

    /// Adds a row, or puts it in place of the one that was there.
    pub(crate) fn put(&mut self, key: Key, row: R) {
        self.changed.insert(key);
        self.by_key.insert(key, row);
    }

    /// The row as it is by now, if it is there.
    pub(crate) fn get(&self, key: Key) -> Option<&R> {
        self.by_key.get(&key)
    }

    /// The row to change, which is there.
    pub(crate) fn change(&mut self, key: Key) -> Result<&mut R, ApplyError> {
        self.changed.insert(key);
        self.by_key.get_mut(&key).ok_or(ApplyError::Missing(R::TABLE))
    }

    /// The rows that were added or changed.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&Key, &R)> {
        self.by_key.iter().filter(|(key, _)| self.changed.contains(*key))
    }

    /// Writes what was added or changed.
    pub(crate) async fn save(&self, connection: &mut PgConnection) -> Result<(), ApplyError> {
        let rows: Vec<&R> = self.changed().map(|(_, row)| row).collect();
        write(connection, R::TABLE, &rows, Some(R::ID)).await
    }
}

/// Adds rows that are never changed.
pub(crate) async fn insert<R: Serialize>(connection: &mut PgConnection, table: &'static str, rows: &[R]) -> Result<(), ApplyError> {
    write(connection, table, rows, None).await
}

async fn write<R: Serialize>(connection: &mut PgConnection, table: &'static str, rows: &[R], id: Option<&str>) -> Result<(), ApplyError> {
    let Some(first) = rows.first() else { return Ok(()) };
    let first = serde_json::to_value(first)?;
    let columns: Vec<&str> = first.as_object().into_iter().flatten().map(|(column, _)| column.as_str()).collect();
    let list = columns.join(", ");
    let replace = id.map(|id| {
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        format!("on conflict (tenant, {id}) do update set {}", set.join(", "))
    });
    let statement = format!("insert into {table} ({list}) select {list} from json_populate_recordset(null::{table}, $1::json) {}", replace.unwrap_or_default());
    sqlx::query(AssertSqlSafe(statement)).bind(serde_json::to_string(rows)?).execute(connection).await?;
    Ok(())
}
