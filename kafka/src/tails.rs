//! How far the log's topic goes: the last committed record of each partition.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use event_store::PARTITIONS;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{EXCHANGE, KafkaConfig, Quiet};
use crate::record::{Link, link};

/// The last committed record of each partition that has one. Blocks.
pub(crate) fn read(config: &KafkaConfig) -> Result<BTreeMap<u16, Link>, KafkaError> {
    let mut client = config.reader();
    // The end of a partition is told with an answer that holds nothing, which a broker holds back for so long.
    client.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
    let consumer: BaseConsumer<Quiet> = FromClientConfigAndContext::from_config_and_context(&client, Quiet)?;
    let mut tails = BTreeMap::new();
    // Where the search goes on, for each partition without a tail yet: markers of transactions, and what was never committed, take offsets too.
    let mut open = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let (low, high) = watermarks(&consumer, &config.log_topic, partition)?;
        if high > low {
            open.insert(partition, (low, high));
        }
    }
    let mut step = 16;
    while !open.is_empty() {
        let starts = open.iter().map(|(partition, (low, end))| (*partition, (end - step).max(*low))).collect();
        tails.extend(last_from(&consumer, &config.log_topic, &starts)?);
        open.retain(|partition, (low, end)| {
            *end = starts[partition];
            !tails.contains_key(partition) && *end > *low
        });
        step *= 8;
    }
    Ok(tails)
}

/// Whether the topic has ever been written to since it was made. By the partitions' ends and not by what can be read: a transaction's records are hidden from
/// readers for a moment after its commit, and the end that they are told of lies before them. Blocks.
pub(crate) fn is_empty(config: &KafkaConfig) -> Result<bool, KafkaError> {
    let mut client = config.reader();
    client.set("isolation.level", "read_uncommitted");
    let consumer: BaseConsumer<Quiet> = FromClientConfigAndContext::from_config_and_context(&client, Quiet)?;
    for partition in 0..PARTITIONS {
        let (low, high) = watermarks(&consumer, &config.log_topic, partition)?;
        if high > low {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where a partition begins and ends. A topic that was made a moment ago has partitions that no broker leads yet; they are asked again.
fn watermarks(consumer: &BaseConsumer<Quiet>, topic: &str, partition: u16) -> Result<(i64, i64), KafkaError> {
    let give_up = Instant::now() + EXCHANGE;
    loop {
        let answer = consumer.fetch_watermarks(topic, partition.into(), EXCHANGE);
        let leaderless = matches!(
            answer.as_ref().err().and_then(KafkaError::rdkafka_error_code),
            Some(RDKafkaErrorCode::NotLeaderForPartition | RDKafkaErrorCode::LeaderNotAvailable)
        );
        if !leaderless || Instant::now() >= give_up {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Reads each partition from its start to its end, and keeps the last record.
fn last_from(consumer: &BaseConsumer<Quiet>, topic: &str, starts: &BTreeMap<u16, i64>) -> Result<BTreeMap<u16, Link>, KafkaError> {
    let mut assignment = TopicPartitionList::new();
    for (partition, start) in starts {
        assignment.add_partition_offset(topic, i32::from(*partition), Offset::Offset(*start))?;
    }
    consumer.assign(&assignment)?;
    let (mut last, mut ended) = (BTreeMap::new(), 0);
    while ended < starts.len() {
        match consumer.poll(EXCHANGE) {
            Some(Ok(message)) => {
                let found = u16::try_from(message.partition()).ok().zip(link(message.headers()).ok());
                if found.is_none() {
                    tracing::warn!(topic, partition = message.partition(), offset = message.offset(), "passing over a record that the relay did not write");
                }
                last.extend(found);
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => return Err(error),
            None => return Err(KafkaError::NoMessageReceived),
        }
    }
    Ok(last)
}
