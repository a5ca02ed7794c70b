//! The store itself: opening it, appending, and finding what came of a command.

use std::sync::Arc;

use domain::{TenantId, UserId};
use sqlx::migrate::{MigrateError, Migration};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use uuid::Uuid;
use vault::Vault;

use crate::connect::{Log, options};
use crate::request::{Outcome, Request, prepare};
use crate::sequencer::{QUEUE, Sequencer};
use crate::{Append, AppendError, Appended, Clock, CommandKey, Epoch, Position, ReadError, read, tail};

/// How long a statement that reads the log may take, locks it waits for included.
const READ_WITHIN: &str = "10s";

/// The log. Cheap to clone; clones share one sequencer.
#[derive(Clone)]
pub struct EventStore {
    pub(crate) pool: PgPool,
    pub(crate) vault: Vault,
    clock: Clock,
    log: Log,
    queue: mpsc::Sender<Request>,
    pub(crate) known_head: watch::Receiver<Position>,
}

impl EventStore {
    /// Opens the log in its database, which [`migrate`] has prepared, and starts this process's sequencer. The store makes connections of its own, as
    /// `pool` is set up to, which can add to the log and read it and nothing else: at most as many as the pool's, one to append and one to listen.
    pub async fn open(log: Log, pool: PgPool, vault: Vault, clock: Clock) -> Result<Self, ReadError> {
        let options = options(&pool, log);
        let pool = pool.options().clone().connect_lazy_with(options.clone().options([("statement_timeout", READ_WITHIN)]));
        let (head, known_head) = watch::channel(read::head(&pool).await?);
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(Sequencer { log, queue: requests, options: options.clone(), clock: clock.clone(), head: head.clone() }.run());
        tokio::spawn(tail::follow(log, pool.clone(), options, head));
        Ok(Self { pool, vault, clock, log, queue, known_head })
    }

    /// The clock that the log records by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The vault that the log is sealed with.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Appends durably; see section 4 of ARCHITECTURE. Whoever drops this future after all knows nothing of the append, which happens whole or not at all.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let started = Instant::now();
        let (reply, replied) = oneshot::channel();
        let (tenant, user, command, answer) = (append.tenant, append.actor.user, append.command.clone(), append.answer.clone());
        let request = prepare(&self.vault, &self.clock, append, reply).await?;
        let event_ids: Vec<Uuid> = request.events.iter().map(|event| event.id).collect();
        self.queue.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => AppendError::Overloaded,
            TrySendError::Closed(_) => gone(),
        })?;
        let outcome = replied.await.map_err(|_| gone())??;
        metrics::histogram!("carelog_log_append_seconds", "log" => self.log.name()).record(started.elapsed());
        match outcome {
            Outcome::Appended(position) => Ok(Appended { position, event_ids, answer, repeated: false }),
            Outcome::Seen => {
                let seen = self.find_command(tenant, user, &command).await?.ok_or_else(gone)?;
                // Its own events, where only the first answer of the database was lost.
                let repeated = event_ids.is_empty() || seen.event_ids != event_ids;
                Ok(Appended { repeated, ..seen })
            }
        }
    }

    /// What came of a command, if it was applied; to be asked before its model is read.
    pub async fn find_command(&self, tenant: TenantId, user: UserId, command: &CommandKey) -> Result<Option<Appended>, AppendError> {
        type Row = (String, Vec<u8>, Position, Vec<Uuid>, sqlx::types::Json<serde_json::Value>);
        let row: Option<Row> =
            sqlx::query_as("select name, digest, last_position, event_ids, answer from command where tenant = $1 and actor = $2 and command_id = $3")
                .bind(tenant.0)
                .bind(user.0)
                .bind(command.id)
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| AppendError::Unavailable(Arc::new(error)))?;
        let Some((name, digest, position, event_ids, answer)) = row else { return Ok(None) };
        if name != command.name || !command.digest.is(&digest) {
            return Err(AppendError::CommandMismatch);
        }
        Ok(Some(Appended { position, event_ids, answer: answer.0, repeated: true }))
    }
}

/// The sequencer ended, as it does only with the runtime that it was started in.
fn gone() -> AppendError {
    AppendError::Unavailable(Arc::new(sqlx::Error::WorkerCrashed))
}

/// Brings a log's database to this build's schema. The migrations are written for the clinical log, whose schema is the only name of it in them.
pub async fn migrate(pool: &PgPool, log: Log) -> Result<(), MigrateError> {
    let mut migrator = sqlx::migrate!("../migrations/log");
    let schema = log.name();
    let own = |written: &Migration| {
        let sql = written.sql.as_str().replace(Log::Clinical.name(), schema);
        Migration::new(written.version, written.description.clone(), written.migration_type, AssertSqlSafe(sql).into_sql_str(), written.no_tx)
    };
    migrator.migrations = migrator.migrations.iter().map(own).collect();
    migrator.create_schema(schema);
    migrator.dangerous_set_table_name(format!("{schema}.migration"));
    migrator.run(pool).await
}

/// Begins a new epoch of a log at its head, as its owner: what comes now is other history than what may have been given positions beyond it before.
pub async fn begin_epoch(pool: &PgPool, log: Log) -> Result<Epoch, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let schema = log.name();
    let statement = format!(
        "set local search_path = {schema}; \
        select pg_advisory_xact_lock('event'::regclass::oid::bigint);"
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    let statement = "insert into epoch (epoch, first_position) select max(epoch) + 1, (select coalesce(max(position), 0) + 1 from event) from epoch \
        returning epoch, first_position";
    let epoch = sqlx::query_as(statement).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(epoch)
}
