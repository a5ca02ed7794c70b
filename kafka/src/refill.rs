//! A topic that was made anew is filled on purpose, never by chance: the relay by itself goes on after what it once published.

use rdkafka::error::KafkaError;
use sqlx::PgPool;

use crate::config::KafkaConfig;
use crate::lease::Lease;
use crate::topics::{self, TopicError};
use crate::{blocking, tails};

/// Why the topic is not filled again.
#[derive(Debug, thiserror::Error)]
pub enum RefillError {
    /// A relay is at work; it has to be stopped first.
    #[error("a relay holds the lease")]
    Busy,
    /// It would hold events twice.
    #[error("the log's topic is not empty")]
    NotEmpty,
    /// The topic cannot be made or looked at.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The topic cannot be read.
    #[error("the log's topic cannot be read")]
    Kafka(#[from] KafkaError),
    /// The relay's account cannot be changed.
    #[error("the log's database failed")]
    Database(#[from] sqlx::Error),
}

/// Has the next relay publish the log from its beginning, to a topic that is empty. `pool` reaches the log's database.
pub async fn refill(config: &KafkaConfig, pool: &PgPool) -> Result<(), RefillError> {
    let mut lease = Lease::at_once(pool, &config.log_topic).await?.ok_or(RefillError::Busy)?;
    let forgotten = forget(config, &mut lease).await;
    lease.close().await?;
    forgotten
}

async fn forget(config: &KafkaConfig, lease: &mut Lease) -> Result<(), RefillError> {
    topics::ensure(config).await?;
    let reader = config.clone();
    if !blocking(move || tails::is_empty(&reader)).await? {
        return Err(RefillError::NotEmpty);
    }
    Ok(lease.forget().await?)
}
