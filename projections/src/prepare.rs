//! Makes the read database ready for the projections of this build.

use std::sync::Arc;

use sqlx::migrate::MigrateError;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::projection::Projection;
use crate::registry;

/// Serialises what changes the registry's list of builds. The number is only this lock's.
const REGISTRY_LOCK: i64 = 0x0CA1_E106_0001;

/// Why the read database cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The database failed.
    #[error("the read database failed")]
    Database(#[from] sqlx::Error),
    /// A newer Carelog has built this projection. Going back takes a rebuild.
    #[error("the projection {projection} is at version {active}, newer than this build's {own}")]
    Newer {
        /// Which one.
        projection: &'static str,
        /// The version that is read.
        active: i32,
        /// This build's.
        own: u16,
    },
    /// A table would not be kept apart by tenant, or by patient.
    #[error("the table {table} of the projection {projection} needs `{column} uuid not null`")]
    Unprotected {
        /// Which projection.
        projection: &'static str,
        /// Its table.
        table: String,
        /// The column that is missing, of another type, or nullable.
        column: &'static str,
    },
}

/// Brings the registry of the read database to this build's schema.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut migrator = sqlx::migrate!("../migrations/read");
    migrator.create_schema("projection");
    migrator.dangerous_set_table_name("projection.migration");
    migrator.run(pool).await
}

/// Gives each projection a schema with its tables. One that has none yet is read from now on, while it fills; where another build is being read, the new
/// one is filled beside it by the runner, which then lets readers change over.
pub async fn prepare(pool: &PgPool, projections: &[Arc<dyn Projection>]) -> Result<(), PrepareError> {
    for projection in projections {
        let projection = projection.as_ref();
        let mut transaction = pool.begin().await?;
        lock(&mut transaction).await?;
        let versions = registry::versions(&mut transaction, projection.name()).await?;
        match versions.iter().find(|version| version.active) {
            None => {
                create(&mut transaction, projection, true).await?;
            }
            Some(active) if active.number > i32::from(projection.version()) => {
                return Err(PrepareError::Newer { projection: projection.name(), active: active.number, own: projection.version() });
            }
            Some(active) if active.is_of(projection) => {}
            Some(_) => {
                for unfinished in versions.iter().filter(|version| !version.active && !version.is_of(projection)) {
                    registry::retire(&mut transaction, &unfinished.schema).await?;
                }
                if !versions.iter().any(|version| version.is_of(projection)) {
                    create(&mut transaction, projection, false).await?;
                }
            }
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// The projections of which another build's rows are read: until the runner has let readers change over, this build's queries do not fit all tables.
pub async fn not_yet_read(pool: &PgPool, projections: &[Arc<dyn Projection>]) -> Result<Vec<&'static str>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut waiting = Vec::new();
    for projection in projections {
        let versions = registry::versions(&mut connection, projection.name()).await?;
        if !versions.iter().any(|version| version.active && version.is_of(projection.as_ref())) {
            waiting.push(projection.name());
        }
    }
    Ok(waiting)
}

/// Makes a build beside the active one, unless one is being made, and names its schema. It is to be folded from the log of this epoch.
pub(crate) async fn prepare_beside(pool: &PgPool, projection: &dyn Projection, epoch: i64) -> Result<String, PrepareError> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    let versions = registry::versions(&mut transaction, projection.name()).await?;
    let mut unfinished = None;
    for version in versions.into_iter().filter(|version| !version.active) {
        if version.is_of(projection) && version.epoch.is_none_or(|begun| begun == epoch) {
            unfinished = Some(version.schema);
        } else {
            registry::retire(&mut transaction, &version.schema).await?;
        }
    }
    let schema = match unfinished {
        Some(schema) => schema,
        None => create(&mut transaction, projection, false).await?,
    };
    transaction.commit().await?;
    Ok(schema)
}

/// Until the end of the transaction, nobody else changes the list of builds.
pub(crate) async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock($1)").bind(REGISTRY_LOCK).execute(connection).await?;
    Ok(())
}

async fn create(connection: &mut PgConnection, projection: &dyn Projection, active: bool) -> Result<String, PrepareError> {
    let schema = free_name(connection, projection).await?;
    create_tables(connection, projection, &schema).await?;
    protect(connection, projection.name(), &schema).await?;
    registry::register(connection, projection, &schema, active).await?;
    tracing::info!(projection = projection.name(), schema, active, "made the tables of a projection");
    Ok(schema)
}

/// `scheduling_v1`, or `scheduling_v1_2` for its second build.
async fn free_name(connection: &mut PgConnection, projection: &dyn Projection) -> Result<String, sqlx::Error> {
    let first = format!("{}_v{}", projection.name(), projection.version());
    let statement = "select name from (select $1, 1 union all select $1 || '_' || number, number from generate_series(2, 10000) as number) \
                     as candidate (name, number) where not exists (select from pg_namespace where nspname = name) order by number limit 1";
    sqlx::query_scalar(statement).bind(first).fetch_one(connection).await
}

/// Makes a schema with the projection's tables, and nothing more.
pub(crate) async fn create_tables(connection: &mut PgConnection, projection: &dyn Projection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(format!("create schema \"{schema}\""))).execute(&mut *connection).await?;
    sqlx::query("select set_config('search_path', quote_ident($1), true)").bind(schema).execute(&mut *connection).await?;
    sqlx::raw_sql(projection.sql()).execute(connection).await?;
    Ok(())
}

/// The tables of a schema.
pub(crate) async fn tables(connection: &mut PgConnection, schema: &str) -> Result<Vec<String>, sqlx::Error> {
    let statement = "select relname::text from pg_class where relnamespace = to_regnamespace(quote_ident($1)) and relkind in ('r', 'p') order by relname";
    sqlx::query_scalar(statement).bind(schema).fetch_all(connection).await
}

/// The second lock, alike on every table: who reads sees the rows of one tenant and of the patients within reach, and whoever owns the tables sees
/// nothing either, except while it folds.
async fn protect(connection: &mut PgConnection, projection: &'static str, schema: &str) -> Result<(), PrepareError> {
    for table in tables(connection, schema).await? {
        let columns: Vec<(String, bool)> = sqlx::query_as(
            "select attname::text, atttypid = 'uuid'::regtype and attnotnull from pg_attribute \
             where attrelid = to_regclass(quote_ident($1) || '.' || quote_ident($2)) and attname in ('tenant', 'patient_id', 'facility_id')",
        )
        .bind(schema)
        .bind(&table)
        .fetch_all(&mut *connection)
        .await?;
        let sound = |name: &str| columns.iter().find(|(column, _)| column == name).map(|(_, sound)| *sound);
        let unprotected = |column| PrepareError::Unprotected { projection, table: table.clone(), column };
        if sound("tenant") != Some(true) {
            return Err(unprotected("tenant"));
        }
        if sound("patient_id") == Some(false) {
            return Err(unprotected("patient_id"));
        }
        let statements = policies(schema, &table, sound("patient_id").is_some(), sound("facility_id").is_some());
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *connection).await?;
    }
    let grants = format!("grant usage on schema \"{schema}\" to carelog_query; grant select on all tables in schema \"{schema}\" to carelog_query;");
    sqlx::raw_sql(AssertSqlSafe(grants)).execute(connection).await?;
    Ok(())
}

pub(crate) fn policies(schema: &str, table: &str, about_patients: bool, at_facilities: bool) -> String {
    // A setting that was never made is null, and one that a former transaction made is empty: neither finds a row.
    let tenant = "tenant = nullif(current_setting('carelog.tenant', true), '')::uuid";
    let reach = "current_setting('carelog.reach', true)";
    // Whoever has a role at some facilities alone sees what takes place there; of what takes place nowhere, such as a chart, the gate decides.
    let facilities = if at_facilities { "facility_id = any (nullif(current_setting('carelog.facilities', true), '')::uuid[])" } else { "true" };
    let patients = format!(
        "({reach} = 'tenant' or {reach} = 'facilities' and {facilities} or patient_id = any (nullif(current_setting('carelog.patients', true), '')::uuid[]))"
    );
    let within_reach = if about_patients { format!("{tenant} and {patients}") } else { tenant.to_owned() };
    let folding = "current_setting('carelog.projecting', true) = 'on'";
    format!(
        "alter table \"{schema}\".\"{table}\" enable row level security; \
         alter table \"{schema}\".\"{table}\" force row level security; \
         create policy within_reach on \"{schema}\".\"{table}\" for select to carelog_query using ({within_reach}); \
         create policy folding on \"{schema}\".\"{table}\" to current_user using ({folding}) with check ({folding});"
    )
}
