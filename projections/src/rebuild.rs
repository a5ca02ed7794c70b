//! Blue/green: a build is filled beside the one that is read, and readers change over in one transaction.

use event_store::{EventStore, Position, ReadError};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::follow::{FollowError, Follower};
use crate::prepare::{PrepareError, lock, prepare_beside};
use crate::projection::Projection;
use crate::registry;
use crate::source::Cursors;

/// How long a replaced build stays for those who began to read before it was replaced: longer than any read may take.
const KEPT_FOR: &str = "2 minutes";

/// Why a rebuild did not end. It can be taken up again where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The tables could not be made.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The read database failed.
    #[error("the read database failed")]
    Database(#[from] sqlx::Error),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// Events could not be read or applied.
    #[error("the projection did not move")]
    Stopped(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<FollowError> for RebuildError {
    fn from(error: FollowError) -> Self {
        Self::Stopped(Box::new(error))
    }
}

/// What a rebuild came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rebuilt {
    /// The schema that is read from now on.
    pub schema: String,
    /// How far its rows go.
    pub position: Position,
    /// How many subjects it leaves out.
    pub parked: usize,
}

/// Folds a projection anew from the beginning of the log, beside the rows that are read, and then lets readers change over. Parked subjects are taken in
/// again where this build can read and apply their events.
pub async fn rebuild(pool: &PgPool, store: &EventStore, projection: &dyn Projection) -> Result<Rebuilt, RebuildError> {
    let schema = prepare_beside(pool, projection, store.epoch().await?).await?;
    build(pool, store, projection, &schema).await?;
    let mut connection = pool.acquire().await?;
    let position = registry::cursors(&mut connection, &schema).await?.iter().map(|(_, position)| *position).min().unwrap_or_default();
    let parked = registry::parked(&mut connection, &schema).await?.len();
    Ok(Rebuilt { schema, position, parked })
}

/// Fills a build and makes it the one that is read. Whoever comes second waits, and finds it done.
pub(crate) async fn build(pool: &PgPool, store: &EventStore, projection: &dyn Projection, schema: &str) -> Result<(), RebuildError> {
    // A connection that is not the pool's: the lock ends with it, however this ends.
    let mut builder = pool.acquire().await?.detach();
    sqlx::query("select pg_advisory_lock(hashtextextended($1, 0))").bind(schema).execute(&mut builder).await?;
    if is_waiting(&mut builder, projection, schema).await? {
        let mut follower = Follower::take_up(pool, store, projection, schema).await?;
        follower.catch_up(store).await?;
        change_over(&mut builder, store, &mut follower, projection, schema).await?;
        tracing::info!(projection = projection.name(), schema, position = follower.position().0, "readers have changed over to a new build");
    }
    Ok(builder.close().await?)
}

async fn is_waiting(connection: &mut PgConnection, projection: &dyn Projection, schema: &str) -> Result<bool, sqlx::Error> {
    let versions = registry::versions(connection, projection.name()).await?;
    Ok(versions.iter().any(|version| version.schema == schema && !version.active))
}

/// Readers never go back: while the old build is held where it is, the new one catches up with it.
async fn change_over(
    builder: &mut PgConnection,
    store: &EventStore,
    follower: &mut Follower<'_>,
    projection: &dyn Projection,
    schema: &str,
) -> Result<(), RebuildError> {
    let mut transaction = builder.begin().await?;
    lock(&mut transaction).await?;
    let active = registry::versions(&mut transaction, projection.name()).await?.into_iter().find(|version| version.active);
    if let Some(active) = &active {
        let held = hold(&mut transaction, &active.schema).await?;
        loop {
            // Beyond the end of the log there is nothing to catch up with: the old build then comes from a log that was since restored.
            let end = store.head().await?;
            follower.catch_up(store).await?;
            if follower.reaches(&held, end) {
                break;
            }
        }
        registry::retire(&mut transaction, &active.schema).await?;
    }
    sqlx::query("update projection.version set active = true where schema_name = $1").bind(schema).execute(&mut *transaction).await?;
    let partitions = registry::cursors(&mut transaction, schema).await?.into_iter().map(|(partition, _)| partition);
    registry::notify(&mut transaction, projection.name(), partitions).await?;
    transaction.commit().await?;
    Ok(())
}

/// Keeps a build's cursors where they are until the end of the transaction.
async fn hold(connection: &mut PgConnection, schema: &str) -> Result<Cursors, sqlx::Error> {
    sqlx::query("select from projection.cursor where schema_name = $1 order by partition for update").bind(schema).execute(&mut *connection).await?;
    registry::cursors(connection, schema).await
}

/// Drops the builds that were replaced long enough ago.
pub(crate) async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    let statement = "select schema_name from projection.version where retired_at < now() - $1::text::interval";
    let retired: Vec<String> = sqlx::query_scalar(statement).bind(KEPT_FOR).fetch_all(pool).await?;
    for schema in retired {
        let mut transaction = pool.begin().await?;
        // Somebody who still reads must not make everybody behind us wait; the next sweep tries again.
        sqlx::query("set local lock_timeout = '500ms'").execute(&mut *transaction).await?;
        sqlx::query(AssertSqlSafe(format!("drop schema if exists \"{schema}\" cascade"))).execute(&mut *transaction).await?;
        sqlx::query("delete from projection.version where schema_name = $1").bind(&schema).execute(&mut *transaction).await?;
        transaction.commit().await?;
        tracing::info!(schema, "dropped the tables of a replaced build");
    }
    Ok(())
}
