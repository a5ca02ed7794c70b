//! What goes wrong with one append of a batch does not touch the others, and what waits is bounded.

use std::time::Duration;

use event_store::{Append, AppendError, CommandKey, Position, fresh_id};
use futures::future::join_all;

use super::{NINE, as_one_batch, hold};
use crate::examples::{booked, patient, practitioner, registered};
use crate::harness::TestLog;

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
