//! Hearing of keys that were destroyed or replaced, whichever process did it.

use std::sync::Weak;
use std::time::Duration;

use domain::TenantId;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::data_keys::DataKeys;

/// What the vault's database tells changes on.
const CHANNEL: &str = "carelog_keys";
/// How long it is until another try to listen.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Listens until it is dropped.
pub(crate) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Listening {
    /// Forgets what changes. A change that is not heard of counts when the keys in memory have aged.
    pub(crate) fn start(options: PgConnectOptions, keys: Weak<DataKeys>) -> Self {
        // Outside of the vault's pool, where it would take a place for ever.
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(AGAIN_AFTER).max_lifetime(None).idle_timeout(None).connect_lazy_with(options);
        Self(tokio::spawn(async move {
            loop {
                if let Err(error) = listen(&pool, &keys).await {
                    tracing::warn!(%error, "nobody tells which keys have changed");
                }
                sleep(AGAIN_AFTER).await;
            }
        }))
    }
}

/// Until the connection ends.
async fn listen(pool: &sqlx::PgPool, keys: &Weak<DataKeys>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // What changed while nobody listened is not told again.
    if let Some(keys) = keys.upgrade() {
        keys.forget_all();
    }
    while let Some(change) = listener.try_recv().await? {
        let Some(keys) = keys.upgrade() else { return Ok(()) };
        let subject = change.payload().split_once(' ').and_then(|(tenant, subject)| Some((TenantId(tenant.parse().ok()?), subject)));
        match subject {
            Some((tenant, subject)) => keys.forget(tenant, subject),
            None => keys.forget_all(),
        }
    }
    Ok(())
}
