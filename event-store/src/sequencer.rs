//! The one writer of this process. While a batch commits, requests queue; the next batch takes all that wait. No timer.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::batch::{Verdict, commit};
use crate::connect::Log;
use crate::request::{Outcome, Request};
use crate::{AppendError, Clock, Position};

/// How many requests may wait; the next one is told that there are too many.
pub(crate) const QUEUE: usize = 4096;
/// A batch ends with the request that reaches either.
const BATCH_REQUESTS: usize = 512;
const BATCH_WEIGHT: usize = 4 << 20;
/// The pauses before a batch that may or may not have been committed goes through again: time enough for a database to restart.
const PAUSES: [u64; 14] = [0, 50, 100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000];
/// How long a database may take over a connection and over a batch before it counts as gone.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const COMMIT_WITHIN: Duration = Duration::from_secs(30);

/// The state of the one writer.
pub(crate) struct Sequencer {
    pub(crate) log: Log,
    pub(crate) queue: mpsc::Receiver<Request>,
    pub(crate) options: PgConnectOptions,
    pub(crate) clock: Clock,
    /// The head as far as this process knows it.
    pub(crate) head: watch::Sender<Position>,
}

/// Why a batch was not committed, as far as is known.
enum Failure {
    /// The database does not take it. Nothing was committed.
    Refused(Arc<sqlx::Error>),
    /// The database did not answer, again and again.
    Unavailable(Arc<sqlx::Error>),
}

impl Sequencer {
    /// Works until every [`crate::EventStore`] that sends to it is dropped.
    pub(crate) async fn run(mut self) {
        let mut connection = None;
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match self.queue.recv().await {
                    Some(request) => waiting.push_back(request),
                    None => return,
                }
            }
            while waiting.len() < BATCH_REQUESTS
                && let Ok(request) = self.queue.try_recv()
            {
                waiting.push_back(request);
            }
            let batch = next_batch(&mut waiting);
            if let Err(error) = self.append(&mut connection, batch).await {
                // Who waits behind a database that is gone is told so at once.
                while let Ok(request) = self.queue.try_recv() {
                    waiting.push_back(request);
                }
                reply_unavailable(waiting.drain(..), &error);
            }
        }
    }

    /// Commits a batch and answers its requests. A batch that the database refuses is halved until the one request that it refuses is found.
    async fn append(&self, connection: &mut Option<PgConnection>, batch: Vec<Request>) -> Result<(), Arc<sqlx::Error>> {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            match self.commit(connection, &part).await {
                Ok(verdicts) => part.into_iter().zip(verdicts).for_each(|(request, verdict)| reply(request, verdict)),
                Err(Failure::Refused(_)) if part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                Err(Failure::Refused(error)) => {
                    tracing::error!(%error, "the log's database refuses an append");
                    for request in part {
                        drop(request.reply.send(Err(AppendError::Refused(Arc::clone(&error)))));
                    }
                }
                Err(Failure::Unavailable(error)) => {
                    tracing::error!(%error, "the log's database is not available");
                    reply_unavailable(part.into_iter().chain(parts.into_iter().rev().flatten()), &error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Commits a batch. An answer may get lost with the connection, so the same batch goes through again until one arrives: a command that had been
    /// committed is seen then.
    async fn commit(&self, connection: &mut Option<PgConnection>, batch: &[Request]) -> Result<Vec<Verdict>, Failure> {
        let mut last = sqlx::Error::WorkerCrashed;
        for pause in PAUSES {
            sleep(Duration::from_millis(pause)).await;
            let started = Instant::now();
            match self.attempt(connection, batch).await {
                Ok((head, verdicts)) => {
                    count(self.log, batch, &verdicts, started.elapsed());
                    self.head.send_if_modified(|known| head > std::mem::replace(known, head.max(*known)));
                    return Ok(verdicts);
                }
                Err(error) => {
                    *connection = None;
                    if is_refusal(&error) {
                        return Err(Failure::Refused(Arc::new(error)));
                    }
                    metrics::counter!("carelog_log_retries_total", "log" => self.log.name()).increment(1);
                    tracing::warn!(%error, "a batch goes through again");
                    last = error;
                }
            }
        }
        Err(Failure::Unavailable(Arc::new(last)))
    }

    async fn attempt(&self, connection: &mut Option<PgConnection>, batch: &[Request]) -> Result<(Position, Vec<Verdict>), sqlx::Error> {
        let connected = match connection {
            Some(connected) => connected,
            None => connection.insert(timeout(CONNECT_WITHIN, PgConnection::connect_with(&self.options)).await.map_err(timed_out)??),
        };
        timeout(COMMIT_WITHIN, commit(connected, self.clock.now(), batch)).await.map_err(timed_out)?
    }
}

fn timed_out(_: tokio::time::error::Elapsed) -> sqlx::Error {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// As many of those who wait as a batch takes. A command that comes twice is left for the next one, where it is seen or, if it was refused, stands alone.
fn next_batch(waiting: &mut VecDeque<Request>) -> Vec<Request> {
    let mut commands = HashSet::new();
    let mut batch = Vec::new();
    let mut later = VecDeque::new();
    let mut weight = 0;
    while batch.len() < BATCH_REQUESTS
        && weight < BATCH_WEIGHT
        && let Some(request) = waiting.pop_front()
    {
        if commands.insert((request.tenant, request.actor.user, request.command.id)) {
            weight += request.weight();
            batch.push(request);
        } else {
            later.push_back(request);
        }
    }
    later.append(waiting);
    *waiting = later;
    batch
}

/// Whether the database understood the statement and will not take it, rather than being unable to serve anyone just now.
fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Encode(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| ["0A", "22", "23", "42", "54", "P0"].iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}

/// A caller may have stopped waiting; then nobody hears it.
fn reply(request: Request, verdict: Verdict) {
    let _ = request.reply.send(match verdict {
        Verdict::Appended(position) => Ok(Outcome::Appended(position)),
        Verdict::Seen => Ok(Outcome::Seen),
        Verdict::Grown => Err(AppendError::Conflict),
    });
}

fn reply_unavailable(requests: impl Iterator<Item = Request>, error: &Arc<sqlx::Error>) {
    for request in requests {
        let _ = request.reply.send(Err(AppendError::Unavailable(Arc::clone(error))));
    }
}

#[expect(clippy::cast_precision_loss, reason = "batches are small")]
fn count(log: Log, batch: &[Request], verdicts: &[Verdict], took: Duration) {
    let appended = batch.iter().zip(verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Appended(_)));
    metrics::counter!("carelog_log_events_total", "log" => log.name()).increment(appended.map(|(request, _)| request.events.len() as u64).sum());
    metrics::counter!("carelog_log_conflicts_total", "log" => log.name())
        .increment(verdicts.iter().filter(|verdict| **verdict == Verdict::Grown).count() as u64);
    metrics::histogram!("carelog_log_batch_requests", "log" => log.name()).record(batch.len() as f64);
    metrics::histogram!("carelog_log_commit_seconds", "log" => log.name()).record(took.as_secs_f64());
}
