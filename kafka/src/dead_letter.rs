//! The topic of what workers could not handle: which event of whom, and why. The event itself stays in the log.

use std::sync::Arc;

use domain::TenantId;
use event_store::Position;
use futures::FutureExt;
use projections::{DeadLetter, DeadLetters};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde::Serialize;

use crate::config::{EXCHANGE, KafkaConfig, Quiet};
use crate::record::key;

/// The value of a record.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Value<'letter> {
    projection: &'letter str,
    tenant: TenantId,
    subject: &'letter str,
    position: Position,
    event_type: &'letter str,
    reason: &'letter str,
}

/// Takes dead letters to Kafka. Each is there when its future completes.
pub fn dead_letters(config: &KafkaConfig) -> Result<DeadLetters, KafkaError> {
    let mut client = config.client();
    client.set("enable.idempotence", "true").set("message.timeout.ms", EXCHANGE.as_millis().to_string());
    let producer: FutureProducer<Quiet> = FromClientConfigAndContext::from_config_and_context(&client, Quiet)?;
    let topic = config.dead_letter_topic.clone();
    Ok(Arc::new(move |letter| {
        let (producer, topic) = (producer.clone(), topic.clone());
        async move { send(&producer, &topic, &letter).await }.boxed()
    }))
}

async fn send(producer: &FutureProducer<Quiet>, topic: &str, letter: &DeadLetter) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let DeadLetter { projection, tenant, subject, position, event_type, reason, .. } = letter;
    let value = serde_json::to_vec(&Value { projection, tenant: *tenant, subject, position: *position, event_type, reason })?;
    let headers = OwnedHeaders::new().insert(Header { key: "content-type", value: Some("application/json") });
    let record = FutureRecord::to(topic).key(key(subject)).payload(&value).headers(headers);
    producer.send(record, EXCHANGE).await.map_err(|(error, _)| error)?;
    Ok(())
}
