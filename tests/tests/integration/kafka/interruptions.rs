//! Relays that are killed, and relays that come two at a time.

use std::time::Duration;

use kafka::{Phase, RefillError, refill, topics};

use super::{TestTopic, copies, plain};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_relay_did_not_commit_is_published_once() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(20).await).await;
    relay.stop().await.unwrap();
    // Another relay gets as far as the commit, and no further.
    let next = topic.append_some(20).await;
    let records: Vec<_> = topic.records().await.iter().map(|record| copies::relinked(record, 1, record.number("position") + 20, 0)).collect();
    let config = topic.config.clone();
    let dead = tokio::task::spawn_blocking(move || copies::write_uncommitted(&config, &records)).await.unwrap();
    assert_eq!(plain::read(&topic.config, "read_uncommitted").await.len(), 40);
    assert_eq!(topic.records().await.len(), 20);

    let mut relay = topic.relay().await;
    relay.published(next).await;
    relay.stop().await.unwrap();
    topic.holds_the_log().await;
    assert_eq!(plain::read(&topic.config, "read_uncommitted").await.len(), 60, "the dead relay's records are there, aborted");
    tokio::task::spawn_blocking(move || drop(dead)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_relay_committed_and_did_not_account_for_is_not_published_again() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(20).await).await;
    let account: (i64, Vec<i64>) = sqlx::query_as("select position, last_of_partition from relay.published").fetch_one(&topic.log.owner).await.unwrap();
    relay.published(topic.append_some(20).await).await;
    relay.kill().await;
    // As if it had died between the commit on Kafka and that in Postgres.
    let statement = "update relay.published set position = $1, last_of_partition = $2";
    sqlx::query(statement).bind(account.0).bind(account.1).execute(&topic.log.owner).await.unwrap();

    let mut relay = topic.relay().await;
    relay.published(topic.append_some(20).await).await;
    relay.stop().await.unwrap();
    topic.holds_the_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_at_any_moment_doubles_and_loses_nothing() {
    let topic = TestTopic::new().await;
    for round in 0..12_u64 {
        let relay = topic.relay().await;
        topic.append_some(30).await;
        tokio::time::sleep(Duration::from_millis(round * 37 % 200)).await;
        relay.kill().await;
    }
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(1).await).await;
    relay.stop().await.unwrap();
    topic.holds_the_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_relays_one_publishes_and_the_other_takes_over() {
    let topic = TestTopic::new().await;
    let (mut one, mut other) = (topic.relay().await, topic.relay().await);
    let last = topic.append_some(50).await;
    tokio::select! {
        () = one.published(last) => {}
        () = other.published(last) => std::mem::swap(&mut one, &mut other),
    }
    assert_eq!((one.state.borrow().phase, other.state.borrow().phase), (Phase::Publishing, Phase::Waiting));
    assert_eq!(other.state.borrow().published.0, 0);

    let next = topic.append_some(50).await;
    one.published(next).await;
    one.kill().await;
    let next = topic.append_some(50).await;
    other.published(next).await;
    other.stop().await.unwrap();
    topic.holds_the_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_lost_its_lease_unawares_is_fenced() {
    let topic = TestTopic::new().await;
    let mut zombie = topic.relay().await;
    zombie.published(topic.append_some(10).await).await;
    // Its session ends, as when its machine is cut off; the next relay takes over at once.
    let ended: i64 = sqlx::query_scalar(
        "select count(*) filter (where pg_terminate_backend(pid)) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    )
    .fetch_one(&topic.log.owner)
    .await
    .unwrap();
    assert_eq!(ended, 1);
    let mut next = topic.relay().await;
    next.enters(Phase::Publishing).await;
    // Both try; one of them must find out that it is not the relay any more.
    for _ in 0..5 {
        topic.append_some(10).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let last = topic.append_some(10).await;
    next.published(last).await;
    next.stop().await.unwrap();
    zombie.published(last).await;
    zombie.stop().await.unwrap();
    topic.holds_the_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_goes_on_where_the_account_ends() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(20).await).await;
    relay.stop().await.unwrap();
    super::topics::delete(&topic.config).await;
    topics::ensure(&topic.config).await.unwrap();

    let mut relay = topic.relay().await;
    relay.published(topic.append_some(40).await).await;
    relay.stop().await.unwrap();
    let records = topic.records().await;
    let positions = records.iter().map(|record| record.number("position")).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(positions.into_iter().collect::<Vec<_>>(), (21..=60).collect::<Vec<_>>());
    // The first of each partition names what is not there any more, so no reader takes it for the beginning.
    assert!(records.iter().any(|record| (1..=20).contains(&record.number("prev"))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_is_filled_again_when_it_is_asked_for() {
    let topic = TestTopic::new().await;
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(20).await).await;
    let refilled = refill(&topic.config, &topic.log.owner).await;
    assert!(matches!(refilled, Err(RefillError::Busy)), "{refilled:?}");
    relay.stop().await.unwrap();
    let refilled = refill(&topic.config, &topic.log.owner).await;
    assert!(matches!(refilled, Err(RefillError::NotEmpty)), "{refilled:?}");

    super::topics::delete(&topic.config).await;
    refill(&topic.config, &topic.log.owner).await.unwrap();
    let mut relay = topic.relay().await;
    relay.published(topic.append_some(1).await).await;
    relay.stop().await.unwrap();
    topic.holds_the_log().await;
}
