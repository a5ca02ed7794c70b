//! Waiting for the log to grow. A notification only wakes; the position is the truth.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::connect::Log;
use crate::read::head;
use crate::{EventStore, Position, ReadError};

/// How long a notification that got lost can go unnoticed.
const POLL_AFTER: Duration = Duration::from_secs(1);

impl EventStore {
    /// Waits until the log has grown beyond `after`. Wakes on notification, and polls, so that a lost notification costs time and nothing else.
    pub async fn wait_beyond(&self, after: Position) -> Result<Position, ReadError> {
        let mut known = self.known_head.clone();
        let head = known.wait_for(|head| *head > after).await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        Ok(*head)
    }
}

/// Keeps `known` at the head of the log, for every waiter of this process, until nobody is left to wait.
pub(crate) async fn follow(log: Log, pool: PgPool, options: PgConnectOptions, known: watch::Sender<Position>) {
    tokio::select! {
        () = known.closed() => {}
        () = listen_and_poll(log, &pool, options, &known) => {}
    }
}

async fn listen_and_poll(log: Log, pool: &PgPool, options: PgConnectOptions, known: &watch::Sender<Position>) {
    // Outside of the store's pool, where it would take a reader's place; without a lifetime, since it is one connection for ever.
    let listening = PgPoolOptions::new().max_connections(1).acquire_timeout(POLL_AFTER).max_lifetime(None).idle_timeout(None).connect_lazy_with(options);
    loop {
        if let Ok(mut listener) = listen(log, &listening).await {
            loop {
                look(pool, known).await;
                if let Ok(Err(_)) = timeout(POLL_AFTER, news(&mut listener, known)).await {
                    break;
                }
            }
        }
        look(pool, known).await;
        sleep(POLL_AFTER).await;
    }
}

async fn listen(log: Log, pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(&format!("carelog_log_{}", log.name())).await?;
    Ok(listener)
}

/// Until there may be something new. Of what this process appended it knows already.
async fn news(listener: &mut PgListener, known: &watch::Sender<Position>) -> Result<(), sqlx::Error> {
    loop {
        let notification = listener.try_recv().await?.ok_or(sqlx::Error::WorkerCrashed)?;
        let head = notification.payload().parse().map(Position);
        if !head.is_ok_and(|head| head <= *known.borrow()) {
            return Ok(());
        }
    }
}

async fn look(pool: &PgPool, known: &watch::Sender<Position>) {
    match head(pool).await {
        Ok(head) => drop(known.send_if_modified(|known| head > std::mem::replace(known, head.max(*known)))),
        Err(error) => tracing::warn!(%error, "the head of the log cannot be read"),
    }
}
