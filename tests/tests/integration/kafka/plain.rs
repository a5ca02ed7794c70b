//! A stock client: what anyone sees who knows the topic's name and nothing of Carelog.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use event_store::PARTITIONS;
use kafka::KafkaConfig;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

/// A record as the client got it.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    pub partition: i32,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub headers: BTreeMap<String, String>,
    pub timestamp: i64,
}

impl Record {
    pub fn number(&self, header: &str) -> i64 {
        self.headers[header].parse().unwrap()
    }
}

/// Every record of the log's topic, partition by partition.
pub async fn read(config: &KafkaConfig, isolation: &'static str) -> Vec<Record> {
    read_topic(config, config.log_topic.clone(), PARTITIONS.into(), isolation).await
}

/// Every record of a topic, partition by partition.
pub async fn read_topic(config: &KafkaConfig, topic: String, partitions: i32, isolation: &'static str) -> Vec<Record> {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.brokers).set("group.id", "test").set("enable.partition.eof", "true").set("isolation.level", isolation);
    let consumer: BaseConsumer = client.create().unwrap();
    let whole: BaseConsumer = client.set("isolation.level", "read_uncommitted").create().unwrap();
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(&topic, partition, Offset::Beginning).unwrap();
    }
    let read = move || {
        settle(&consumer, &whole, &topic, partitions);
        consumer.assign(&assignment).unwrap();
        to_the_end(&consumer, partitions)
    };
    let mut records = tokio::task::spawn_blocking(read).await.unwrap();
    records.sort_by_key(|record| record.partition);
    records
}

/// What is committed is shown to readers a moment later. Waits until nothing is hidden, or long enough to say that a transaction is open.
fn settle(consumer: &BaseConsumer, whole: &BaseConsumer, topic: &str, partitions: i32) {
    let end = |consumer: &BaseConsumer, partition| consumer.fetch_watermarks(topic, partition, Duration::from_secs(30)).unwrap().1;
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until && (0..partitions).any(|partition| end(consumer, partition) < end(whole, partition)) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn to_the_end(consumer: &BaseConsumer, partitions: i32) -> Vec<Record> {
    let (mut records, mut ended) = (Vec::new(), 0);
    while ended < partitions {
        match consumer.poll(Duration::from_secs(30)).expect("the broker answers") {
            Ok(message) => records.push(Record {
                partition: message.partition(),
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().unwrap_or_default().to_vec(),
                headers: message.headers().into_iter().flat_map(Headers::iter).map(|header| (header.key.to_owned(), text(header.value))).collect(),
                timestamp: message.timestamp().to_millis().unwrap(),
            }),
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
        }
    }
    records
}

fn text(bytes: Option<&[u8]>) -> String {
    std::str::from_utf8(bytes.unwrap()).unwrap().to_owned()
}

/// In each partition every record names the one before it.
pub fn assert_chained(records: &[Record]) {
    let mut last = BTreeMap::new();
    for record in records {
        let prev = last.insert(record.partition, record.number("position")).unwrap_or(0);
        assert_eq!(record.number("prev"), prev, "partition {} at position {}", record.partition, record.number("position"));
    }
}
