//! The log: order, conditions, idempotency, immutability, reading.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Authority, DecisionFact, Permit, Permitted, PurposeOfUse};
use domain::patients::{PatientDeactivated, PatientRegistered};
use domain::scheduling::{AppointmentBooked, AppointmentCancelled};
use domain::{Event, Named, PatientId, Query, Subject, Tag, TenantId, UserId};
use event_store::{Append, AppendError, Appended, Clock, CommandKey, EventStore, Position, fresh_id};
use futures::future::join_all;
use sqlx::{PgPool, Postgres, Transaction};

use crate::examples::{booked, bookings_of, patient, practitioner, registered, registration_of};
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

async fn race(log: &TestLog, stores: &[&EventStore]) {
    let practitioner = practitioner();
    let mut appends = Vec::new();
    for number in 0..50 {
        let mut append = log.append(vec![booked(patient(), practitioner, NINE)]).await;
        append.boundary = bookings_of(practitioner, DAY);
        append.read_at = log.store.head().await.unwrap();
        appends.push(stores[number % stores.len()].append(append));
    }
    let before = log.store.head().await.unwrap();
    let results = join_all(appends).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|result| matches!(result, Err(AppendError::Conflict))));
    assert_eq!(log.store.head().await.unwrap(), Position(before.0 + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_racing_appends_one_wins() {
    let (log, other) = TestLog::two_processes().await;
    race(&log, &[&log.store]).await;
    race(&log, &[&log.store, &other]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_racing_appends_in_one_batch_one_wins_and_others_are_not_touched() {
    let log = TestLog::new().await;
    let practitioner = practitioner();
    let mut appends = Vec::new();
    for number in 0..60 {
        let who = if number % 6 == 0 { crate::examples::practitioner() } else { practitioner };
        let mut append = log.append(vec![booked(patient(), who, NINE), registered(patient(), "Byron", &fresh_id().to_string())]).await;
        append.boundary = bookings_of(who, DAY).or(registration_of(patient()));
        appends.push(append);
    }
    let results = as_one_batch(&log, appends).await;
    let won: Vec<usize> = (0..60).filter(|number| results[*number].is_ok()).collect();
    assert_eq!(won.iter().filter(|number| *number % 6 != 0).count(), 1, "one of those who race");
    assert_eq!(won.iter().filter(|number| *number % 6 == 0).count(), 10, "all of those who do not");
    assert_eq!(positions(&log.owner).await, (1..=22).collect::<Vec<_>>());
    for number in won {
        let appended = results[number].as_ref().unwrap();
        let stored = log.store.stored(Position(appended.position.0 - 2), 2).await.unwrap();
        assert_eq!(stored.iter().map(|event| event.event_id).collect::<Vec<_>>(), appended.event_ids);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_equals_its_requests_one_after_the_other() {
    let log = TestLog::new().await;
    let practitioners = [practitioner(), practitioner(), practitioner()];
    let mut random = 7_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for _ in 0..4 {
        let head = log.store.head().await.unwrap();
        let (mut appends, mut asked) = (Vec::new(), Vec::new());
        for _ in 0..40 {
            let mut pick = || practitioners[usize::try_from(next(3)).unwrap()];
            let (who, other) = (pick(), pick());
            let days = next(3);
            let events = (0..next(3)).map(|_| booked(patient(), who, &format!("2027-01-0{}T09:00:00", 5 + days))).collect();
            let mut append = log.append(events).await;
            append.boundary = bookings_of(other, &format!("2027-01-0{}", 5 + next(3)));
            append.read_at = Position(head.0 - i64::try_from(next(4)).unwrap().min(head.0));
            asked.push((append.boundary.clone(), append.read_at));
            appends.push(append);
        }
        let results = as_one_batch(&log, appends).await;
        for ((boundary, read_at), result) in asked.into_iter().zip(results) {
            let last = match &result {
                Ok(appended) => Position(appended.position.0 - i64::try_from(appended.event_ids.len()).unwrap()),
                Err(_) => log.store.head().await.unwrap(),
            };
            let grown = log.store.read(log.tenant, &boundary, last).await.unwrap().into_iter().filter(|event| event.position > read_at).count();
            assert_eq!(result.is_ok(), grown == 0, "{result:?} although {grown} events of its boundary came first");
        }
    }
}

#[tokio::test]
async fn a_condition_looks_at_tenant_type_and_every_tag() {
    let log = TestLog::new().await;
    let (who, elsewhere) = (patient(), practitioner());
    log.store.append(log.append(vec![booked(who, elsewhere, NINE)]).await).await.unwrap();
    let with = async |boundary: Query, read_at: i64, tenant: TenantId| {
        let append = log.append(vec![]).await;
        log.store.append(Append { boundary, read_at: Position(read_at), tenant, ..append }).await
    };
    let own = || bookings_of(elsewhere, DAY);
    assert!(matches!(with(own(), 0, log.tenant).await, Err(AppendError::Conflict)));
    assert!(with(own(), 1, log.tenant).await.is_ok(), "it was read");
    assert!(with(own(), 0, TenantId(fresh_id())).await.is_ok(), "another tenant's");
    assert!(with(bookings_of(elsewhere, "2027-01-06"), 0, log.tenant).await.is_ok(), "another day");
    assert!(with(Query::new().and(&[AppointmentCancelled::TYPE], Tag::practitioner(elsewhere)), 0, log.tenant).await.is_ok(), "another type");
    let mut both = own();
    both.items[0].tags.push(Tag::patient(patient()));
    assert!(with(both.clone(), 0, log.tenant).await.is_ok(), "another patient's");
    both.items[0].tags[1] = Tag::patient(who);
    both.items[0].tags.push(Tag::TENANT);
    assert!(matches!(with(both, 0, log.tenant).await, Err(AppendError::Conflict)));
    assert!(matches!(with(own(), 2, log.tenant).await, Err(AppendError::Conflict)), "a boundary that was read in the future");
    assert!(with(Query::new(), 0, log.tenant).await.is_ok(), "no boundary");
}

#[tokio::test]
async fn a_hash_that_collides_is_neither_a_conflict_nor_read() {
    let log = TestLog::new().await;
    let who = patient();
    log.register(who).await;
    let hashes: Vec<i64> = sqlx::query_scalar("select hash from clinical.event_tag").fetch_all(&log.owner).await.unwrap();
    log.register(patient()).await;
    log.store.append(log.append(vec![booked(who, practitioner(), NINE)]).await).await.unwrap();
    let of_another_tenant = log.append(vec![registered(who, "Lovelace", "1")]).await;
    log.store.append(Append { tenant: TenantId(fresh_id()), ..of_another_tenant }).await.unwrap();
    // Another patient's event, one of another type and one of another tenant now seem to be registrations of this patient.
    let collide = "insert into clinical.event_tag select hash, position from unnest($1::bigint[]) hash, generate_series(2, 4) position on conflict do nothing";
    sqlx::query(collide).bind(hashes).execute(&log.owner).await.unwrap();
    let append = log.append(vec![]).await;
    log.store.append(Append { boundary: registration_of(who), read_at: Position(1), ..append }).await.unwrap();
    let read = log.store.read(log.tenant, &registration_of(who), Position(4)).await.unwrap();
    assert_eq!(at(&read), [1]);
}

#[tokio::test]
async fn a_command_that_comes_again_gets_its_first_answer_and_another_body_is_an_error() {
    let log = TestLog::new().await;
    let command = fresh_id();
    let events = || vec![registered(patient(), "Lovelace", "1"), registered(patient(), "Byron", "2")];
    let first = log.store.append(log.append_as(command, b"body", events()).await).await.unwrap();
    assert!(!first.repeated);
    assert_eq!(first.position, Position(2));
    log.register(patient()).await;

    // A retry is not judged by its own events.
    let mut retry = log.append_as(command, b"body", events()).await;
    retry.boundary = Query::new().and(&[PatientRegistered::TYPE], Tag::TENANT);
    retry.answer = serde_json::json!("another");
    let again = log.store.append(retry).await.unwrap();
    assert!(again.repeated);
    assert_eq!(Appended { repeated: false, ..again }, first);
    let key = log.command(command, b"body").await;
    let found = log.store.find_command(log.tenant, log.actor.user, &key).await.unwrap().unwrap();
    assert_eq!(Appended { repeated: false, ..found }, first);

    let other_body = log.append_as(command, b"other", events()).await;
    assert!(matches!(log.store.append(other_body).await, Err(AppendError::CommandMismatch)));
    let mut other_name = log.command(command, b"body").await;
    other_name.name = "test.other".to_owned();
    assert!(matches!(log.store.find_command(log.tenant, log.actor.user, &other_name).await, Err(AppendError::CommandMismatch)));
    assert_eq!(log.store.head().await.unwrap(), Position(3));

    // The id is the actor's own.
    let mut of_another = log.append_as(command, b"other", events()).await;
    of_another.actor.user = UserId(fresh_id());
    assert!(!log.store.append(of_another).await.unwrap().repeated);
    let key = log.command(fresh_id(), b"body").await;
    assert!(log.store.find_command(log.tenant, log.actor.user, &key).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_twice_in_one_batch_is_applied_once() {
    let log = TestLog::new().await;
    let (one, refused, who) = (fresh_id(), fresh_id(), patient());
    // Makes the patient's key, so that nothing keeps one append longer than another on its way to the queue.
    log.register(who).await;
    let mut appends = Vec::new();
    for _ in 0..10 {
        appends.push(log.append_as(one, b"body", vec![booked(who, practitioner(), NINE)]).await);
    }
    appends.push(log.append_as(one, b"other", vec![]).await);
    // The first of these is refused, and so the second is not a repetition.
    for read_at in [70, 0] {
        appends.push(Append { read_at: Position(read_at), boundary: registration_of(patient()), ..log.append_as(refused, b"body", vec![]).await });
    }
    let results = as_one_batch(&log, appends).await;
    let fresh = results[..10].iter().flatten().filter(|appended| !appended.repeated).count();
    assert_eq!((fresh, results[..10].iter().flatten().count()), (1, 10));
    assert!(results[..10].iter().flatten().all(|appended| appended.event_ids == results[0].as_ref().unwrap().event_ids));
    assert!(matches!(results[10], Err(AppendError::CommandMismatch)));
    assert!(matches!(results[11], Err(AppendError::Conflict)));
    assert!(matches!(&results[12], Ok(appended) if !appended.repeated));
    assert_eq!(log.store.head().await.unwrap(), Position(2));
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let log = TestLog::new().await;
    let (command, who) = (fresh_id(), patient());
    log.register(who).await;
    let append = async |read_at| Append { boundary: registration_of(who), read_at, ..log.append_as(command, b"body", vec![]).await };
    assert!(matches!(log.store.append(append(Position(0)).await).await, Err(AppendError::Conflict)));
    assert!(log.store.find_command(log.tenant, log.actor.user, &log.command(command, b"body").await).await.unwrap().is_none());
    assert!(!log.store.append(append(Position(1)).await).await.unwrap().repeated);
}

#[tokio::test]
async fn an_append_without_events_is_remembered_where_it_was_decided() {
    let log = TestLog::new().await;
    log.register(patient()).await;
    let command = fresh_id();
    let first = log.store.append(log.append_as(command, b"body", vec![]).await).await.unwrap();
    assert_eq!((first.position, first.event_ids.len(), first.repeated), (Position(1), 0, false));
    log.register(patient()).await;
    let again = log.store.append(log.append_as(command, b"body", vec![]).await).await.unwrap();
    assert_eq!((again.position, again.repeated), (Position(1), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_refused_alone() {
    let log = TestLog::new().await;
    let mut appends = Vec::new();
    for number in 0..9 {
        let mut append = log.append(vec![registered(patient(), "Lovelace", &number.to_string())]).await;
        if number == 5 {
            append.actor.role = "\0".to_owned();
        }
        appends.push(append);
    }
    let results = as_one_batch(&log, appends).await;
    for (number, result) in results.iter().enumerate() {
        assert_eq!(matches!(result, Err(AppendError::Refused(_))), number == 5);
        assert_eq!(result.is_ok(), number != 5);
    }
    assert_eq!(log.store.head().await.unwrap(), Position(8));
}

#[tokio::test]
async fn an_append_whose_caller_goes_away_once_it_waits_happens_whole() {
    let log = TestLog::new().await;
    let who = patient();
    // The keys are in memory then, so that the first look at an append takes it as far as the queue.
    log.register(who).await;
    let held = hold(&log.owner).await;
    for _ in 0..20 {
        let append = log.append(vec![booked(who, practitioner(), NINE), booked(who, practitioner(), NINE)]).await;
        let mut appending = std::pin::pin!(log.store.append(append));
        assert!(futures::poll!(&mut appending).is_pending());
    }
    held.rollback().await.unwrap();
    assert_eq!(log.register(who).await, Position(42));
    let commands: Vec<i64> = sqlx::query_scalar("select count(*) from clinical.event group by command_id order by 1").fetch_all(&log.owner).await.unwrap();
    assert_eq!(commands, [&[1, 1][..], &[2; 20]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_waiting_appends_are_an_error_at_once() {
    let log = TestLog::new().await;
    let held = hold(&log.owner).await;
    let template = log.append(vec![]).await;
    let waiting: Vec<_> = (0..5000)
        .map(|_| {
            let store = log.store.clone();
            let append = Append { command: CommandKey { id: fresh_id(), ..template.command.clone() }, ..template.clone() };
            tokio::spawn(async move { store.append(append).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    held.rollback().await.unwrap();
    let results = join_all(waiting).await;
    let refused = results.iter().filter(|result| matches!(result, Ok(Err(AppendError::Overloaded)))).count();
    assert!((1..1000).contains(&refused), "{refused} were refused");
    assert_eq!(results.iter().filter(|result| matches!(result, Ok(Ok(_)))).count(), 5000 - refused);
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
async fn reading_finds_what_matches_any_item_once_and_in_order() {
    let log = TestLog::new().await;
    let (ada, bob, doctor) = (patient(), patient(), practitioner());
    let identified = registered(bob, "Byron", "17");
    log.register(ada).await; // 1
    log.store.append(log.append(vec![identified.clone(), booked(ada, doctor, NINE)]).await).await.unwrap(); // 2, 3
    log.store.append(log.append(vec![booked(bob, doctor, "2027-01-05T23:45:00")]).await).await.unwrap(); // 4, on two days
    let mut of_another = log.append(vec![registered(ada, "Lovelace", "17")]).await;
    of_another.tenant = TenantId(fresh_id());
    log.store.append(of_another).await.unwrap(); // 5
    let read = async |query: Query| at(&log.store.read(log.tenant, &query, Position(5)).await.unwrap());

    assert_eq!(read(registration_of(ada)).await, [1]);
    assert_eq!(read(registration_of(ada).or(registration_of(bob))).await, [1, 2]);
    assert_eq!(read(bookings_of(doctor, DAY)).await, [3, 4]);
    assert_eq!(read(bookings_of(doctor, "2027-01-06")).await, [4]);
    assert_eq!(read(bookings_of(doctor, DAY).or(bookings_of(doctor, "2027-01-06"))).await, [3, 4]);
    assert_eq!(read(Query::new().and(&[PatientRegistered::TYPE, AppointmentBooked::TYPE], Tag::TENANT)).await, [1, 2, 3, 4]);
    assert_eq!(read(Query::new().and(&[PatientRegistered::TYPE, AppointmentBooked::TYPE], Tag::patient(bob))).await, [2, 4]);
    assert_eq!(read(Query::new().and(&[PatientDeactivated::TYPE], Tag::patient(bob))).await, [] as [i64; 0]);
    assert_eq!(read(Query::new()).await, [] as [i64; 0]);
    let mut doctors_bob = bookings_of(doctor, DAY);
    doctors_bob.items[0].tags.extend([Tag::TENANT, Tag::patient(bob)]);
    assert_eq!(read(doctors_bob).await, [4]);
    let by_identifier = identified.tags().into_iter().find(|tag| tag.names_patient().is_none()).unwrap();
    assert_eq!(read(Query::new().and(&[PatientRegistered::TYPE], by_identifier)).await, [2]);
    let early = log.store.read(log.tenant, &bookings_of(doctor, DAY), Position(3)).await.unwrap();
    assert_eq!(at(&early), [3]);

    let booking = &early[0];
    assert!(booking.event.event_type() == AppointmentBooked::TYPE && booking.tenant == log.tenant && booking.actor == log.actor);
    assert!(matches!(&booking.event, Event::Scheduling(_)));
    assert!(booking.occurred.known().is_some_and(|occurred| *occurred <= booking.recorded));
}

#[tokio::test]
async fn what_a_request_carried_out_is_found_by_it_with_its_authority() {
    let log = TestLog::new().await;
    let (request, command) = (fresh_id(), fresh_id());
    let permit = Permit { action: "book-appointments".to_owned(), policies: vec!["front-desk".to_owned()], facts: vec![DecisionFact::Operator] };
    let permitted = Permitted { policy: "0123456789abcdef".to_owned(), purpose: PurposeOfUse::Operations, permits: vec![permit] };
    let append =
        async |id, events| Append { correlation: request, authority: Authority::Policies(permitted.clone()), ..log.append_as(id, b"body", events).await };
    log.register(patient()).await; // 1: of another request
    log.store.append(append(command, vec![booked(patient(), practitioner(), NINE), booked(patient(), practitioner(), NINE)]).await).await.unwrap(); // 2, 3
    log.store.append(append(fresh_id(), vec![]).await).await.unwrap(); // changes nothing
    let of_another = Append { tenant: TenantId(fresh_id()), ..append(command, vec![registered(patient(), "Lovelace", "17")]).await };
    log.store.append(of_another).await.unwrap(); // 4
    log.store.append(append(fresh_id(), vec![registered(patient(), "Lovelace", "17")]).await).await.unwrap(); // 5
    let found = async |before, limit| log.store.carried_out(log.tenant, request, Position(before), limit).await.unwrap();

    let all = found(i64::MAX, 10).await;
    assert_eq!(all.iter().map(|command| (command.position.0, command.event_ids.len())).collect::<Vec<_>>(), [(5, 1), (2, 2)]);
    assert_eq!((found(i64::MAX, 1).await, found(5, 10).await), (all[..1].to_vec(), all[1..].to_vec()));
    let stored = log.store.stored(Position(1), 2).await.unwrap();
    assert_eq!(all[1].event_ids, stored.iter().map(|event| event.event_id).collect::<Vec<_>>());
    assert_eq!((&all[1].command, &all[1].subject, &all[1].actor), (&"test.command".to_owned(), &stored[0].subject, &log.actor));
    assert_eq!(all[1].authority, Some(Authority::Policies(permitted.clone())));
    let mut planning = log.owner.begin().await.unwrap();
    sqlx::query("set local enable_seqscan = off").execute(&mut *planning).await.unwrap();
    let plan = "explain select from clinical.event where correlation = $1 and type not like 'access.%' and position < 9 order by position desc limit 1";
    let plan: Vec<String> = sqlx::query_scalar(plan).bind(request).fetch_all(&mut *planning).await.unwrap();
    assert!(plan.concat().contains("using event_correlation"), "{plan:?}");
    assert_eq!(log.store.carried_out(log.tenant, fresh_id(), Position(i64::MAX), 10).await.unwrap(), []);

    // The earliest events have none, and what a later build wrote is not understood; both are found.
    for (position, authority) in [(6, "null"), (7, r#"'{"oracle":{}}'"#)] {
        let copy = format!(
            "insert into clinical.event select {position}, event_id, tenant, type, version, subject, tags, labels, actor_user, actor_role, correlation, causation, \
             gen_random_uuid(), recorded_at, payload, sealed, {authority} from clinical.event where position = 5; insert into clinical.command select tenant, actor_user, \
             command_id, 'test.command', '', {position}, {position}, array[event_id], 'null', recorded_at from clinical.event where position = {position}"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&log.owner).await.unwrap();
        let [unknown, ..] = &found(i64::MAX, 1).await[..] else { panic!("it is found") };
        assert_eq!((unknown.position, &unknown.authority), (Position(position), &None));
    }
}

#[tokio::test]
async fn a_page_says_how_far_it_looked_also_when_it_found_nothing() {
    let log = TestLog::new().await;
    for number in 0..10 {
        let event = if number == 7 { booked(patient(), practitioner(), NINE) } else { registered(patient(), "Lovelace", &number.to_string()) };
        log.store.append(log.append(vec![event]).await).await.unwrap();
    }
    let page = async |after, limit, types: Option<&[domain::EventType]>| {
        let page = log.store.page(Position(after), limit, types).await.unwrap();
        (page.events.into_iter().map(|event| event.ok().unwrap().position.0).collect::<Vec<_>>(), page.through.0)
    };
    assert_eq!(page(0, 4, None).await, (vec![1, 2, 3, 4], 4));
    assert_eq!(page(8, 4, None).await, (vec![9, 10], 10));
    assert_eq!(page(10, 4, None).await, (vec![], 10));
    let bookings = Some(&[AppointmentBooked::TYPE][..]);
    assert_eq!(page(0, 4, bookings).await, (vec![], 4));
    assert_eq!(page(4, 4, bookings).await, (vec![8], 8));
    assert_eq!(page(8, 4, bookings).await, (vec![], 10));
    assert_eq!(page(10, 4, bookings).await, (vec![], 10));
    assert_eq!(page(4, 100, Some(&[AppointmentBooked::TYPE, PatientRegistered::TYPE])).await, ((5..=10).collect(), 10));
}

#[tokio::test]
async fn events_of_a_type_are_found_in_every_tenant_without_a_key() {
    let log = TestLog::new().await;
    let mut bookings = Vec::new();
    for tenant in [log.tenant, TenantId(fresh_id()), log.tenant] {
        for event in [registered(patient(), "Lovelace", "1"), booked(patient(), practitioner(), NINE)] {
            let append = log.append(vec![event]).await;
            let digest = log.vault.digest(tenant, Subject::Patient(PatientId(fresh_id())), b"{}").await.unwrap();
            let command = CommandKey { digest, ..append.command };
            bookings.push((tenant, log.store.append(Append { tenant, command, ..append }).await.unwrap().position));
        }
    }
    let bookings: Vec<_> = bookings.into_iter().skip(1).step_by(2).collect();
    // Whatever became of the keys.
    sqlx::query("update vault.tenant_key set wrapped = 'nothing'").execute(&log.vault_pool).await.unwrap();
    let store = log.databases.store(Clock::system()).await;
    let found = async |after: Position, limit| {
        let stretch = store.stored_of_types(&[AppointmentBooked::TYPE], after, limit).await.unwrap();
        assert!(stretch.events.iter().all(|stored| matches!(stored.without_protected(), Ok(Event::Scheduling(_)))));
        (stretch.events.iter().map(|stored| (stored.tenant, stored.position)).collect::<Vec<_>>(), stretch.through)
    };
    let head = store.head().await.unwrap();
    assert_eq!(found(Position(0), 10).await, (bookings.clone(), head));
    assert_eq!(found(Position(0), 2).await, (bookings[..2].to_vec(), bookings[1].1));
    assert_eq!(found(bookings[1].1, 2).await, (bookings[2..].to_vec(), head));
    assert_eq!(found(head, 2).await, (vec![], head));
}

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

#[tokio::test]
async fn an_event_that_does_not_decode_spoils_no_page_but_no_decision_is_made_without_it() {
    let log = TestLog::new().await;
    let who = patient();
    log.register(who).await;
    log.register(patient()).await;
    for (position, change) in [(3, "'patients.NeverHeardOf', version, subject"), (4, "type, 9, subject"), (5, "type, version, 'ghost/1'")] {
        let copy = format!(
            "insert into clinical.event select {position}, event_id, tenant, {change}, tags, labels, actor_user, actor_role, correlation, causation, command_id, recorded_at, payload, sealed
            from clinical.event where position = 1"
        );
        sqlx::query(sqlx::AssertSqlSafe(copy)).execute(&log.owner).await.unwrap();
    }
    log.register(patient()).await;
    let page = log.store.page(Position(0), 10, None).await.unwrap();
    let unreadable: BTreeSet<i64> = page.events.iter().filter_map(|event| event.as_ref().err().map(|unreadable| unreadable.position.0)).collect();
    assert_eq!((unreadable, page.through), (BTreeSet::from([3, 4, 5]), Position(6)));

    sqlx::query("insert into clinical.event_tag select hash, 4 from clinical.event_tag where position = 1").execute(&log.owner).await.unwrap();
    let read = log.store.read(log.tenant, &registration_of(who), Position(6)).await;
    assert!(matches!(read, Err(event_store::ReadError::Unreadable { position: Position(4), .. })));
}

#[tokio::test]
async fn a_log_that_is_not_set_up_does_not_open() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let vault = databases.vault().await;
    assert!(EventStore::open(event_store::Log::Clinical, databases.pool(Kind::Vault), vault, Clock::system()).await.is_err());
}
