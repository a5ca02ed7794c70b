//! Whether the read models are what the log says: every active one is compared with a fresh fold.

use std::collections::HashSet;
use std::sync::Arc;

use event_store::{EventStore, Position, ReadError, partition_of};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::fold::{Parked, fold};
use crate::prepare::{create_tables, tables};
use crate::projection::{ApplyError, Projection};
use crate::registry;
use crate::source::Cursors;

/// How many events are folded at a time.
const PAGE: u32 = 1_000;

/// What the comparison of one projection came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckReport {
    /// The projection.
    pub projection: &'static str,
    /// The schema that is read; none where nothing is, or where it is of another build of Carelog, which this one cannot fold.
    pub schema: Option<String>,
    /// How far it goes: in every partition at least this far.
    pub position: Position,
    /// Its tables.
    pub tables: Vec<TableDifference>,
    /// The subjects that it leaves out, or that a fresh fold would.
    pub parked: Vec<String>,
}

impl CheckReport {
    /// Whether the rows are those of a fresh fold.
    pub fn agrees(&self) -> bool {
        self.schema.is_some() && self.tables.iter().all(|table| table.missing == 0 && table.unexpected == 0)
    }
}

/// The comparison of one table; only counts, never rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableDifference {
    /// The table.
    pub table: String,
    /// How many rows a fresh fold has.
    pub rows: i64,
    /// How many of those are not in the read model as they should be.
    pub missing: i64,
    /// How many rows of the read model a fresh fold does not have.
    pub unexpected: i64,
}

/// Why a projection could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The read database failed.
    #[error("the read database failed")]
    Database(#[from] sqlx::Error),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// Events could not be applied.
    #[error("the fresh fold failed")]
    Apply(#[from] ApplyError),
}

/// Compares every active read model with a fresh fold of the log up to its cursors, in one transaction that is rolled back. It changes nothing, and
/// nothing need stop for it. `progress` hears the projection, how far it is and how far it goes.
pub async fn check(
    store: &EventStore,
    pool: &PgPool,
    projections: &[Arc<dyn Projection>],
    progress: impl Fn(&'static str, Position, Position),
) -> Result<Vec<CheckReport>, CheckError> {
    let mut reports = Vec::with_capacity(projections.len());
    for projection in projections {
        let mut transaction = pool.begin_with("begin isolation level repeatable read").await?;
        let report = compare(&mut transaction, store, projection.as_ref(), &progress).await?;
        transaction.rollback().await?;
        reports.push(report);
    }
    Ok(reports)
}

async fn compare(
    connection: &mut PgConnection,
    store: &EventStore,
    projection: &dyn Projection,
    progress: &impl Fn(&'static str, Position, Position),
) -> Result<CheckReport, CheckError> {
    let versions = registry::versions(connection, projection.name()).await?;
    let Some(active) = versions.into_iter().find(|version| version.active && version.is_of(projection)) else {
        return Ok(CheckReport { projection: projection.name(), schema: None, position: Position(0), tables: Vec::new(), parked: Vec::new() });
    };
    let cursors = registry::cursors(connection, &active.schema).await?;
    let mut parked: HashSet<_> = registry::parked(connection, &active.schema).await?.into_iter().collect();
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *connection).await?;
    let scratch = format!("check_{backend}");
    let compared = tables(connection, &active.schema).await?;
    for table in &compared {
        // Should the build be replaced meanwhile, it stays until the end of the transaction.
        sqlx::query(AssertSqlSafe(format!("lock table \"{}\".\"{table}\" in access share mode", active.schema))).execute(&mut *connection).await?;
    }
    create_tables(connection, projection, &scratch).await?;
    parked.extend(refold(connection, store, projection, &scratch, &cursors, progress).await?);
    let mut differences = Vec::new();
    for table in compared {
        differences.push(difference(connection, &active.schema, &scratch, table).await?);
    }
    let mut parked: Vec<String> = parked.into_iter().map(|(tenant, subject)| format!("{tenant}/{subject}")).collect();
    parked.sort();
    let position = cursors.iter().map(|(_, position)| *position).min().unwrap_or_default();
    Ok(CheckReport { projection: projection.name(), schema: Some(active.schema), position, tables: differences, parked })
}

/// Folds the log up to the cursors into the scratch schema, and says whom that parks.
async fn refold(
    connection: &mut PgConnection,
    store: &EventStore,
    projection: &dyn Projection,
    scratch: &str,
    cursors: &Cursors,
    progress: &impl Fn(&'static str, Position, Position),
) -> Result<Parked, CheckError> {
    registry::enter(connection, scratch).await?;
    let types = projection.types();
    let names: HashSet<String> = types.iter().map(ToString::to_string).collect();
    let cursor = |tenant| cursors.iter().find(|(partition, _)| *partition == partition_of(tenant)).map(|(_, position)| *position);
    let last = cursors.iter().map(|(_, position)| *position).max().unwrap_or_default();
    let (mut after, mut parked) = (Position(0), Parked::new());
    while after < last {
        let page = store.page(after, PAGE, Some(&types)).await?;
        if page.through <= after {
            break;
        }
        after = page.through;
        let events = page.events.into_iter().filter(|event| {
            let (tenant, position, event_type) = match event {
                Ok(recorded) => (recorded.tenant, recorded.position, recorded.event.event_type().to_string()),
                Err(unreadable) => (unreadable.tenant, unreadable.position, unreadable.event_type.clone()),
            };
            names.contains(&event_type) && cursor(tenant).is_some_and(|cursor| position <= cursor)
        });
        fold(connection, projection, events.collect(), &mut parked).await?;
        progress(projection.name(), after.min(last), last);
    }
    Ok(parked)
}

async fn difference(connection: &mut PgConnection, schema: &str, scratch: &str, table: String) -> Result<TableDifference, sqlx::Error> {
    let columns: String = sqlx::query_scalar(
        "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute \
         where attrelid = to_regclass(quote_ident($1) || '.' || quote_ident($2)) and attnum > 0 and not attisdropped",
    )
    .bind(schema)
    .bind(&table)
    .fetch_one(&mut *connection)
    .await?;
    let statement = format!(
        "select (select count(*) from \"{scratch}\".\"{table}\"), \
             (select count(*) from (select {columns} from \"{scratch}\".\"{table}\" except all select {columns} from \"{schema}\".\"{table}\") as missing), \
             (select count(*) from (select {columns} from \"{schema}\".\"{table}\" except all select {columns} from \"{scratch}\".\"{table}\") as unexpected)"
    );
    let (rows, missing, unexpected) = sqlx::query_as(AssertSqlSafe(statement)).fetch_one(connection).await?;
    Ok(TableDifference { table, rows, missing, unexpected })
}
