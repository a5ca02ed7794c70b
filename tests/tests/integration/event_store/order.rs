//! The order of the log: dense, in commit order, and seen whole by whoever follows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use event_store::{Clock, EventStore, Position, fresh_id};
use futures::future::join_all;

use super::positions;
use crate::examples::{patient, registered};
use crate::harness::TestLog;

async fn append_many(log: &TestLog, store: &EventStore, count: usize) {
    for _ in 0..count {
        let event = registered(patient(), "Lovelace", &fresh_id().to_string());
        store.append(log.append(vec![event]).await).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_dense_under_concurrent_appenders_of_two_processes() {
    let (log, other) = TestLog::two_processes().await;
    let appenders = (0..64).map(|number| append_many(&log, if number % 2 == 0 { &log.store } else { &other }, 5));
    join_all(appenders).await;
    assert_eq!(positions(&log.owner).await, (1..=320).collect::<Vec<_>>());
    assert_eq!(log.store.head().await.unwrap(), Position(320));
    let commands: Vec<(i64, i64)> =
        sqlx::query_as("select first_position, last_position from clinical.command order by 1").fetch_all(&log.owner).await.unwrap();
    assert_eq!(commands, (1..=320).map(|position| (position, position)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_follows_the_log_skips_nothing() {
    let (log, other) = TestLog::two_processes().await;
    let stop = Arc::new(AtomicBool::new(false));
    let follow = |store: EventStore| {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut next = 1;
            while !stop.load(Ordering::Relaxed) || next <= 400 {
                for event in store.stored(Position(next - 1), 50).await.unwrap() {
                    assert_eq!(event.position, Position(next), "a position was skipped");
                    next += 1;
                }
            }
            next
        })
    };
    let readers = [follow(log.store.clone()), follow(other.clone())];
    join_all((0..40).map(|number| append_many(&log, if number % 2 == 0 { &log.store } else { &other }, 10))).await;
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), 401);
    }
}

#[tokio::test]
async fn recorded_time_never_goes_backwards_even_when_the_clock_does() {
    let start: DateTime<Utc> = "2027-01-05T12:00:00.123456789Z".parse().unwrap();
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = Clock::from_fn({
        let ahead = Arc::clone(&ahead);
        move || start + TimeDelta::seconds(ahead.load(Ordering::Relaxed))
    });
    let log = TestLog::with_clock(clock).await;
    for seconds in [0, 60, -3600, 30, 61] {
        ahead.store(seconds, Ordering::Relaxed);
        log.register(patient()).await;
    }
    let recorded: Vec<_> = log.store.stored(Position(0), 10).await.unwrap().into_iter().map(|event| event.recorded).collect();
    let truncated: DateTime<Utc> = "2027-01-05T12:00:00.123456Z".parse().unwrap();
    assert_eq!(recorded, [0, 60, 60, 60, 61].map(|seconds| truncated + TimeDelta::seconds(seconds)));

    let at = async |seconds, micros| log.store.position_at(truncated + TimeDelta::seconds(seconds) + TimeDelta::microseconds(micros)).await.unwrap();
    assert_eq!(at(0, -1).await, Position(0));
    assert_eq!(at(0, 0).await, Position(1));
    assert_eq!(at(60, -1).await, Position(1));
    assert_eq!(at(60, 0).await, Position(4));
    assert_eq!(at(1000, 0).await, Position(5));
}
