//! Which records of this process have had their answer. A record is committed before the first byte of its answer; what becomes of the answer is known to whoever
//! sends it. So each record is held until its answer is handed to the network. One that is let go before, because the client has gone or the answer failed, is
//! never answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ServerId;
use domain::access::NotSent;
use event_store::Position;
use tokio::sync::Notify;
use uuid::Uuid;

/// How long an answer may take from its first record on: one that takes longer is given up.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

tokio::task_local! {
    /// The answer that the task makes.
    static MAKING: Arc<Making>;
}

/// The records of this process and their answers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Answers {
    server: ServerId,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The last record that is known to be committed.
    last: Position,
    /// The records whose answer is under way, by the order in which they were begun: each lies after this position.
    under_way: BTreeMap<u64, Position>,
    begun: u64,
    not_sent: Vec<NotSent>,
}

/// How far the answers of this process have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Progress {
    /// No record up to here is under way.
    pub(crate) through: Position,
    /// Whether none is at all.
    pub(crate) at_rest: bool,
}

impl Answers {
    /// Those of a process that has answered nothing yet.
    pub(crate) fn of(server: ServerId) -> Self {
        Self { server, state: Arc::default() }
    }

    /// Which process this is.
    pub(crate) fn server(&self) -> ServerId {
        self.server
    }

    /// A record that is about to be committed.
    pub(crate) fn begin(&self) -> Unsent {
        let mut state = self.lock();
        state.begun += 1;
        let (number, after) = (state.begun, state.last);
        state.under_way.insert(number, after);
        Unsent { answers: self.clone(), number, records: None }
    }

    /// How far they have come.
    pub(crate) fn progress(&self) -> Progress {
        let state = self.lock();
        // Numbers and positions grow together, so nothing lies before the first.
        let through = state.under_way.first_key_value().map_or(state.last, |(_, after)| *after);
        Progress { through, at_rest: state.under_way.is_empty() }
    }

    /// The records that are never answered, to be said.
    pub(crate) fn take_not_sent(&self) -> Vec<NotSent> {
        std::mem::take(&mut self.lock().not_sent)
    }

    /// Those that could not be said, to be said again.
    pub(crate) fn put_back(&self, not_sent: Vec<NotSent>) {
        self.lock().not_sent.extend(not_sent);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record, or several of one operation, whose answer is not sent yet. Whoever lets go of it without having sent the answer says that it never went out.
pub(crate) struct Unsent {
    answers: Answers,
    number: u64,
    records: Option<NotSent>,
}

impl Unsent {
    /// So many records of a request were committed, the last one here.
    pub(crate) fn committed(&mut self, request: Uuid, last: Position, count: usize) {
        let first = last.0 + 1 - i64::try_from(count).unwrap_or(i64::MAX);
        self.records = Some(NotSent { request, first, last: Some(last.0) });
        let mut state = self.answers.lock();
        state.last = state.last.max(last);
    }

    /// Whether the records of a request were committed is not known, and no answer shows what they tell of.
    pub(crate) fn lost(&mut self, request: Uuid) {
        let after = self.answers.lock().under_way.get(&self.number).copied().unwrap_or_default();
        self.records = Some(NotSent { request, first: after.0 + 1, last: None });
    }

    fn sent(mut self) {
        self.records = None;
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        let mut state = self.answers.lock();
        state.under_way.remove(&self.number);
        state.not_sent.extend(self.records.take());
    }
}

/// An answer that is being made, and what was recorded for it.
#[derive(Default)]
struct Making {
    held: Mutex<Vec<Unsent>>,
    recorded: Notify,
}

/// Holds a record until the answer that the task makes is sent. Where it makes none, as a task of the operator's does, the record is all that there is to it.
pub(crate) fn hold(unsent: Unsent) {
    match MAKING.try_with(Arc::clone) {
        Ok(making) => {
            making.held.lock().unwrap_or_else(PoisonError::into_inner).push(unsent);
            making.recorded.notify_one();
        }
        Err(_) => unsent.sent(),
    }
}

/// What was recorded for an answer. Dropped without a word it says that the answer was never sent.
#[derive(Default)]
#[must_use = "whoever sends the answer says so"]
pub struct Sending(Vec<Unsent>);

impl Sending {
    /// The answer was handed to the network.
    pub fn sent(self) {
        self.0.into_iter().for_each(Unsent::sent);
    }
}

/// An answer was not made in time after what it shows was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the answer took too long after its access record")]
pub struct TookTooLong;

/// Makes an answer: all that reads or commands record for it is held until it is sent.
pub async fn answering<T>(answer: impl Future<Output = T>) -> Result<(T, Sending), TookTooLong> {
    answering_within(ANSWERED_WITHIN, answer).await
}

async fn answering_within<T>(limit: Duration, answer: impl Future<Output = T>) -> Result<(T, Sending), TookTooLong> {
    let making = Arc::new(Making::default());
    let too_long = async {
        making.recorded.notified().await;
        tokio::time::sleep(limit).await;
    };
    let made = tokio::select! {
        made = MAKING.scope(Arc::clone(&making), answer) => made,
        () = too_long => return Err(TookTooLong),
    };
    let held = std::mem::take(&mut *making.held.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((made, Sending(held)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> Answers {
        Answers::of(ServerId(Uuid::from_u128(1)))
    }

    fn recorded(answers: &Answers, at: i64) -> Unsent {
        let mut unsent = answers.begin();
        unsent.committed(Uuid::from_u128(7), Position(at), 1);
        unsent
    }

    fn progress(answers: &Answers) -> (i64, bool) {
        let Progress { through, at_rest } = answers.progress();
        (through.0, at_rest)
    }

    #[test]
    fn nothing_is_said_beyond_what_is_under_way() {
        let answers = answers();
        assert_eq!(progress(&answers), (0, true));
        let first = recorded(&answers, 5);
        let second = recorded(&answers, 9);
        // Where it will be is not known yet, but that it comes after what was known before.
        let third = answers.begin();
        assert_eq!(progress(&answers), (0, false));
        first.sent();
        assert_eq!(progress(&answers), (5, false));
        second.sent();
        assert_eq!(progress(&answers), (9, false));
        recorded(&answers, 12).sent();
        assert_eq!(progress(&answers), (9, false));
        drop(third);
        assert_eq!(progress(&answers), (12, true));
        assert_eq!(answers.take_not_sent(), [], "what was never committed is no record");
        answers.begin().lost(Uuid::from_u128(7));
        assert_eq!(answers.take_not_sent(), [NotSent { request: Uuid::from_u128(7), first: 13, last: None }]);
    }

    #[tokio::test]
    async fn what_is_let_go_of_before_it_was_sent_never_went_out() {
        let answers = answers();
        let record = async |at| hold(recorded(&answers, at));
        let ((), sending) = answering(record(5)).await.unwrap();
        sending.sent();
        assert_eq!(answers.take_not_sent(), []);
        let ((), sending) = answering(record(6)).await.unwrap();
        assert_eq!(progress(&answers), (5, false));
        drop(sending);
        // The client has gone.
        let gone = async {
            record(7).await;
            std::future::pending::<()>().await;
        };
        assert!(tokio::time::timeout(Duration::from_millis(20), answering(gone)).await.is_err());
        let stuck = async {
            record(8).await;
            std::future::pending::<()>().await;
        };
        assert!(answering_within(Duration::from_millis(20), stuck).await.is_err_and(|error| error == TookTooLong));
        let positions: Vec<i64> = answers.take_not_sent().into_iter().map(|not_sent| not_sent.first).collect();
        assert_eq!((positions, progress(&answers)), (vec![6, 7, 8], (8, true)));
        // Beside an answer there is nothing to wait for.
        record(9).await;
        assert_eq!((answers.take_not_sent(), progress(&answers)), (vec![], (9, true)));
    }
}
