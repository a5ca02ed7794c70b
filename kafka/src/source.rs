//! A projection's live events from Kafka.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use event_store::{EventStore, Stored};
use futures::FutureExt;
use projections::{Batch, OpenSource, Source, SourceError, Subscription};
use sqlx::PgPool;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::config::KafkaConfig;
use crate::consumer::{ConsumerError, LogConsumer, Stretch};
use crate::lease;

/// How often partitions without new events are moved up to what the relay has published.
const ADVANCE: Duration = Duration::from_millis(200);

impl From<ConsumerError> for SourceError {
    fn from(error: ConsumerError) -> Self {
        match error {
            ConsumerError::Forked(_) | ConsumerError::Ahead(_) => Self::Diverged,
            ConsumerError::Kafka(_) | ConsumerError::Log(_) => Self::Unavailable(Box::new(error)),
        }
    }
}

struct KafkaSource {
    store: EventStore,
    /// The log's database, for the relay's account.
    pool: PgPool,
    topic: String,
    consumer: LogConsumer,
    types: BTreeSet<String>,
    advance: Interval,
    /// Received, and not opened yet: kept here, so that nothing is lost when the waiter gives up.
    sealed: Vec<Stretch>,
}

/// Opens the log's topic for projections. `pool` reaches the log's database.
pub fn open_source(config: KafkaConfig, store: EventStore, pool: PgPool) -> OpenSource {
    Arc::new(move |subscription| open(config.clone(), store.clone(), pool.clone(), subscription).boxed())
}

async fn open(config: KafkaConfig, store: EventStore, pool: PgPool, subscription: Subscription) -> Result<Box<dyn Source>, SourceError> {
    let consumer = LogConsumer::open(&config, store.clone(), &subscription.cursors).await?;
    let types = subscription.types.iter().map(ToString::to_string).collect();
    let mut advance = interval(ADVANCE);
    advance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(Box::new(KafkaSource { store, pool, topic: config.log_topic, consumer, types, advance, sealed: Vec::new() }))
}

#[async_trait::async_trait]
impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        while self.sealed.is_empty() {
            tokio::select! {
                stretches = self.consumer.next() => self.sealed = stretches?,
                _ = self.advance.tick() => {
                    let account = lease::read(&self.pool, &self.topic).await.map_err(|error| SourceError::Unavailable(Box::new(error)))?;
                    let through = account.map(|account| self.consumer.advance(&account)).unwrap_or_default();
                    if !through.is_empty() {
                        return Ok(Batch { events: Vec::new(), through });
                    }
                }
            }
        }
        let asked_for = |stored: &&Stored| self.types.contains(&stored.event_type);
        let stored: Vec<Stored> = self.sealed.iter().flat_map(|stretch| &stretch.events).filter(asked_for).cloned().collect();
        let events = self.store.open_stored(&stored).await.map_err(|error| SourceError::Unavailable(Box::new(error)))?;
        let through = self.sealed.drain(..).map(|stretch| (stretch.partition, stretch.through)).collect();
        Ok(Batch { events, through })
    }
}
