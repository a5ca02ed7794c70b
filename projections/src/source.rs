//! Where a projection's events come from, once it is live: the log itself, or Kafka. Both say how far they have looked, partition by partition.

use std::sync::Arc;

use domain::EventType;
use event_store::{Position, Recorded, Unreadable};
use futures::future::BoxFuture;

/// How far something has come in each of the log's partitions: every event of the partition up to the position.
pub type Cursors = Vec<(u16, Position)>;

/// A source of events, opened at the cursors of one projection.
///
/// It may give events that lie at or below those cursors, and events of types that were not asked for: the runner drops both. What it must not do is skip:
/// when a batch says `through` a position, every event of that partition after the last `through` and up to this one was in a batch.
#[async_trait::async_trait]
pub trait Source: Send {
    /// The next events, in the order of their positions within each partition. Waits until there is something new; a batch may be without events, when only the
    /// cursors move. After an error the source is thrown away and another is opened.
    async fn next(&mut self) -> Result<Batch, SourceError>;
}

/// A stretch of events.
pub struct Batch {
    /// The events; within each partition in the order of positions.
    pub events: Vec<Result<Recorded, Unreadable>>,
    /// The partitions that this batch moves, and how far.
    pub through: Cursors,
}

/// Why a source ended.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is away; another try may succeed.
    #[error("the source of events is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The cursors lie beyond what the source has ever held, or on a fork of it: the log was restored from a backup. Only a rebuild helps.
    #[error("the source of events does not continue from this projection's cursors")]
    Diverged,
}

/// What a source is opened for.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The projection's name.
    pub projection: &'static str,
    /// The schema that its rows live in, unique to this build of it.
    pub schema: String,
    /// The types that it folds.
    pub types: Vec<EventType>,
    /// Where it stands, in each of the partitions.
    pub cursors: Cursors,
}

/// Opens a source.
pub type OpenSource = Arc<dyn Fn(Subscription) -> BoxFuture<'static, Result<Box<dyn Source>, SourceError>> + Send + Sync>;
