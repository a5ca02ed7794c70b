//! The transactional producer: a range of events is on Kafka whole, or not at all.

use std::time::{Duration, Instant};

use event_store::{Stored, partition_of};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::config::{EXCHANGE, KafkaConfig, LARGEST_RECORD, Quiet};
use crate::record::{Link, encode, headers, key};

/// A producer that has taken over from whoever was the relay before. After an error it is good for nothing: what came of its transaction is not known, and the next
/// one to be opened settles it. Every method blocks.
pub(crate) struct Producer {
    /// There until it is dropped.
    client: Option<BaseProducer<Quiet>>,
    topic: String,
}

impl Drop for Producer {
    fn drop(&mut self) {
        // It takes a moment to end, and whoever drops it may be a thread of the runtime.
        let client = self.client.take();
        std::thread::spawn(move || drop(client));
    }
}

impl Producer {
    /// Fences every earlier producer, and waits until what they left is committed or aborted.
    pub(crate) fn open(config: &KafkaConfig) -> Result<Self, KafkaError> {
        let mut client = config.client();
        client.set("transactional.id", config.transactional_id()).set("enable.idempotence", "true").set("acks", "all");
        // A dead relay's open transaction ends after this time even if nobody takes over.
        client.set("transaction.timeout.ms", "30000").set("message.timeout.ms", EXCHANGE.as_millis().to_string());
        client.set("message.max.bytes", LARGEST_RECORD.to_string()).set("compression.type", "lz4");
        // Whoever waits for a subscription's message waits for this as well.
        client.set("linger.ms", "0").set("retry.backoff.ms", "20");
        let producer: BaseProducer<Quiet> = FromClientConfigAndContext::from_config_and_context(&client, Quiet)?;
        producer.init_transactions(EXCHANGE)?;
        Ok(Self { client: Some(producer), topic: config.log_topic.clone() })
    }

    /// Publishes events in one transaction. There is at least one: librdkafka takes an empty transaction for a fatal error.
    pub(crate) fn publish(&self, events: &[(Stored, Link)]) -> Result<(), KafkaError> {
        assert!(!events.is_empty(), "a transaction is never empty");
        let Some(client) = &self.client else { return Err(KafkaError::Canceled) };
        client.begin_transaction()?;
        for (stored, link) in events {
            self.enqueue(client, stored, *link)?;
        }
        drain(client)?;
        client.commit_transaction(EXCHANGE)
    }

    fn enqueue(&self, client: &BaseProducer<Quiet>, stored: &Stored, link: Link) -> Result<(), KafkaError> {
        let value = encode(stored, link);
        let mut record = BaseRecord::to(&self.topic)
            .partition(partition_of(stored.tenant).into())
            .key(key(&stored.subject))
            .payload(&value)
            .headers(headers(stored, link))
            .timestamp(stored.recorded.timestamp_millis());
        let end = Instant::now() + EXCHANGE;
        loop {
            match client.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) if Instant::now() < end => record = refused,
                Err((error, _)) => return Err(error),
            }
            client.poll(Duration::from_millis(1));
        }
    }
}

/// Waits until every record is delivered or given up. The library's own flush, which a commit begins with, looks only ten times a second.
fn drain(client: &BaseProducer<Quiet>) -> Result<(), KafkaError> {
    let end = Instant::now() + 2 * EXCHANGE;
    while client.in_flight_count() > 0 {
        if Instant::now() > end {
            return Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut));
        }
        client.poll(Duration::from_millis(1));
    }
    Ok(())
}
