//! Appends while the database breaks: nothing acknowledged is lost, and nothing is doubled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use domain::PractitionerId;
use event_store::{Append, AppendError, Appended, Clock, EventStore, Position, fresh_id};
use futures::future::join_all;
use sqlx::PgPool;
use uuid::Uuid;

use crate::examples::{booked, bookings_of, patient, practitioner, registered};
use crate::harness::{Databases, Kind, TestLog};
use crate::servers::{OwnPostgres, Relay};

/// Keeps appending pairs of events until it is told to stop, each until it is acknowledged, with the same append as long as nobody knows.
async fn load(log: Arc<TestLog>, store: EventStore, stop: Arc<AtomicBool>, acknowledged: Arc<AtomicUsize>) -> Vec<(Uuid, Appended)> {
    let mut known = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let command = fresh_id();
        let append = loop {
            // The vault's database may be gone as well.
            if let Ok(digest) = log.vault.digest(log.tenant, domain::Subject::Facility(domain::FacilityId(log.tenant.0)), b"body").await {
                break make(&log, command, digest);
            }
        };
        known.push((command, until_acknowledged(&store, append).await));
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    known
}

fn make(log: &TestLog, id: Uuid, digest: vault::Digest) -> Append {
    Append {
        tenant: log.tenant,
        actor: log.actor.clone(),
        authority: domain::access::Authority::Installation,
        command: event_store::CommandKey { id, name: "test.load".to_owned(), digest },
        correlation: id,
        causation: None,
        events: vec![registered(patient(), "Lovelace", &id.to_string()), booked(patient(), practitioner(), "2027-01-05T09:00:00")],
        boundary: domain::Query::new(),
        read_at: Position(0),
        answer: serde_json::json!({ "command": id }),
    }
}

async fn until_acknowledged(store: &EventStore, append: Append) -> Appended {
    loop {
        match store.append(append.clone()).await {
            Ok(appended) => return appended,
            Err(AppendError::Unavailable(_) | AppendError::Vault(vault::VaultError::Database(_))) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Everything that was acknowledged is in the log once, whole, and nothing is in it beside.
async fn judge(owner: &PgPool, known: Vec<(Uuid, Appended)>) {
    let positions: Vec<i64> = sqlx::query_scalar("select position from clinical.event order by position").fetch_all(owner).await.unwrap();
    assert!(positions.iter().copied().eq(1..=i64::try_from(positions.len()).unwrap()), "positions are not dense");
    assert_eq!(positions.len(), 2 * known.len(), "something is doubled or lost");
    for (command, appended) in known {
        let stored: Vec<(i64, Uuid)> = sqlx::query_as("select position, event_id from clinical.event where command_id = $1 order by position")
            .bind(command)
            .fetch_all(owner)
            .await
            .unwrap();
        assert_eq!(stored.iter().map(|(_, id)| *id).collect::<Vec<_>>(), appended.event_ids);
        assert_eq!(stored.last().unwrap().0, appended.position.0);
    }
}

/// Runs the load on the log's own store and on another process's while `break_it` goes on.
async fn under_load(log: TestLog, break_it: impl Future<Output = ()>) {
    let log = Arc::new(log);
    let other = log.databases.store(Clock::system()).await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let loads: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { log.store.clone() } else { other.clone() };
            tokio::spawn(load(Arc::clone(&log), store, Arc::clone(&stop), Arc::clone(&acknowledged)))
        })
        .collect();
    let enough = async |count| {
        let target = acknowledged.load(Ordering::Relaxed) + count;
        while acknowledged.load(Ordering::Relaxed) < target {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    enough(50).await;
    break_it.await;
    enough(50).await;
    stop.store(true, Ordering::Relaxed);
    let known = join_all(loads).await.into_iter().flat_map(Result::unwrap).collect();
    judge(&log.owner, known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_cut_at_any_moment_lose_and_double_nothing() {
    let log = TestLog::new().await;
    let owner = log.owner.clone();
    under_load(log, async {
        for round in 0..60_u64 {
            let cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
            sqlx::query(cut).execute(&owner).await.ok();
            tokio::time::sleep(Duration::from_micros(round * 977 % 20_000)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_commit_is_found_out_by_asking_again() {
    let databases = Databases::new().await;
    let options = databases.options(Kind::Log);
    let relay = Relay::to(options.get_host().to_owned(), options.get_port()).await;
    let through = sqlx::postgres::PgPoolOptions::new().connect_lazy_with(options.port(relay.port));
    let log = TestLog::on(databases, Clock::system()).await;
    let store = EventStore::open(event_store::Log::Clinical, through, log.vault.clone(), Clock::system()).await.unwrap();
    let doctor: PractitionerId = practitioner();
    let conditional = async || {
        let append = log.append(vec![booked(patient(), doctor, "2027-01-05T09:00:00")]).await;
        Append { boundary: bookings_of(doctor, "2027-01-05"), ..append }
    };
    store.append(log.append(vec![registered(patient(), "Lovelace", "1")]).await).await.unwrap();

    relay.lose_answers(true);
    let first = conditional().await;
    let command = first.command.clone();
    let appending = tokio::spawn({
        let store = store.clone();
        async move { store.append(first).await }
    });
    // It is committed; only who asked for it does not know yet.
    while log.store.head().await.unwrap() == Position(1) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = conditional().await;
    relay.lose_answers(false);
    let appended = appending.await.unwrap().unwrap();
    assert!(!appended.repeated, "its own caller hears of it for the first time");
    assert_eq!(appended.position, Position(2));
    assert!(matches!(store.append(second).await, Err(AppendError::Conflict)));
    assert_eq!(log.store.head().await.unwrap(), Position(2));
    let found = log.store.find_command(log.tenant, log.actor.user, &command).await.unwrap().unwrap();
    assert_eq!(found.event_ids, appended.event_ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_an_error_and_the_append_can_be_sent_again() {
    let Some(postgres) = OwnPostgres::start() else { return };
    let mut databases = Databases::on(postgres.options()).await;
    databases.patience = Duration::from_secs(2);
    let log = TestLog::on(databases, Clock::system()).await;
    log.register(patient()).await;
    let append = log.append(vec![registered(patient(), "Lovelace", "1")]).await;
    // The vault has everything in memory that it needs for these.
    let who = patient();
    log.register(who).await;
    let again = log.append(vec![booked(who, practitioner(), "2027-01-05T09:00:00")]).await;
    postgres.stop();
    assert!(matches!(log.store.append(append.clone()).await, Err(AppendError::Vault(vault::VaultError::Database(_)))));
    assert!(matches!(log.store.append(again.clone()).await, Err(AppendError::Unavailable(_))));
    assert!(log.store.head().await.is_err());
    postgres.restart();
    assert_eq!(until_acknowledged(&log.store, append).await.position, Position(3));
    assert_eq!(until_acknowledged(&log.store, again).await.position, Position(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_crashes_and_restarts_loses_and_doubles_nothing_acknowledged() {
    let Some(postgres) = OwnPostgres::start() else { return };
    let postgres = Arc::new(postgres);
    let log = TestLog::on(Databases::on(postgres.options()).await, Clock::system()).await;
    let follower = log.store.clone();
    under_load(log, async {
        for crash in [true, true, false] {
            let postgres = Arc::clone(&postgres);
            tokio::task::spawn_blocking(move || if crash { postgres.crash_and_restart() } else { postgres.restart() }).await.unwrap();
            // Whoever tails the log is woken again, without doing anything about it.
            let before = follower.wait_beyond(Position(0)).await.unwrap();
            follower.wait_beyond(before).await.unwrap();
        }
    })
    .await;
}
