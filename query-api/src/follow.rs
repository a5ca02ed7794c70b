//! One operation of a WebSocket connection, from its validation to its last message.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use event_store::partition_of;
use futures::FutureExt;
use gate::{Moved, Sending, TookTooLong};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::QueryApi;
use crate::errors::Failure;
use crate::operation::{Operation, Outcome, named};
use crate::subscriptions::Progress;
use crate::websocket::{Said, Saying};

/// The least time between two reads of one subscription; what changes meanwhile comes together.
const AT_MOST_EVERY: Duration = Duration::from_millis(20);
/// The same after a read that found nothing: others are busy, and what is followed is not.
const AFTER_NOTHING: Duration = Duration::from_millis(200);

/// Runs an operation to its end, or until it is aborted; one that panics is answered too.
pub async fn operate(api: QueryApi, operation: Operation, number: u64, outbox: mpsc::Sender<Saying>) {
    let request_id = operation.request_id;
    let last = AssertUnwindSafe(run(&api, operation, number, &outbox)).catch_unwind().await;
    let (last, sending) = last.unwrap_or_else(|_| unrecorded(Said::Refused(named(Failure::Internal.response(), request_id))));
    // Nobody is left to tell when the connection is gone.
    outbox.send((number, last, sending)).await.ok();
}

/// What an operation says last, and what was recorded for it.
type Last = (Said, Sending);

/// The same where nothing was recorded for it.
fn unrecorded(said: Said) -> Last {
    (said, Sending::default())
}

/// One read, and what was recorded for its answer.
async fn read(api: &QueryApi, operation: Operation, progress: Progress) -> (Outcome, Sending) {
    let request_id = operation.request_id;
    let read = gate::answering(Box::pin(api.read(operation, progress))).await;
    read.unwrap_or_else(|TookTooLong| (Outcome::Refused(named(Failure::UNAVAILABLE.response(), request_id)), Sending::default()))
}

async fn run(api: &QueryApi, operation: Operation, number: u64, outbox: &mpsc::Sender<Saying>) -> Last {
    if let Err(refused) = api.validate(&operation).await {
        return unrecorded(Said::Refused(refused));
    }
    if operation.document.operation_type == OperationType::Subscription {
        return follow(api, operation, number, outbox).await;
    }
    let (outcome, sending) = read(api, operation, Progress::default()).await;
    match outcome {
        Outcome::Executed(response) => {
            outbox.send((number, Said::Next(response), sending)).await.ok();
            unrecorded(Said::Done)
        }
        Outcome::Nothing => (Said::Done, sending),
        Outcome::Refused(response) => (Said::Refused(response), sending),
        Outcome::Ended(_) => (Said::Ended, sending),
    }
}

async fn follow(api: &QueryApi, mut operation: Operation, number: u64, outbox: &mpsc::Sender<Saying>) -> Last {
    // Before the first read, so that no change falls between it and the first wait.
    let mut moved = api.gate.moved();
    let progress = Progress::default();
    loop {
        let read_at = Instant::now();
        // Behind each other: one change wakes everyone who follows, and queries and health must still find a connection.
        let turn = api.turns.acquire().await;
        let (outcome, sending) = read(api, operation.clone(), progress.clone()).await;
        drop(turn);
        let pause = match outcome {
            Outcome::Executed(response) => {
                if outbox.send((number, Said::Next(response), sending)).await.is_err() {
                    return unrecorded(Said::Done);
                }
                AT_MOST_EVERY
            }
            Outcome::Refused(response) => return (Said::Refused(response), sending),
            Outcome::Ended(_) => return (Said::Ended, sending),
            Outcome::Nothing => {
                sending.sent();
                AFTER_NOTHING
            }
        };
        operation.wait_for = None;
        if progress.has_more() {
            continue;
        }
        if !wait(&mut moved, &operation, progress.follows()).await {
            return unrecorded(Said::Done);
        }
        sleep_until(read_at + pause).await;
        while !matches!(moved.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
    }
}

/// Waits until rows of the caller's tenant that are followed may have changed; false when that can be known no more.
async fn wait(moved: &mut Receiver<Moved>, operation: &Operation, follows: &[&str]) -> bool {
    let partition = partition_of(operation.caller.tenant);
    loop {
        match moved.recv().await {
            Ok(Moved { projection, partition: of }) => {
                let concerns = projection.is_none_or(|name| follows.is_empty() || follows.contains(&name.as_str())) && of.is_none_or(|of| of == partition);
                if concerns {
                    return true;
                }
            }
            // Some were missed, and one of them may have been ours.
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}
