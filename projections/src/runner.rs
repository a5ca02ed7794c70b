//! Keeps every projection moving: a task each, and one that watches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use event_store::{EventStore, Position};
use metrics::counter;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::dead_letters::{DeadLetters, report};
use crate::follow::{FollowError, Follower};
use crate::log_source::unavailable;
use crate::prepare::prepare_beside;
use crate::projection::Projection;
use crate::rebuild::{RebuildError, build, sweep};
use crate::registry;
use crate::source::{OpenSource, SourceError};
use crate::state::{RunnerState, observe};

/// How often the registry is asked whether there is something to do, where nothing says so.
const LOOK: Duration = Duration::from_secs(1);
/// The pause after a first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Behind by more positions than this, a projection reads the log by pages before it takes to its live source.
const FAR_BEHIND: i64 = 10_000;

/// Runs projections. Any number of processes may run the same ones: a batch takes effect in one of them.
pub struct Runner {
    pool: PgPool,
    store: EventStore,
    projections: Vec<Arc<dyn Projection>>,
    open: OpenSource,
    dead_letters: Option<DeadLetters>,
    state: watch::Sender<RunnerState>,
    troubles: Mutex<BTreeMap<&'static str, &'static str>>,
}

impl Runner {
    /// A runner of these projections, which [`crate::prepare()`] has prepared in the read database, over a live source.
    pub fn new(pool: PgPool, store: EventStore, projections: Vec<Arc<dyn Projection>>, open: OpenSource, dead_letters: Option<DeadLetters>) -> Arc<Self> {
        let (state, troubles) = (watch::Sender::new(Vec::new()), Mutex::default());
        Arc::new(Self { pool, store, projections, open, dead_letters, state, troubles })
    }

    /// How the projections are doing; new about once a second.
    pub fn state(&self) -> watch::Receiver<RunnerState> {
        self.state.subscribe()
    }

    /// Runs until `shutdown`. What is then half done is rolled back, and done by whoever runs next.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) {
        let mut tasks = JoinSet::new();
        for projection in &self.projections {
            tasks.spawn(Arc::clone(&self).keep(Arc::clone(projection)));
        }
        tasks.spawn(Arc::clone(&self).watch());
        shutdown.await;
        tasks.shutdown().await;
    }

    /// Keeps the build that is read on its source, and fills the one beside it, if there is one.
    async fn keep(self: Arc<Self>, projection: Arc<dyn Projection>) {
        let projection = projection.as_ref();
        tokio::join!(self.persist(projection, || self.follow(projection)), self.persist(projection, || self.fill(projection)));
    }

    /// Does something over and over, with a growing pause while it fails.
    async fn persist<F>(&self, projection: &dyn Projection, attempt: impl Fn() -> F)
    where
        F: Future<Output = Result<(), FollowError>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let outcome = attempt().await;
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            match outcome {
                Ok(()) => {}
                Err(FollowError::Fenced) => {
                    tracing::debug!(projection = projection.name(), "another runner was faster, or the build was replaced");
                    sleep(FIRST_PAUSE).await;
                }
                Err(error) => {
                    self.trouble(projection.name(), Some(error.kind()));
                    counter!("carelog_projection_errors_total", "projection" => projection.name(), "kind" => error.kind()).increment(1);
                    tracing::warn!(projection = projection.name(), kind = error.kind(), error = describe(&error), "a projection does not move; trying again");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Moves the build that is read, until something fails. Where the log is no longer the one it was folded from, another is begun beside it.
    async fn follow(&self, projection: &dyn Projection) -> Result<(), FollowError> {
        let outcome = self.attend(projection).await;
        if let Err(FollowError::Source(SourceError::Diverged)) = outcome {
            tracing::error!(projection = projection.name(), "the log was restored since it was folded; folding it anew");
            self.prepare_beside(projection).await?;
        }
        outcome
    }

    async fn attend(&self, projection: &dyn Projection) -> Result<(), FollowError> {
        let versions = registry::versions(&mut *self.pool.acquire().await?, projection.name()).await?;
        let Some(active) = versions.into_iter().find(|version| version.active && version.is_of(projection)) else {
            sleep(LOOK).await;
            return Ok(());
        };
        let mut follower = Follower::take_up(&self.pool, &self.store, projection, &active.schema).await?;
        let head = self.store.head().await.map_err(unavailable)?;
        if head.0 - follower.position().0 > FAR_BEHIND {
            follower.catch_up(&self.store).await?;
        }
        let mut source = (self.open)(follower.subscription()).await?;
        loop {
            self.trouble(projection.name(), None);
            let batch = source.next().await?;
            follower.step(batch).await?;
        }
    }

    /// Fills the build that waits beside the active one, if there is one.
    async fn fill(&self, projection: &dyn Projection) -> Result<(), FollowError> {
        let versions = registry::versions(&mut *self.pool.acquire().await?, projection.name()).await?;
        if versions.iter().any(|version| !version.active && version.is_of(projection)) {
            let schema = self.prepare_beside(projection).await?;
            build(&self.pool, &self.store, projection, &schema).await?;
        }
        sleep(LOOK).await;
        Ok(())
    }

    async fn prepare_beside(&self, projection: &dyn Projection) -> Result<String, RebuildError> {
        let epoch = self.store.epoch().await?;
        Ok(prepare_beside(&self.pool, projection, epoch).await?)
    }

    /// Watches the registry: state, metrics, dead letters, and builds that nobody reads any more.
    async fn watch(self: Arc<Self>) {
        let mut head = Position(0);
        loop {
            sleep(LOOK).await;
            // While the log is away, what is known of it stays.
            head = self.store.head().await.unwrap_or(head);
            let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match observe(&self.pool, head, &troubles).await {
                Ok(state) => {
                    self.state.send_replace(state);
                }
                Err(error) => tracing::warn!(error = describe(&error), "the registry of projections cannot be read"),
            }
            if let Some(dead_letters) = &self.dead_letters
                && let Err(error) = report(&self.pool, dead_letters).await
            {
                tracing::warn!(error = describe(&error), "a dead letter was not handed over; trying again");
            }
            if let Err(error) = sweep(&self.pool).await {
                tracing::warn!(error = describe(&error), "a replaced build is still there; trying again");
            }
        }
    }

    fn trouble(&self, projection: &'static str, kind: Option<&'static str>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        match kind {
            Some(kind) => troubles.insert(projection, kind),
            None => troubles.remove(projection),
        };
    }
}

/// An error with its causes, less those that may quote a row or an event: of a refused statement its code alone, of a value that does not read nothing.
fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        match cause.downcast_ref::<sqlx::Error>() {
            Some(sqlx::Error::Database(refused)) => return format!("{text}: SQLSTATE {}", refused.code().unwrap_or_default()),
            Some(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_)) => return format!("{text}: a value does not decode"),
            None if cause.is::<serde_json::Error>() => return text,
            _ => text = format!("{text}: {cause}"),
        }
        source = cause.source();
    }
    text
}
