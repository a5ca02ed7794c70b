//! Making the databases and bringing their schemas up to date. The only task that changes schemas.

use anyhow::Context;
use event_store::Log;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::app::pool;
use crate::config::Config;

/// Makes what is missing, in every database.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let (log, access, vault, read) = (config.log_database()?, config.access_database()?, config.vault_database()?, config.read_database()?);
    for options in [&log, &access, &vault, &read] {
        create(options).await?;
    }
    let log = pool(log, 2).await?;
    event_store::migrate(&log, Log::Clinical).await.context("the log's schema")?;
    event_store::migrate(&pool(access, 2).await?, Log::Access).await.context("the access log's schema")?;
    kafka::migrate(&log).await.context("the relay's schema")?;
    documents::migrate(&log).await.context("the documents' schema")?;
    vault::migrate_register(&log).await.context("the register of destroyed keys")?;
    vault::migrate(&pool(vault, 2).await?).await.context("the vault's schema")?;
    let read = pool(read, 2).await?;
    projections::migrate(&read).await.context("the read models' registry")?;
    projections::prepare(&read, &projections::all()).await.context("the read models' schemas")?;
    tracing::info!("the databases are up to date");
    Ok(())
}

async fn create(options: &PgConnectOptions) -> anyhow::Result<()> {
    let name = options.get_database().unwrap_or_default();
    let mut connection = PgConnection::connect_with(&options.clone().database("postgres"))
        .await
        .with_context(|| format!("no Postgres answers at {}:{} (DATABASE_URL)", options.get_host(), options.get_port()))?;
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)").bind(name).fetch_one(&mut connection).await?;
    if !exists {
        let quoted: String = sqlx::query_scalar("select quote_ident($1)").bind(name).fetch_one(&mut connection).await?;
        sqlx::query(AssertSqlSafe(format!("create database {quoted} encoding 'UTF8'"))).execute(&mut connection).await?;
        tracing::info!(database = name, "made");
    }
    connection.close().await?;
    Ok(())
}
