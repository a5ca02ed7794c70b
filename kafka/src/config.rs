//! Where Kafka is, and what the topics are called there.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};

/// How long one exchange with the brokers may take before it counts as failed.
pub(crate) const EXCHANGE: Duration = Duration::from_secs(10);

/// The largest record: an event of the log stays well below, and the brokers' usual limit of 1 MiB is lifted for these topics.
pub(crate) const LARGEST_RECORD: usize = 4 * 1024 * 1024;

/// Where Kafka is, and what the topics are called there.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// The brokers, host:port, separated by commas.
    pub brokers: String,
    /// The topic of the whole log, `carelog.log.v1`.
    pub log_topic: String,
    /// The topic of what workers could not handle, `carelog.dead-letter.v1`.
    pub dead_letter_topic: String,
    /// On how many brokers each record is kept.
    pub replication: i32,
    /// How many of them must have a record before it counts as written.
    pub in_sync: i32,
}

impl KafkaConfig {
    /// One broker for development: each record is kept once.
    pub fn new(brokers: impl Into<String>) -> Self {
        let (log_topic, dead_letter_topic) = ("carelog.log.v1".to_owned(), "carelog.dead-letter.v1".to_owned());
        Self { brokers: brokers.into(), log_topic, dead_letter_topic, replication: 1, in_sync: 1 }
    }

    /// The relay's identity to the brokers. One at a time holds it, and whoever takes it ends what the one before left open.
    pub fn transactional_id(&self) -> String {
        format!("carelog-relay:{}", self.log_topic)
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers).set("client.id", "carelog");
        // A broker that is back is found again within a second.
        client.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "1000");
        client.set("socket.timeout.ms", EXCHANGE.as_millis().to_string()).set("socket.nagle.disable", "true");
        client.set_log_level(RDKafkaLogLevel::Warning);
        client
    }

    /// For reading the log's topic at offsets that are known: what is committed, and no consumer group.
    pub(crate) fn reader(&self) -> ClientConfig {
        let mut client = self.client();
        // librdkafka wants a group's name even where nothing joins one.
        client.set("group.id", "carelog-none").set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        client.set("isolation.level", "read_committed").set("auto.offset.reset", "error").set("allow.auto.create.topics", "false");
        client.set("fetch.message.max.bytes", LARGEST_RECORD.to_string());
        client
    }
}

/// Librdkafka's own account of what it does. It repeats each failed attempt; what comes of them is told where it is handled.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, message);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ConsumerContext for Quiet {}

impl ProducerContext for Quiet {
    type DeliveryOpaque = ();
    /// A record that was not delivered fails its transaction's commit.
    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
