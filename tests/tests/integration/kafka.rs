//! The log on a real Kafka: what the relay publishes, through every interruption, and what reads it back.

mod consumer;
mod copies;
mod interruptions;
pub mod outage;
pub mod plain;
mod relay;
mod restored;
mod source;
mod topics;

use std::time::Duration;

use event_schemas::examples::examples;
use event_store::{Clock, Position, Stored, fresh_id};
use kafka::{Halted, KafkaConfig, Phase, Relay, RelayState};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::{Kind, TestLog};
use plain::Record;

/// Long enough for a machine that does ten things at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log, and topics of its own on the broker that `KAFKA_BROKERS` names.
pub struct TestTopic {
    pub log: TestLog,
    pub config: KafkaConfig,
}

impl TestTopic {
    pub async fn new() -> Self {
        Self::at(std::env::var("KAFKA_BROKERS").expect("KAFKA_BROKERS names a broker; `make test` starts one")).await
    }

    async fn at(brokers: impl Into<String>) -> Self {
        let log = TestLog::new().await;
        kafka::migrate(&log.owner).await.unwrap();
        Self { log, config: own_topics(brokers) }
    }

    /// A relay as a process of its own has it.
    pub async fn relay(&self) -> RunningRelay {
        self.relay_of(&self.log).await
    }

    async fn relay_of(&self, log: &TestLog) -> RunningRelay {
        let store = log.databases.store(Clock::system()).await;
        let relay = Relay::new(self.config.clone(), store, log.databases.pool(Kind::Log));
        let (stop, stopped) = watch::channel(false);
        RunningRelay { state: relay.state(), stop, task: tokio::spawn(relay.run(stopped)) }
    }

    /// Appends an example of every event for each of some tenants, and says where the log ends then.
    async fn append_examples(&self, tenants: usize) -> Position {
        let mut last = Position(0);
        for _ in 0..tenants {
            let events = examples().into_iter().map(|example| example.event).collect();
            last = self.append(events).await;
        }
        last
    }

    /// Appends one event each for some tenants.
    pub async fn append_some(&self, tenants: usize) -> Position {
        let mut last = Position(0);
        for example in examples().iter().cycle().take(tenants) {
            last = self.append(vec![example.event.clone()]).await;
        }
        last
    }

    /// Appends for a tenant that is new every time.
    async fn append(&self, events: Vec<domain::Event>) -> Position {
        let mut append = self.log.append(events).await;
        append.tenant = domain::TenantId(fresh_id());
        self.log.store.append(append).await.unwrap().position
    }

    async fn stored(&self) -> Vec<Stored> {
        self.log.store.stored(Position(0), 1_000_000).await.unwrap()
    }

    /// Everything committed.
    async fn records(&self) -> Vec<Record> {
        plain::read(&self.config, "read_committed").await
    }

    /// What Kafka holds is the log: every event once, in its partition's order, chained without a gap.
    async fn holds_the_log(&self) {
        let records = self.records().await;
        let mut positions: Vec<i64> = records.iter().map(|record| record.number("position")).collect();
        positions.sort_unstable();
        let head = self.log.store.head().await.unwrap();
        assert_eq!(positions, (1..=head.0).collect::<Vec<_>>());
        plain::assert_chained(&records);
    }
}

impl Drop for TestTopic {
    fn drop(&mut self) {
        delete_topics(&self.config);
    }
}

/// Topics of a test's own.
pub fn own_topics(brokers: impl Into<String>) -> KafkaConfig {
    let run = format!("test-{}-{}", std::process::id(), fresh_id().simple());
    KafkaConfig { log_topic: format!("{run}.log"), dead_letter_topic: format!("{run}.dead-letter"), ..KafkaConfig::new(brokers) }
}

/// Best effort: a broker with a thousand topics is a slow one.
pub fn delete_topics(config: &KafkaConfig) {
    let config = config.clone();
    let deleting = std::thread::spawn(move || {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().ok()?;
        let topics = [config.log_topic.as_str(), config.dead_letter_topic.as_str()];
        let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(5)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(admin.delete_topics(&topics, &options)).ok()
    });
    drop(deleting.join());
}

/// A relay under way.
pub struct RunningRelay {
    state: watch::Receiver<RelayState>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), Halted>>,
}

impl RunningRelay {
    pub async fn published(&mut self, position: Position) {
        self.reaches(|state| state.published >= position).await;
    }

    async fn enters(&mut self, phase: Phase) {
        self.reaches(|state| state.phase == phase).await;
    }

    async fn reaches(&mut self, goal: impl FnMut(&RelayState) -> bool) {
        let reached = tokio::time::timeout(PATIENCE, self.state.wait_for(goal)).await.is_ok_and(|result| result.is_ok());
        assert!(reached, "the relay is at {:?}", self.state.borrow());
    }

    pub async fn stop(self) -> Result<(), Halted> {
        self.stop.send_replace(true);
        self.end().await
    }

    /// How it ends by itself.
    async fn end(self) -> Result<(), Halted> {
        tokio::time::timeout(PATIENCE, self.task).await.expect("the relay ends").expect("the relay does not panic")
    }

    /// Ends it as a crash would, wherever it is.
    async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}
