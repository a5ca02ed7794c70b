//! Kafka as the live source of a projection, and the topic of dead letters.

use std::collections::BTreeMap;

use domain::patients::PatientRegistered;
use domain::{Named, TenantId};
use event_store::{Position, fresh_id};
use kafka::{dead_letters, open_source, topics};
use projections::{DeadLetter, Source, Subscription};
use serde_json::{Value, json};

use super::consumer::all;
use super::{PATIENCE, TestTopic, plain};
use crate::harness::Kind;

async fn source(topic: &TestTopic, cursors: Vec<(u16, Position)>) -> Box<dyn Source> {
    let open = open_source(topic.config.clone(), topic.log.store.clone(), topic.log.databases.pool(Kind::Log));
    open(Subscription { projection: "test", schema: "test_v1".to_owned(), types: vec![PatientRegistered::TYPE], cursors }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_gives_opened_events_of_the_types_asked_for_and_moves_every_partition() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    let head = topic.append_examples(2).await;
    relay.published(head).await;
    let mut source = source(&topic, all(Position(0))).await;
    let (mut events, mut cursors) = (Vec::new(), BTreeMap::new());
    let reading = async {
        while cursors.len() < 8 || cursors.values().any(|position| *position < head) {
            let batch = source.next().await.unwrap();
            events.extend(batch.events.into_iter().map(|event| event.unwrap_or_else(|_| panic!("it opens"))));
            for (partition, position) in batch.through {
                let before = cursors.insert(partition, position);
                assert!(before.is_none_or(|before| before < position));
            }
        }
    };
    // Also the partitions without any event: whoever waits for the head would otherwise wait for ever.
    tokio::time::timeout(PATIENCE, reading).await.expect("every partition reaches the head");
    events.sort_by_key(|event| event.position);
    let registered: Vec<Position> =
        topic.stored().await.iter().filter(|event| event.event_type == "patients.PatientRegistered").map(|event| event.position).collect();
    assert_eq!(events.iter().map(|event| event.position).collect::<Vec<_>>(), registered);
    assert_eq!(registered.len(), 4);
    relay.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_partition_moves_past_what_is_not_published() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    let published = topic.append_some(3).await;
    relay.published(published).await;
    relay.stop().await.unwrap();
    topic.append_some(3).await;
    let mut source = source(&topic, all(Position(0))).await;
    let mut furthest = Position(0);
    while let Ok(batch) = tokio::time::timeout(std::time::Duration::from_secs(2), source.next()).await {
        furthest = batch.unwrap().through.into_iter().map(|(_, position)| position).max().unwrap().max(furthest);
    }
    assert_eq!(furthest, published);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_tell_who_could_not_do_what() {
    let topic = TestTopic::new().await;
    topics::ensure(&topic.config).await.unwrap();
    let (tenant, patient) = (TenantId(fresh_id()), fresh_id());
    let letter = DeadLetter {
        projection: "patients".to_owned(),
        schema: "patients_v1".to_owned(),
        tenant,
        subject: format!("patient/{patient}"),
        position: Position(7),
        event_type: "patients.PatientRegistered".to_owned(),
        reason: "SQLSTATE 23505".to_owned(),
    };
    let send = dead_letters(&topic.config).unwrap();
    send(letter).await.unwrap();
    let records = plain::read_topic(&topic.config, topic.config.dead_letter_topic.clone(), 1, "read_committed").await;
    let value: Value = serde_json::from_slice(&records[0].value).unwrap();
    let expected = json!({
        "projection": "patients", "tenant": tenant, "subject": format!("patient/{patient}"), "position": 7,
        "eventType": "patients.PatientRegistered", "reason": "SQLSTATE 23505",
    });
    assert_eq!((records.len(), value, records[0].headers["content-type"].as_str()), (1, expected, "application/json"));
    assert_eq!(records[0].key, patient.to_string().as_bytes());
}
