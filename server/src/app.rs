//! What the tasks stand on: the databases, the vault, the log and the gate.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use documents::{Documents, Rules, Storage};
use event_store::{Clock, EventStore, Log};
use gate::{Authority, Gate};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use vault::Vault;

use crate::config::Config;
use crate::key_ring;

/// Everything opened.
#[derive(Clone)]
pub struct App {
    /// The log.
    pub store: EventStore,
    /// The access log.
    pub access: EventStore,
    /// The access log's database, to see that it answers.
    pub access_pool: PgPool,
    /// The log's database, for the relay's own state beside the log.
    pub log_pool: PgPool,
    /// The read models' database.
    pub read_pool: PgPool,
    /// The one way in.
    pub gate: Gate,
    /// Where documents are kept.
    pub storage: Storage,
}

impl App {
    /// Opens everything; what is missing is named in the error.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        config.refuse_development_keys()?;
        let log_pool =
            pool(config.log_database()?, 16).await.context("the log's database is not available (DATABASE_URL); `carelog migrate` makes what is missing")?;
        let access_pool = pool(config.access_database()?, 8)
            .await
            .context("the access log's database is not available (CARELOG_ACCESS_DATABASE_URL); `carelog migrate` makes what is missing")?;
        let vault_pool = pool(config.vault_database()?, 8)
            .await
            .context("the vault's database is not available (CARELOG_VAULT_DATABASE_URL); `carelog migrate` makes what is missing")?;
        let read_pool = projections::quiet(bounded(32))
            .connect_with(config.read_database()?)
            .await
            .context("the read models' database is not available (CARELOG_READ_DATABASE_URL); `carelog migrate` makes what is missing")?;
        let vault = Vault::open(vault_pool, key_ring::open(config)?).await.context("the vault does not open; was `carelog migrate` run?")?;
        let access = EventStore::open(Log::Access, access_pool.clone(), vault.clone(), Clock::system());
        let access = access.await.context("the access log does not open; was `carelog migrate` run?")?;
        let store =
            EventStore::open(Log::Clinical, log_pool.clone(), vault, Clock::system()).await.context("the log does not open; was `carelog migrate` run?")?;
        let authority = authority(config)?;
        let gate = Gate::new(store.clone(), access.clone(), read_pool.clone(), authority, Duration::from_millis(config.wait_milliseconds));
        let storage = Storage::open(&config.documents).context("the documents' storage does not open (CARELOG_DOCUMENTS)")?;
        Ok(Self { store, access, access_pool, log_pool, read_pool, gate, storage })
    }
}

impl App {
    /// Says, at the end of a task, that whatever it recorded is out. Where it cannot be said, nobody knows whether it is.
    pub async fn answered(&self, started: bool) {
        if let Err(error) = self.gate.serving_ended(started).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "that everything was answered cannot be said in the access log");
        }
    }

    /// What the routes of documents stand on.
    pub fn documents(&self, config: &Config) -> Documents {
        let rules = Rules::new(config.document_bytes(), config.document_types.clone());
        let Self { gate, store, log_pool, storage, .. } = self.clone();
        Documents { gate, store, links: log_pool, storage, rules: Arc::new(rules) }
    }
}

/// A pool that gives up on a connection after a while, so that a request gets an answer.
pub async fn pool(options: PgConnectOptions, most: u32) -> Result<PgPool, sqlx::Error> {
    bounded(most).connect_with(options).await
}

fn bounded(most: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(most).acquire_timeout(Duration::from_secs(5))
}

fn authority(config: &Config) -> anyhow::Result<Authority> {
    Ok(match (&config.jwks_url, &config.token_issuer) {
        (Some(url), Some(issuer)) => Authority::external(url.clone(), issuer.clone(), config.token_audience.clone())?,
        _ => Authority::development(&config.keys)?.0,
    })
}
