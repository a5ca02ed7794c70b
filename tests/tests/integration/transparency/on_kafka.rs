//! The copy on Kafka against the tree of the log.

use std::sync::{Arc, Mutex};

use event_store::{Log, Position};
use sqlx::AssertSqlSafe;
use transparency::verify::{CopyOfLog, Finding, Report, Wrong};

use super::{Running, signing};
use crate::kafka::TestTopic;

/// What comes of comparing a topic with a tree.
async fn compared(topic: &TestTopic, config: &kafka::KafkaConfig, signing: &transparency::Signing) -> Report {
    let tiles = signing.tiles(Log::Clinical, 1);
    let (_, head) = transparency::head_of(&tiles.checkpoint().await.unwrap().unwrap()).unwrap();
    let copy = Arc::new(Mutex::new(Some(CopyOfLog::of(&tiles, head).await.unwrap())));
    let taking = Arc::clone(&copy);
    kafka::every_record(config, move |envelope| taking.lock().unwrap().as_mut().unwrap().take(envelope)).await.unwrap();
    let published = kafka::published(&topic.log.owner, config).await.unwrap();
    copy.lock().unwrap().take().unwrap().end(published.0.unsigned_abs().min(head.size))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_what_was_signed_or_its_first_difference_is_named() {
    let topic = TestTopic::new().await;
    let signing = signing(&topic.log.databases.keys.join("tree"));
    let last = topic.append_some(80).await;
    let running = Running::start(&topic.log, &topic.log.store, signing.clone());
    running.signed(80).await;
    running.stop().await.unwrap();

    // Two events are changed before they are published, and put back afterwards.
    let as_superuser = |change: &str| AssertSqlSafe(format!("set session_replication_role = replica; {change}; reset session_replication_role"));
    let change = "create table kept as table clinical.event; update clinical.event set labels = '{R}' where position in (30, 60)";
    sqlx::raw_sql(as_superuser(change)).execute(&topic.log.owner).await.unwrap();
    let mut relay = topic.relay().await;
    relay.published(last).await;
    let restore = "truncate clinical.event; insert into clinical.event select * from kept";
    sqlx::raw_sql(as_superuser(restore)).execute(&topic.log.owner).await.unwrap();
    let report = compared(&topic, &topic.config, &signing).await;
    let changed = |position| Finding { position: Position(position), wrong: Wrong::Changed };
    assert_eq!((report.findings, report.compared), (vec![changed(30), changed(60)], 80));

    // What was published beyond the tree is not proven yet.
    relay.published(topic.append_some(7).await).await;
    relay.stop().await.unwrap();
    assert_eq!(compared(&topic, &topic.config, &signing).await.beyond, 7);
    // A topic of which the account says more than it holds, as one that was made anew.
    let emptied = TestTopic::new().await;
    kafka::topics::ensure(&emptied.config).await.unwrap();
    assert_eq!(compared(&topic, &emptied.config, &signing).await.findings, [], "nothing was published to it");
    let account = "insert into relay.published select $1, position, last_of_partition from relay.published where topic = $2";
    sqlx::query(account).bind(&emptied.config.log_topic).bind(&topic.config.log_topic).execute(&topic.log.owner).await.unwrap();
    let report = compared(&topic, &emptied.config, &signing).await;
    assert_eq!(report.findings[0], Finding { position: Position(1), wrong: Wrong::Missing });
}
