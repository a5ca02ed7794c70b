//! The consumer: nothing missed, nothing twice, whatever the topic holds.

use std::collections::BTreeMap;
use std::time::Duration;

use event_store::{PARTITIONS, Position, Stored, partition_of};
use kafka::{LogConsumer, topics};

use super::plain::Record;
use super::{PATIENCE, TestTopic, copies};

const A_MOMENT: Duration = Duration::from_millis(300);

/// Every partition at the same position.
pub fn all(position: Position) -> Vec<(u16, Position)> {
    (0..PARTITIONS).map(|partition| (partition, position)).collect()
}

/// The consumer hands out these events, given in the order of positions, and nothing more; each partition in its order.
pub async fn assert_hands_out(mut consumer: LogConsumer, expected: &[Stored]) {
    let (mut events, mut through) = (Vec::<Stored>::new(), BTreeMap::new());
    let reading = async {
        // At the end a moment longer, for what must not come.
        while let Ok(stretches) = tokio::time::timeout(if events.len() < expected.len() { PATIENCE } else { A_MOMENT }, consumer.next()).await {
            for stretch in stretches.unwrap() {
                let before = through.insert(stretch.partition, stretch.through).unwrap_or_default();
                assert!(stretch.events.iter().all(|event| event.position > before && event.position <= stretch.through));
                assert!(stretch.events.iter().all(|event| partition_of(event.tenant) == stretch.partition));
                assert!(stretch.events.is_sorted_by_key(|event| event.position));
                events.extend(stretch.events);
            }
        }
    };
    reading.await;
    events.sort_by_key(|event| event.position);
    let positions = |events: &[Stored]| events.iter().map(|event| event.position.0).collect::<Vec<_>>();
    assert_eq!(positions(&events), positions(expected));
    assert!(events == expected, "an event is not as it is stored");
}

/// A log of 60 events on Kafka, and its records.
async fn published() -> (TestTopic, Vec<Record>) {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(60).await).await;
    relay.stop().await.unwrap();
    let records = topic.records().await;
    (topic, records)
}

/// The same log with another topic, which holds these records.
async fn with_records(topic: TestTopic, records: &[Record]) -> TestTopic {
    super::topics::delete(&topic.config).await;
    topics::ensure(&topic.config).await.unwrap();
    copies::write(&topic.config, records);
    topic
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_the_log_from_any_position() {
    let (topic, _) = published().await;
    let stored = topic.stored().await;
    for after in [0, 1, 17, 59] {
        let consumer = LogConsumer::open(&topic.config, topic.log.store.clone(), &all(Position(after))).await.unwrap();
        assert_hands_out(consumer, &stored[usize::try_from(after).unwrap()..]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_what_comes() {
    let (topic, _) = published().await;
    let mut consumer = LogConsumer::open(&topic.config, topic.log.store.clone(), &all(Position(60))).await.unwrap();
    assert!(tokio::time::timeout(A_MOMENT, consumer.next()).await.is_err(), "there is nothing yet");
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(1).await).await;
    let stretches = tokio::time::timeout(PATIENCE, consumer.next()).await.unwrap().unwrap();
    assert_eq!(stretches.iter().map(|stretch| stretch.through).collect::<Vec<_>>(), [Position(61)]);
    relay.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_stand_apart_are_each_read_from_their_own_place() {
    let (topic, _) = published().await;
    let applied: Vec<(u16, Position)> = (0..PARTITIONS).map(|partition| (partition, Position(i64::from(partition) * 7))).collect();
    let consumer = LogConsumer::open(&topic.config, topic.log.store.clone(), &applied).await.unwrap();
    let expected: Vec<Stored> = topic.stored().await.into_iter().filter(|event| event.position > applied[usize::from(partition_of(event.tenant))].1).collect();
    assert_hands_out(consumer, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_refilled_from_the_log() {
    let (topic, records) = published().await;
    // The last of each partition stays: a gap is seen by what follows it.
    let followed = |record: &Record| records.iter().any(|other| other.partition == record.partition && other.number("prev") == record.number("position"));
    let kept: Vec<Record> = records.iter().filter(|record| record.number("position") % 3 != 0 || !followed(record)).cloned().collect();
    assert!(kept.len() < 55);
    let topic = with_records(topic, &kept).await;
    let consumer = LogConsumer::open(&topic.config, topic.log.store.clone(), &all(Position(0))).await.unwrap();
    assert_hands_out(consumer, &topic.stored().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_prev_is_a_gap_too() {
    let (topic, records) = published().await;
    let partition = records.last().unwrap().partition;
    let own: Vec<&Record> = records.iter().filter(|record| record.partition == partition).collect();
    let (last, before) = (own[own.len() - 1].number("position"), own[own.len() - 2].number("position"));
    // Nothing but the last record is there, and it names the one before it, which the consumer has never seen.
    let topic = with_records(topic, &[copies::relinked(own[own.len() - 1], 1, last, before)]).await;
    let consumer = LogConsumer::open(&topic.config, topic.log.store.clone(), &all(Position(0))).await.unwrap();
    let expected: Vec<Stored> = topic.stored().await.into_iter().filter(|event| i32::from(partition_of(event.tenant)) == partition).collect();
    assert_hands_out(consumer, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubles_and_foreign_records_are_passed_over() {
    let (topic, records) = published().await;
    let foreign = Record { value: b"not an envelope".to_vec(), ..records[0].clone() };
    let doubled: Vec<Record> = records.iter().flat_map(|record| [record.clone(), foreign.clone(), record.clone()]).chain(records.clone()).collect();
    let topic = with_records(topic, &doubled).await;
    let consumer = LogConsumer::open(&topic.config, topic.log.store.clone(), &all(Position(0))).await.unwrap();
    assert_hands_out(consumer, &topic.stored().await).await;
}
