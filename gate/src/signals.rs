//! Hears from the read database when a projection's cursor has moved, and tells everyone who waits here.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

use crate::unvalued::Unvalued;

/// A projection's cursor has moved. With no projection named, one may have: notifications could have been missed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Which projection.
    pub projection: Option<String>,
    /// In which of the log's partitions.
    pub partition: Option<u16>,
}

/// One listening connection for the process.
#[derive(Clone)]
pub(crate) struct Signals(broadcast::Sender<Moved>);

impl Signals {
    pub(crate) fn listen(pool: PgPool) -> Self {
        let (sender, _) = broadcast::channel(1024);
        tokio::spawn(forward(pool, sender.clone()));
        Self(sender)
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Moved> {
        self.0.subscribe()
    }
}

async fn forward(pool: PgPool, sender: broadcast::Sender<Moved>) {
    loop {
        if let Err(error) = listen(&pool, &sender).await.map_err(Unvalued::from) {
            tracing::warn!(%error, "not listening to the read database; trying again");
        }
        if pool.is_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn listen(pool: &PgPool, sender: &broadcast::Sender<Moved>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("carelog_read").await?;
    loop {
        // Whatever moved before we listened was missed.
        sender.send(Moved { projection: None, partition: None }).ok();
        while let Some(notification) = listener.try_recv().await? {
            let (projection, partition) = notification.payload().split_once(':').unwrap_or((notification.payload(), ""));
            sender.send(Moved { projection: Some(projection.to_owned()), partition: partition.parse().ok() }).ok();
        }
    }
}
