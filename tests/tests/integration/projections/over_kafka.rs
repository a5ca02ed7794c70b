//! The same suite with Kafka as the live source, and a relay that publishes the log there.

use event_store::Clock;
use kafka::{KafkaConfig, Relay};
use projections::OpenSource;
use tokio::sync::watch;

use super::ReadSide;
use crate::harness::Kind;
use crate::kafka::{delete_topics, own_topics};

/// A relay of the side's log, and its topics; both go when it is dropped.
struct Relayed {
    config: KafkaConfig,
    _stop: watch::Sender<bool>,
}

impl Drop for Relayed {
    fn drop(&mut self) {
        delete_topics(&self.config);
    }
}

async fn kafka(side: &ReadSide) -> (OpenSource, Relayed) {
    kafka::migrate(&side.log.owner).await.unwrap();
    let config = own_topics(std::env::var("KAFKA_BROKERS").expect("KAFKA_BROKERS names a broker; `make test` starts one"));
    let store = side.log.databases.store(Clock::system()).await;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(Relay::new(config.clone(), store, side.log.databases.pool(Kind::Log)).run(stopped));
    let open = kafka::open_source(config.clone(), side.log.store.clone(), side.log.databases.pool(Kind::Log));
    (open, Relayed { config, _stop: stop })
}

super::suite::over_source!(self::kafka);
