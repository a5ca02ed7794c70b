//! The log itself as a source: pages by position, of the types that a projection folds.

use std::sync::Arc;

use domain::EventType;
use event_store::{EventStore, PARTITIONS, Position};

use crate::source::{Batch, Cursors, OpenSource, Source, SourceError, Subscription};

/// How many events are read, and committed, together.
const PAGE: u32 = 1_000;

/// The log as a source.
pub struct LogSource {
    store: EventStore,
    types: Vec<EventType>,
    after: Position,
}

/// Opens the log as a source.
pub fn log_source(store: EventStore) -> OpenSource {
    Arc::new(move |subscription| {
        let store = store.clone();
        Box::pin(async move { LogSource::open(store, &subscription).await.map(|source| Box::new(source) as Box<dyn Source>) })
    })
}

impl LogSource {
    /// Opens it where the hindmost cursor stands.
    pub async fn open(store: EventStore, subscription: &Subscription) -> Result<Self, SourceError> {
        let head = store.head().await.map_err(unavailable)?;
        if subscription.cursors.iter().any(|(_, position)| *position > head) {
            return Err(SourceError::Diverged);
        }
        let after = subscription.cursors.iter().map(|(_, position)| *position).min().unwrap_or_default();
        Ok(Self { store, types: subscription.types.clone(), after })
    }

    /// The next page; none at the end of the log.
    pub(crate) async fn page(&mut self) -> Result<Option<Batch>, SourceError> {
        let page = self.store.page(self.after, PAGE, Some(&self.types)).await.map_err(unavailable)?;
        if page.through <= self.after {
            return Ok(None);
        }
        self.after = page.through;
        Ok(Some(Batch { events: page.events, through: everywhere(page.through) }))
    }
}

#[async_trait::async_trait]
impl Source for LogSource {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            if let Some(batch) = self.page().await? {
                return Ok(batch);
            }
            self.store.wait_beyond(self.after).await.map_err(unavailable)?;
        }
    }
}

/// The same position in every partition: what has read the log up to it has read each of them.
fn everywhere(position: Position) -> Cursors {
    (0..PARTITIONS).map(|partition| (partition, position)).collect()
}

pub(crate) fn unavailable(error: event_store::ReadError) -> SourceError {
    SourceError::Unavailable(Box::new(error))
}
