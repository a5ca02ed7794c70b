//! Conditions: an append holds as long as nothing came that it depends on, in whatever batch.

use domain::scheduling::AppointmentCancelled;
use domain::{Named, Query, Tag, TenantId};
use event_store::{Append, AppendError, EventStore, Position, fresh_id};
use futures::future::join_all;

use super::{DAY, NINE, as_one_batch, at, positions};
use crate::examples::{booked, bookings_of, patient, practitioner, registered, registration_of};
use crate::harness::TestLog;

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
