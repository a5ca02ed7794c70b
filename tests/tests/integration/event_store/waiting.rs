//! Waiting for what is appended next.

use std::time::Duration;

use event_store::Position;

use crate::examples::patient;
use crate::harness::TestLog;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_woken_by_any_process() {
    let (log, other) = TestLog::two_processes().await;
    assert_eq!(log.register(patient()).await, Position(1));
    assert_eq!(other.wait_beyond(Position(0)).await.unwrap(), Position(1));
    let waiters: Vec<_> = [&log.store, &other].into_iter().cloned().map(|store| tokio::spawn(async move { store.wait_beyond(Position(1)).await })).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
    log.register(patient()).await;
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), Position(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_gets_lost_costs_time_and_nothing_else() {
    let log = TestLog::new().await;
    log.register(patient()).await;
    // Takes the listener's connection away, and leaves nobody who would notify.
    let terminate = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(terminate).execute(&log.owner).await.unwrap();
    sqlx::query("insert into clinical.event select 2, event_id, tenant, type, version, subject, tags, labels, actor_user, actor_role, correlation, causation, command_id, recorded_at, payload, sealed from clinical.event")
        .execute(&log.owner)
        .await
        .unwrap();
    assert_eq!(log.store.wait_beyond(Position(1)).await.unwrap(), Position(2));
}
