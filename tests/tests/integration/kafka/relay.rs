//! What arrives on Kafka.

use event_schemas::examples::examples;
use event_schemas::log::v1::Envelope;
use event_store::{PARTITIONS, Stored, partition_of};
use kafka::decode;
use prost::Message as _;
use serde_json::Value;

use super::TestTopic;
use super::plain::Record;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_arrives_once_in_order_and_whole() {
    let topic = TestTopic::new().await;
    let before = topic.append_examples(3).await;
    let mut relay = topic.relay().await;
    relay.published(before).await;
    let after = topic.append_examples(3).await;
    relay.published(after).await;
    relay.stop().await.unwrap();

    topic.holds_the_log().await;
    let (stored, records) = (topic.stored().await, topic.records().await);
    for record in &records {
        let position = record.number("position");
        assert_as_stored(record, &stored[usize::try_from(position - 1).unwrap()]);
    }
    let used = records.iter().map(|record| record.partition).collect::<std::collections::BTreeSet<_>>();
    assert!(used.len() > 1 && used.iter().all(|partition| *partition < PARTITIONS.into()), "{used:?}");
}

fn assert_as_stored(record: &Record, stored: &Stored) {
    let header = |name: &str| record.headers[name].as_str();
    assert_eq!(record.partition, i32::from(partition_of(stored.tenant)));
    assert_eq!(record.timestamp, stored.recorded.timestamp_millis());
    assert_eq!(format!("{}/{}", stored.subject.split_once('/').unwrap().0, std::str::from_utf8(&record.key).unwrap()), stored.subject);

    let (decoded, link) = decode(&record.value).unwrap();
    assert_eq!(decoded, *stored);
    assert_eq!((link.epoch, link.position.0, link.prev.0), (record.number("epoch"), record.number("position"), record.number("prev")));
    assert_eq!(link.epoch, 1);

    assert_eq!(header("content-type"), "application/protobuf");
    assert_eq!(header("ce_specversion"), "1.0");
    assert_eq!(header("ce_id"), stored.event_id.to_string());
    assert_eq!(header("ce_source"), format!("carelog/{}", stored.tenant));
    assert_eq!(header("ce_type"), format!("carelog.{}", stored.event_type));
    assert_eq!(header("ce_subject"), stored.subject);
    assert_eq!(header("ce_time").parse::<chrono::DateTime<chrono::Utc>>().unwrap(), stored.recorded);
    assert_eq!(header("ce_dataschema"), format!("urn:carelog:protobuf:carelog.log.v1.Envelope#{}.v{}", stored.event_type, stored.version));
    assert_eq!(header("ce_correlationid"), stored.correlation.to_string());
    assert_eq!(record.headers.get("ce_causationid"), stored.causation.map(|id| id.to_string()).as_ref());

    // And with the generated type alone, as another team's consumer reads it.
    let envelope = Envelope::decode(record.value.as_slice()).unwrap();
    assert_eq!((envelope.payload.as_str(), &envelope.sealed), (stored.payload.as_str(), &stored.sealed));
    assert_eq!(envelope.event_id, stored.event_id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_protected_is_on_kafka_in_clear() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_examples(1).await).await;
    relay.stop().await.unwrap();
    let halves: Vec<_> = examples().iter().map(|example| example.event.split().unwrap()).collect();
    let clear: String = halves.iter().map(|(clear, _)| clear.to_string()).collect();
    let protected = halves.into_iter().flat_map(|(_, protected)| protected.into_known().unwrap());
    // Codes and short texts stand elsewhere too, by right or by chance.
    let code = |text: &String| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let needles: Vec<String> = protected.flat_map(|value| texts(&value)).filter(|text| text.len() >= 6 && !code(text) && !clear.contains(text)).collect();
    assert!(needles.iter().any(|needle| needle == "Quillfeather") && needles.len() > 40);
    for record in topic.records().await {
        let clear = record.headers.iter().map(|(name, value)| format!("{name}{value}")).collect::<String>();
        let everything = [record.key.as_slice(), record.value.as_slice(), clear.as_bytes()].concat();
        for needle in &needles {
            let found = everything.windows(needle.len()).any(|window| window == needle.as_bytes());
            assert!(!found, "a protected value is in the record of {}", record.headers["ce_type"]);
        }
    }
}

/// Every text in a JSON value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
