//! A log that was put back to an older state.

use event_store::{Log, Position};
use kafka::{ConsumerError, Halted, LogConsumer, Phase};

use super::consumer::{all, assert_hands_out};
use super::{TestTopic, copies};
use crate::harness::TestLog;

#[tokio::test(flavor = "multi_thread")]
async fn kafka_ahead_of_the_log_halts_the_relay() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(5).await).await;
    relay.stop().await.unwrap();

    // The log as it was before, and its epoch was not raised.
    let restored = TestLog::new().await;
    kafka::migrate(&restored.owner).await.unwrap();
    let mut relay = topic.relay_of(&restored).await;
    relay.enters(Phase::Halted).await;
    assert_eq!(relay.state.borrow().trouble.as_ref().unwrap().kind, "ahead");
    let Err(Halted::KafkaAhead(ahead)) = relay.end().await else { panic!("it halts") };
    assert_eq!((ahead.epoch, ahead.head), (1, Position(0)));
    assert_eq!(topic.records().await.len(), 5, "nothing was published");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_epoch_raised_it_goes_on_and_readers_see_the_fork() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(60).await).await;
    relay.stop().await.unwrap();

    let restored = TestTopic { log: TestLog::new().await, config: topic.config.clone() };
    kafka::migrate(&restored.log.owner).await.unwrap();
    event_store::begin_epoch(&restored.log.owner, Log::Clinical).await.unwrap();
    let mut relay = restored.relay().await;
    relay.published(restored.append_some(60).await).await;
    relay.stop().await.unwrap();
    let records = topic.records().await;
    assert_eq!(records.iter().filter(|record| record.number("epoch") == 2).count(), 60);

    // Whoever applied the old life finds out, as soon as the new one reaches what was applied.
    let mut reader = LogConsumer::open(&topic.config, topic.log.store.clone(), &all(Position(0))).await.unwrap();
    let error = loop {
        match reader.next().await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let ConsumerError::Forked(forked) = error else { panic!("{error}") };
    assert_eq!(forked.at.epoch, 2);

    // Whoever starts in the new life gets the new life alone.
    let reader = LogConsumer::open(&topic.config, restored.log.store.clone(), &all(Position(0))).await.unwrap();
    assert_hands_out(reader, &restored.stored().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_of_a_later_epoch_halts_the_relay() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(5).await).await;
    relay.stop().await.unwrap();
    let records = topic.records().await;
    copies::write(&topic.config, &[copies::relinked(records.last().unwrap(), 2, 1, 0)]);
    let relay = topic.relay().await;
    let Err(Halted::KafkaAhead(ahead)) = relay.end().await else { panic!("it halts") };
    assert_eq!((ahead.tail.epoch, ahead.epoch), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_ahead_of_the_log_is_refused() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(5).await).await;
    relay.stop().await.unwrap();
    let opened = LogConsumer::open(&topic.config, topic.log.store.clone(), &all(Position(6))).await;
    assert!(matches!(opened, Err(ConsumerError::Ahead(Position(6)))));
}
