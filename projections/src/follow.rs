//! One build of one projection, moved along: rows and cursor in one transaction.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use event_store::{EventStore, Position, partition_of};
use metrics::{counter, histogram};
use sqlx::PgPool;

use crate::fold::{Parked, fold};
use crate::log_source::{LogSource, unavailable};
use crate::projection::{ApplyError, Projection};
use crate::rebuild::RebuildError;
use crate::registry;
use crate::source::{Batch, Cursors, SourceError, Subscription};

/// How often a long catch-up says how far it has come.
const PROGRESS: Duration = Duration::from_secs(5);

/// Why a build did not move.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    /// Another runner has moved its cursors, or it was replaced.
    #[error("another runner moves this projection")]
    Fenced,
    /// Its rows could not be written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Its events could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It could not be built anew.
    #[error("the rebuild stopped")]
    Rebuild(#[from] RebuildError),
}

impl From<sqlx::Error> for FollowError {
    fn from(error: sqlx::Error) -> Self {
        Self::Apply(error.into())
    }
}

impl FollowError {
    /// For metrics and health: which sort of trouble this is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Fenced => "fenced",
            Self::Apply(error) => error.kind(),
            Self::Source(SourceError::Unavailable(_)) => "source",
            Self::Source(SourceError::Diverged) => "diverged",
            Self::Rebuild(_) => "rebuild",
        }
    }
}

/// Moves one build along.
pub(crate) struct Follower<'runner> {
    pool: &'runner PgPool,
    projection: &'runner dyn Projection,
    schema: String,
    types: HashSet<String>,
    cursors: Cursors,
}

impl<'runner> Follower<'runner> {
    /// Takes up a build where it stands.
    pub(crate) async fn take_up(pool: &'runner PgPool, store: &EventStore, projection: &'runner dyn Projection, schema: &str) -> Result<Self, FollowError> {
        let epoch = store.epoch().await.map_err(unavailable)?;
        let mut connection = pool.acquire().await?;
        if !registry::belongs_to(&mut connection, schema, epoch).await? {
            return Err(SourceError::Diverged.into());
        }
        let cursors = registry::cursors(&mut connection, schema).await?;
        let types = projection.types().iter().map(ToString::to_string).collect();
        Ok(Self { pool, projection, schema: schema.to_owned(), types, cursors })
    }

    /// What its source is to be opened for.
    pub(crate) fn subscription(&self) -> Subscription {
        Subscription { projection: self.projection.name(), schema: self.schema.clone(), types: self.projection.types(), cursors: self.cursors.clone() }
    }

    /// How far it has come: in every partition at least this far.
    pub(crate) fn position(&self) -> Position {
        self.cursors.iter().map(|(_, position)| *position).min().unwrap_or_default()
    }

    /// Whether it has come as far as `others` have, partition by partition, or to the end of the log.
    pub(crate) fn reaches(&self, others: &Cursors, head: Position) -> bool {
        others.iter().all(|(partition, position)| self.cursor(*partition).is_some_and(|cursor| cursor >= *position || cursor >= head))
    }

    /// Reads the log by large pages until its end, as it was on the way.
    pub(crate) async fn catch_up(&mut self, store: &EventStore) -> Result<(), FollowError> {
        let mut source = LogSource::open(store.clone(), &self.subscription()).await?;
        let (began, started_at) = (Instant::now(), self.position());
        let mut said = began;
        while let Some(batch) = source.page().await? {
            self.step(batch).await?;
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                let head = store.head().await.map_err(unavailable)?;
                let position = self.position().0;
                let positions_per_second = (position - started_at.0) / i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX).max(1);
                tracing::info!(projection = self.projection.name(), schema = self.schema, position, head = head.0, positions_per_second, "catching up");
            }
        }
        Ok(())
    }

    /// Folds a batch and moves the cursors, both or neither.
    pub(crate) async fn step(&mut self, batch: Batch) -> Result<(), FollowError> {
        let moves: Vec<(u16, Position, Position)> =
            batch.through.iter().filter_map(|(partition, to)| self.cursor(*partition).map(|from| (*partition, from, *to))).collect();
        let moves: Vec<_> = moves.into_iter().filter(|(_, from, to)| to > from).collect();
        if self.cursors.is_empty() {
            return Err(FollowError::Fenced);
        }
        if moves.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let events: Vec<_> = batch.events.into_iter().filter(|event| self.wants(event)).collect();
        let count = events.len();
        let mut transaction = self.pool.begin().await?;
        registry::enter(&mut transaction, &self.schema).await?;
        // First of all, so that a second runner waits here and not after its work.
        if !registry::advance(&mut transaction, &self.schema, &moves).await? {
            return Err(FollowError::Fenced);
        }
        let mut parked: Parked = registry::parked(&mut transaction, &self.schema).await?.into_iter().collect();
        let parkings = fold(&mut transaction, self.projection, events, &mut parked).await?;
        registry::park(&mut transaction, &self.schema, &parkings).await?;
        registry::notify(&mut transaction, self.projection.name(), moves.iter().map(|(partition, _, _)| *partition)).await?;
        transaction.commit().await?;
        for (partition, cursor) in &mut self.cursors {
            *cursor = moves.iter().find(|(moved, _, _)| moved == partition).map_or(*cursor, |(_, _, to)| *to);
        }
        for parking in &parkings {
            let (position, event_type, reason) = (parking.position.0, parking.event_type.as_str(), parking.reason.as_str());
            tracing::error!(projection = self.projection.name(), position, event_type, reason, "a subject is parked: an event of it cannot be applied");
        }
        counter!("carelog_projection_events_total", "projection" => self.projection.name()).increment(count as u64);
        histogram!("carelog_projection_batch_seconds", "projection" => self.projection.name()).record(began.elapsed());
        Ok(())
    }

    fn cursor(&self, partition: u16) -> Option<Position> {
        self.cursors.iter().find(|(own, _)| *own == partition).map(|(_, position)| *position)
    }

    /// Whether the event is new here, and of a type that is folded.
    fn wants(&self, event: &Result<event_store::Recorded, event_store::Unreadable>) -> bool {
        let (tenant, position, event_type) = match event {
            Ok(recorded) => (recorded.tenant, recorded.position, recorded.event.event_type().to_string()),
            Err(unreadable) => (unreadable.tenant, unreadable.position, unreadable.event_type.clone()),
        };
        self.types.contains(&event_type) && self.cursor(partition_of(tenant)).is_some_and(|cursor| position > cursor)
    }
}
