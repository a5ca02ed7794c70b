//! Idempotency: a command is applied once, and answered the same.

use domain::patients::PatientRegistered;
use domain::{Named, Query, Tag, UserId};
use event_store::{Append, AppendError, Appended, Position, fresh_id};

use super::{NINE, as_one_batch};
use crate::examples::{booked, patient, practitioner, registered, registration_of};
use crate::harness::TestLog;

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
