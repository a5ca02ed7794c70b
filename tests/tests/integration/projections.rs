//! The read side: folds, exactly-once effect, poison, blue/green, the check, and row-level security.

mod check;
pub mod events;
mod over_kafka;
mod owner;
mod security;
mod sources;
pub mod suite;
mod tally;
mod versions;
mod zombie;

use std::sync::Arc;
use std::time::Duration;

use domain::Event;
use event_store::{Clock, Position};
use projections::{DeadLetters, OpenSource, Projection, Runner};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::task::JoinHandle;

use crate::harness::{Databases, Kind, TestLog};

/// Long enough for a machine that does ten things at once.
const PATIENCE: Duration = Duration::from_mins(1);

/// The projections of a test.
pub type Projections = Vec<Arc<dyn Projection>>;

/// A log and a read database of their own.
pub struct ReadSide {
    pub read: PgPool,
    pub log: TestLog,
}

impl ReadSide {
    pub async fn new() -> Self {
        let databases = Databases::of(&Kind::ALL).await;
        Self { read: databases.pool(Kind::Read), log: TestLog::on(databases, Clock::system()).await }
    }

    /// With these projections prepared.
    pub async fn of(projections: &Projections) -> Self {
        let side = Self::new().await;
        projections::prepare(&side.read, projections).await.unwrap();
        side
    }

    /// Runs projections, as a process of its own does.
    pub fn start(&self, projections: &Projections, open: OpenSource) -> Running {
        self.start_with(projections, open, None)
    }

    pub fn start_with(&self, projections: &Projections, open: OpenSource, dead_letters: Option<DeadLetters>) -> Running {
        let read = self.log.databases.pool(Kind::Read);
        let runner = Runner::new(read, self.log.store.clone(), projections.clone(), open, dead_letters);
        Running { task: tokio::spawn(Arc::clone(&runner).run(std::future::pending())), runner }
    }

    /// Appends for the test's tenant, one append an event.
    pub async fn append(&self, events: impl IntoIterator<Item = Event>) -> Position {
        let mut last = Position(0);
        for event in events {
            last = self.log.store.append(self.log.append(vec![event]).await).await.unwrap().position;
        }
        last
    }

    /// Waits until what is read of every projection has come this far.
    pub async fn reached(&self, position: Position) {
        let reached = async {
            loop {
                let statement = "select count(distinct name) filter (where position < $1) = 0 and count(*) > 0 \
                                 from projection.version join projection.cursor using (schema_name) where active";
                if sqlx::query_scalar(statement).bind(position.0).fetch_one(&self.read).await.unwrap() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("the projections come as far as the log");
    }

    /// A connection that finds the tables that are read, as their superuser sees them.
    pub async fn tables(&self) -> PoolConnection<Postgres> {
        let mut connection = self.read.acquire().await.unwrap();
        find_tables(&mut connection).await;
        connection
    }

    /// One value of the tables that are read.
    pub async fn value<T>(&self, statement: &'static str) -> T
    where
        T: for<'row> sqlx::Decode<'row, Postgres> + sqlx::Type<Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(statement).fetch_one(&mut *self.tables().await).await.unwrap()
    }

    /// The read models are those of a fresh fold.
    pub async fn agrees(&self, projections: &Projections) {
        for report in projections::check(&self.log.store, &self.read, projections, |_, _, _| {}).await.unwrap() {
            assert!(report.agrees(), "{report:?}");
        }
    }
}

/// Puts the schemas that are read into the connection's search path.
pub async fn find_tables(connection: &mut PgConnection) {
    let statement = "select set_config('search_path', (select string_agg(quote_ident(schema_name), ', ') from projection.version where active), false)";
    sqlx::query(statement).execute(connection).await.unwrap();
}

/// A runner that runs.
pub struct Running {
    pub runner: Arc<Runner>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops it wherever it is, as a crash does.
    pub async fn kill(mut self) {
        self.task.abort();
        (&mut self.task).await.ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The log as a live source.
#[expect(clippy::unused_async, reason = "the suite's sources open in their own time")]
pub async fn the_log(side: &ReadSide) -> (OpenSource, ()) {
    (projections::log_source(side.log.store.clone()), ())
}

mod over_the_log {
    super::suite::over_source!(super::the_log);
}
