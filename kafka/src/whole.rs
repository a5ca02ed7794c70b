//! The whole of the log's topic, from its beginning to its end as it is now: for whoever compares it with something.

use event_schemas::log::v1;
use event_store::{PARTITIONS, Position};
use prost::Message as _;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use sqlx::PgPool;

use crate::config::{EXCHANGE, KafkaConfig, Quiet};
use crate::{blocking, lease};

/// Hands out every committed record of the topic that reads as an envelope; the records of a partition in their order.
pub async fn every_record(config: &KafkaConfig, mut each: impl FnMut(v1::Envelope) + Send + 'static) -> Result<(), KafkaError> {
    let config = config.clone();
    blocking(move || {
        let mut client = config.reader();
        client.set("enable.partition.eof", "true");
        let consumer: BaseConsumer<Quiet> = FromClientConfigAndContext::from_config_and_context(&client, Quiet)?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            assignment.add_partition_offset(&config.log_topic, partition.into(), Offset::Beginning)?;
        }
        consumer.assign(&assignment)?;
        let mut ended = std::collections::BTreeSet::new();
        while ended.len() < usize::from(PARTITIONS) {
            match consumer.poll(EXCHANGE) {
                Some(Ok(message)) => {
                    if let Ok(envelope) = v1::Envelope::decode(message.payload().unwrap_or_default()) {
                        each(envelope);
                    } else {
                        tracing::warn!(partition = message.partition(), offset = message.offset(), "passing over a record that the relay did not write");
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(ended.insert(partition)),
                Some(Err(error)) => return Err(error),
                None => return Err(KafkaError::NoMessageReceived),
            }
        }
        Ok(())
    })
    .await
}

/// Up to where the relay's account says that everything is on the topic.
pub async fn published(pool: &PgPool, config: &KafkaConfig) -> Result<Position, sqlx::Error> {
    Ok(lease::read(pool, &config.log_topic).await?.map_or(Position(0), |published| published.position))
}
