//! Databases of the run's own, made anew and dropped at the end.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use event_store::{Clock, EventStore, Log};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use vault::{RootKey, Vault};

/// The databases of one benchmark.
pub struct Databases {
    server: PgConnectOptions,
    names: Vec<String>,
    /// Where the development keys are.
    pub keys: PathBuf,
}

impl Databases {
    /// Makes the databases of the log, the vault, the read models and the access log, with their schemas.
    pub async fn make() -> anyhow::Result<Self> {
        let server: PgConnectOptions = std::env::var("DATABASE_URL").context("DATABASE_URL names the Postgres to measure; `make bench` starts one")?.parse()?;
        let run = event_store::fresh_id().simple().to_string();
        let names = ["log", "vault", "read", "access"].map(|part| format!("bench_{run}_{part}")).to_vec();
        let mut connection = PgConnection::connect_with(&server.clone().database("postgres")).await?;
        for name in &names {
            sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await?;
        }
        let keys = std::env::temp_dir().join(format!("carelog-bench-{run}"));
        let databases = Self { server, names, keys };
        let log = databases.pool(0).await?;
        event_store::migrate(&log, Log::Clinical).await?;
        event_store::migrate(&databases.pool(3).await?, Log::Access).await?;
        kafka::migrate(&log).await?;
        vault::migrate_register(&log).await?;
        vault::migrate(&databases.pool(1).await?).await?;
        let read = databases.pool(2).await?;
        projections::migrate(&read).await?;
        projections::prepare(&read, &projections::all()).await?;
        Ok(databases)
    }

    async fn pool(&self, index: usize) -> anyhow::Result<PgPool> {
        let options = self.server.clone().database(&self.names[index]);
        Ok(PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(30)).connect_with(options).await?)
    }

    /// The log's database.
    pub async fn log(&self) -> anyhow::Result<PgPool> {
        self.pool(0).await
    }

    /// The read models' database.
    pub async fn read(&self) -> anyhow::Result<PgPool> {
        self.pool(2).await
    }

    /// The URL of the log's, the vault's, the read models' and the access log's database.
    pub fn url(&self, index: usize) -> String {
        format!("postgres://carelog:carelog@{}:{}/{}", self.server.get_host(), self.server.get_port(), self.names[index])
    }

    /// The log, with a sequencer of its own.
    pub async fn store(&self) -> anyhow::Result<EventStore> {
        let root = RootKey::open_or_create(self.keys.join("development-root.key"))?;
        let vault = Vault::open(self.pool(1).await?, root).await?;
        Ok(EventStore::open(Log::Clinical, self.pool(0).await?, vault, Clock::system()).await?)
    }

    /// The access log's database.
    pub async fn pool_of_access(&self) -> anyhow::Result<PgPool> {
        self.pool(3).await
    }

    /// The access log.
    pub async fn access(&self, vault: Vault) -> anyhow::Result<EventStore> {
        Ok(EventStore::open(Log::Access, self.pool(3).await?, vault, Clock::system()).await?)
    }

    /// Drops everything.
    pub async fn drop(self) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect_with(&self.server.clone().database("postgres")).await?;
        for name in &self.names {
            sqlx::query(AssertSqlSafe(format!("drop database {name} with (force)"))).execute(&mut connection).await?;
        }
        std::fs::remove_dir_all(&self.keys).ok();
        Ok(())
    }
}
