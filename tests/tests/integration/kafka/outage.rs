//! Brokers that are away.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use event_store::{EventStore, Position, Stored};
use kafka::{KafkaConfig, LogConsumer, Phase};

use super::consumer::all;
use super::{PATIENCE, TestTopic};

/// A Kafka of the test's own, which is gone with its data at the end.
pub struct OwnKafka {
    script: PathBuf,
    pub folder: PathBuf,
    pub port: u16,
}

impl OwnKafka {
    /// `None` where `CARELOG_TEST_SERVERS` does not say how.
    pub fn start() -> Option<Self> {
        let script = PathBuf::from(std::env::var_os("CARELOG_TEST_SERVERS")?);
        // The controller takes the next port.
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        let port = std::iter::repeat_with(|| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()).find(|port| free(port + 1)).unwrap();
        let folder = std::env::temp_dir().join(format!("carelog-kafka-{}", event_store::fresh_id().simple()));
        let own = Self { script, folder, port };
        own.run("start");
        Some(own)
    }

    pub fn run(&self, command: &str) {
        let status = self.command(command).status().expect("CARELOG_TEST_SERVERS names a program");
        assert!(status.success(), "servers {command}: {status}");
    }

    fn command(&self, command: &str) -> Command {
        let mut program = Command::new(&self.script);
        program.args([command, "kafka"]).env("CARELOG_DATA", &self.folder).env("CARELOG_KAFKA_PORT", self.port.to_string());
        program
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        self.command("erase").status().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_away_is_caught_up_with() {
    let Some(kafka) = OwnKafka::start() else { return };
    let topic = TestTopic::at(format!("127.0.0.1:{}", kafka.port)).await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(20).await).await;
    let follower = tokio::spawn(follow(topic.config.clone(), topic.log.store.clone(), 171));
    kafka.run("stop");
    let last = topic.append_some(50).await;
    relay.reaches(|state| state.phase == Phase::Retrying && state.lag() > 0 && state.trouble.as_ref().is_some_and(|trouble| trouble.kind == "kafka")).await;
    kafka.run("start");
    relay.published(last).await;
    relay.reaches(|state| state.phase == Phase::Publishing && state.trouble.is_none()).await;
    // Killed in the middle of the work.
    topic.append_some(50).await;
    kafka.run("kill");
    topic.append_some(50).await;
    kafka.run("start");
    relay.published(topic.append_some(1).await).await;
    relay.stop().await.unwrap();
    topic.holds_the_log().await;
    let followed = tokio::time::timeout(PATIENCE, follower).await.expect("the follower comes to the end").unwrap();
    assert_eq!(followed, topic.stored().await);
    drop(topic);
}

/// Reads this many events as a projection does: after an error it opens the topic again where it stands.
async fn follow(config: KafkaConfig, store: EventStore, count: usize) -> Vec<Stored> {
    let (mut events, mut applied) = (Vec::new(), BTreeMap::from_iter(all(Position(0))));
    while events.len() < count {
        let from: Vec<_> = applied.clone().into_iter().collect();
        let Ok(mut consumer) = LogConsumer::open(&config, store.clone(), &from).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        while events.len() < count
            && let Ok(stretches) = consumer.next().await
        {
            for stretch in stretches {
                applied.insert(stretch.partition, stretch.through);
                events.extend(stretch.events);
            }
        }
    }
    events.sort_by_key(|event| event.position);
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_it_says_so_and_still_stops_at_once() {
    // Nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let topic = TestTopic::at(format!("127.0.0.1:{port}")).await;
    topic.append_some(7).await;
    let mut relay = topic.relay().await;
    relay.enters(Phase::Retrying).await;
    assert_eq!((relay.state.borrow().lag(), relay.state.borrow().trouble.as_ref().unwrap().kind), (7, "kafka"));
    relay.enters(Phase::Starting).await;
    let asked = Instant::now();
    relay.stop().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5), "the brokers' time-outs are not waited for");
}
