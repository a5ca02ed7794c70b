//! Topics are made as they must be, and are never changed when they are not.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka::topics::{TopicError, ensure};
use kafka::{Halted, KafkaConfig, Phase};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;

use super::TestTopic;

fn admin(config: &KafkaConfig) -> (AdminClient<DefaultClientContext>, AdminOptions) {
    let admin = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    (admin, AdminOptions::new().operation_timeout(Some(Duration::from_secs(30))))
}

/// Deletes the log's topic, and waits until it is gone.
pub async fn delete(config: &KafkaConfig) {
    let (admin, options) = admin(config);
    admin.delete_topics(&[&config.log_topic], &options).await.unwrap()[0].as_ref().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
}

async fn settings(config: &KafkaConfig, topic: &str) -> BTreeMap<String, String> {
    let (admin, options) = admin(config);
    let described = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await.unwrap().remove(0).unwrap();
    described.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect()
}

fn partitions(config: &KafkaConfig, topic: &str) -> usize {
    admin(config).0.inner().fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap().topics()[0].partitions().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_topics_are_made_with_their_settings() {
    let topic = TestTopic::new().await;
    ensure(&topic.config).await.unwrap();
    ensure(&topic.config).await.unwrap();
    assert_eq!(partitions(&topic.config, &topic.config.log_topic), usize::from(event_store::PARTITIONS));
    for name in [&topic.config.log_topic, &topic.config.dead_letter_topic] {
        let settings = settings(&topic.config, name).await;
        assert_eq!(settings["retention.ms"], "-1");
        assert_eq!(settings["cleanup.policy"], "delete");
        assert_eq!(settings["max.message.bytes"], "4194304");
        assert_eq!(settings["min.insync.replicas"], "1");
    }
}

/// A topic of somebody else's making, right but for what is said.
async fn made_by_hand(config: &KafkaConfig, partitions: i32, retention: &str) {
    let (admin, options) = admin(config);
    let settings = [("cleanup.policy", "delete"), ("retention.bytes", "-1"), ("retention.ms", retention), ("max.message.bytes", "8388608")];
    let new = NewTopic::new(&config.log_topic, partitions, TopicReplication::Fixed(1)).set("message.timestamp.after.max.ms", "9223372036854775807");
    let new = settings.into_iter().fold(new, |new, (setting, value)| new.set(setting, value));
    admin.create_topics([&new], &options).await.unwrap()[0].as_ref().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_another_number_of_partitions_halts_the_relay() {
    let topic = TestTopic::new().await;
    made_by_hand(&topic.config, 3, "-1").await;
    let mut relay = topic.relay().await;
    relay.enters(Phase::Halted).await;
    assert_eq!(relay.state.borrow().trouble.as_ref().unwrap().kind, "topic");
    let Err(Halted::TopicDiffers(differs)) = relay.end().await else { panic!("it halts") };
    assert_eq!((differs.setting, differs.found.as_str(), differs.needed.as_str()), ("partitions", "3", "8"));
    assert_eq!(partitions(&topic.config, &topic.config.log_topic), 3, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_would_lose_history_is_refused() {
    let topic = TestTopic::new().await;
    made_by_hand(&topic.config, 8, "86400000").await;
    let Err(TopicError::Differs(differs)) = ensure(&topic.config).await else { panic!("it is refused") };
    assert_eq!((differs.setting, differs.found.as_str(), differs.needed.as_str()), ("retention.ms", "86400000", "-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_by_hand_and_suits_is_taken() {
    let topic = TestTopic::new().await;
    made_by_hand(&topic.config, 8, "-1").await;
    ensure(&topic.config).await.unwrap();
}
