//! The log: order, conditions, idempotency, immutability, reading.

mod batches;
mod conditions;
mod order;
mod reading;
mod repetition;
mod waiting;

use std::time::Duration;

use event_store::{Append, AppendError, Appended, Clock, EventStore};
use futures::future::join_all;
use sqlx::{PgPool, Postgres, Transaction};

use crate::examples::patient;
use crate::harness::{Databases, Kind, TestLog};

const DAY: &str = "2027-01-05";
const NINE: &str = "2027-01-05T09:00:00";

/// Keeps every append waiting until it is rolled back, so that those that come meanwhile are one batch.
async fn hold(owner: &PgPool) -> Transaction<'static, Postgres> {
    let mut held = owner.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock('clinical.event'::regclass::oid::bigint)").execute(&mut *held).await.unwrap();
    held
}

/// Sends the appends to the held log all at once, and gives what comes of each.
async fn as_one_batch(log: &TestLog, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
    let held = hold(&log.owner).await;
    // Goes to the database alone; the others queue behind it.
    let first = log.append(vec![]).await;
    let first = tokio::spawn({
        let store = log.store.clone();
        async move { store.append(first).await }
    });
    until_waiting(&log.owner).await;
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held.rollback().await.unwrap();
    };
    let (results, ()) = tokio::join!(join_all(appends.into_iter().map(|append| log.store.append(append))), release);
    first.await.unwrap().unwrap();
    results
}

async fn until_waiting(owner: &PgPool) {
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'advisory'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(owner).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn positions(owner: &PgPool) -> Vec<i64> {
    sqlx::query_scalar("select position from clinical.event order by position").fetch_all(owner).await.unwrap()
}

#[tokio::test]
async fn history_cannot_be_changed_by_the_store_nor_by_its_owner() {
    let log = TestLog::new().await;
    log.register(patient()).await;
    for change in [
        "update clinical.event set actor_role = 'x'",
        "delete from clinical.event where position = 1",
        "truncate clinical.event",
        "update clinical.event_tag set position = 2",
        "delete from clinical.event_tag",
        "truncate clinical.event_tag",
        "update clinical.command set answer = '{}'",
        "delete from clinical.command",
        "truncate clinical.command",
        "update clinical.epoch set epoch = 2",
        "delete from clinical.epoch",
    ] {
        let by_trigger = sqlx::query(change).execute(&log.owner).await.unwrap_err();
        assert!(by_trigger.to_string().contains("the log is append-only"), "{change}: {by_trigger}");
        let mut as_the_store = log.owner.begin().await.unwrap();
        sqlx::query("set local role carelog_log").execute(&mut *as_the_store).await.unwrap();
        let by_grant = sqlx::query(change).execute(&mut *as_the_store).await.unwrap_err();
        assert!(by_grant.to_string().contains("permission denied"), "{change}: {by_grant}");
    }
    assert_eq!(log.store.epoch().await.unwrap(), 1);
}

fn at(events: &[event_store::Recorded]) -> Vec<i64> {
    events.iter().map(|event| event.position.0).collect()
}

#[tokio::test]
async fn a_log_that_is_not_set_up_does_not_open() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let vault = databases.vault().await;
    assert!(EventStore::open(event_store::Log::Clinical, databases.pool(Kind::Vault), vault, Clock::system()).await.is_err());
}
