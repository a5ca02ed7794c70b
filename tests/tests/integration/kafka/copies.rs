//! Records that a test writes itself: copies of the relay's, left out, doubled or changed.

use std::time::Duration;

use event_schemas::log::v1::Envelope;
use kafka::KafkaConfig;
use prost::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::plain::Record;

/// Writes records to the log's topic as an ordinary producer.
pub fn write(config: &KafkaConfig, records: &[Record]) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
    send(&producer, config, records);
}

/// Writes records in a transaction of the relay's own identity, and leaves it open.
pub fn write_uncommitted(config: &KafkaConfig, records: &[Record]) -> BaseProducer {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &config.brokers).set("transactional.id", config.transactional_id());
    let producer: BaseProducer = client.create().unwrap();
    producer.init_transactions(Duration::from_secs(30)).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, config, records);
    producer
}

fn send(producer: &BaseProducer, config: &KafkaConfig, records: &[Record]) {
    for record in records {
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
        let sent = BaseRecord::to(&config.log_topic).partition(record.partition).key(&record.key).payload(&record.value).headers(headers);
        producer.send(sent.timestamp(record.timestamp)).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

/// The same record in another place of the chain.
pub fn relinked(record: &Record, epoch: i64, position: i64, prev: i64) -> Record {
    let mut envelope = Envelope::decode(record.value.as_slice()).unwrap();
    (envelope.epoch, envelope.position, envelope.prev) = (epoch, position, prev);
    let mut copy = Record { value: envelope.encode_to_vec(), ..record.clone() };
    for (name, value) in [("epoch", epoch), ("position", position), ("prev", prev)] {
        copy.headers.insert(name.to_owned(), value.to_string());
    }
    copy
}
