//! Where everything is. Each setting is an environment variable and an option of the same meaning.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use axum::http::HeaderValue;
use clap::{Args, ValueEnum};
use documents::AllowedTypes;
use sqlx::postgres::PgConnectOptions;

use crate::key_ring::RootKeySettings;
use crate::signing::SigningSettings;

/// The settings that every task shares.
#[derive(Args, Clone)]
#[command(next_help_heading = "Settings")]
pub struct Config {
    /// The log's database.
    #[arg(long, env = "DATABASE_URL", default_value = "postgres://carelog:carelog@127.0.0.1:54329/carelog_log", hide_env_values = true, global = true)]
    database_url: String,
    /// The vault's database: the log's with `_vault` unless given.
    #[arg(long, env = "CARELOG_VAULT_DATABASE_URL", hide_env_values = true, global = true)]
    vault_database_url: Option<String>,
    /// The access log's database: the log's with `_access` unless given.
    #[arg(long, env = "CARELOG_ACCESS_DATABASE_URL", hide_env_values = true, global = true)]
    access_database_url: Option<String>,
    /// The read models' database: the log's with `_read` unless given.
    #[arg(long, env = "CARELOG_READ_DATABASE_URL", hide_env_values = true, global = true)]
    read_database_url: Option<String>,
    /// The brokers, host:port, separated by commas.
    #[arg(long, env = "KAFKA_BROKERS", default_value = "127.0.0.1:9092", global = true)]
    pub kafka_brokers: String,
    /// `off` runs without a broker; the relay catches up when it is on again.
    #[arg(long, env = "KAFKA", default_value = "on", global = true)]
    pub kafka: Switch,
    /// Where the projections get their events from.
    #[arg(long, env = "CARELOG_PROJECTION_SOURCE", default_value = "log", global = true)]
    pub projection_source: ProjectionSource,
    /// The address that the API listens on.
    #[arg(long, env = "CARELOG_HTTP", default_value = "127.0.0.1:8080", global = true)]
    pub http: SocketAddr,
    /// The addresses of the proxies before this server, separated by commas: what they say in `X-Forwarded-For` is believed, what anybody else says is not.
    #[arg(long, env = "CARELOG_TRUSTED_PROXIES", value_delimiter = ',', global = true)]
    pub trusted_proxies: Vec<IpAddr>,
    /// The origins whose pages may call the API from a browser, such as `http://localhost:5173`, separated by commas; none unless given.
    #[arg(long, env = "CARELOG_CORS_ORIGINS", value_delimiter = ',', value_parser = origin, global = true)]
    pub cors_origins: Vec<HeaderValue>,
    /// The folder of development keys: the root key of the vault and the key that signs tokens.
    #[arg(long, env = "CARELOG_KEYS", default_value = "data/keys", global = true)]
    pub keys: PathBuf,
    #[command(flatten)]
    pub root_keys: RootKeySettings,
    /// Where documents are kept, sealed: a folder, or `s3://bucket/prefix` with the `AWS_…` variables.
    #[arg(long, env = "CARELOG_DOCUMENTS", default_value = "data/documents", global = true)]
    pub documents: String,
    #[command(flatten)]
    pub signing: SigningSettings,
    /// The most that a document may have, in megabytes.
    #[arg(long, env = "CARELOG_DOCUMENT_LIMIT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100), global = true)]
    document_limit: u64,
    /// The media types that documents may have, separated by commas.
    #[arg(
        long,
        env = "CARELOG_DOCUMENT_TYPES",
        default_value = "application/pdf,image/png,image/jpeg,image/tiff,text/plain,application/xml,text/xml,application/dicom",
        global = true
    )]
    pub document_types: AllowedTypes,
    /// The folder of the web pages and their packages.
    #[arg(long, env = "CARELOG_WEB", default_value = "web", global = true)]
    pub web: PathBuf,
    /// `production` refuses development keys.
    #[arg(long, env = "CARELOG_MODE", default_value = "development", global = true)]
    pub mode: Mode,
    /// The JWKS of an external token issuer.
    #[arg(long, env = "CARELOG_JWKS_URL", requires = "token_issuer", global = true)]
    pub jwks_url: Option<String>,
    /// The issuer (`iss`) that its tokens name.
    #[arg(long, env = "CARELOG_TOKEN_ISSUER", global = true)]
    pub token_issuer: Option<String>,
    /// The audience (`aud`) that its tokens name.
    #[arg(long, env = "CARELOG_TOKEN_AUDIENCE", default_value = "carelog", global = true)]
    pub token_audience: String,
    /// How long a query waits for the position that it asks for, in milliseconds.
    #[arg(long, env = "CARELOG_WAIT_MILLISECONDS", default_value_t = 5000, global = true)]
    pub wait_milliseconds: u64,
    /// Write the application's log as JSON lines.
    #[arg(long, env = "CARELOG_LOG_JSON", global = true)]
    pub log_json: bool,
}

/// On or off.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// In use.
    On,
    /// Not in use.
    Off,
}

/// What the projections read.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProjectionSource {
    /// The log itself.
    Log,
    /// `carelog.log.v1`.
    Kafka,
}

/// How careful to be.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Keys are made where they are missing.
    Development,
    /// Keys are given; those of development are refused.
    Production,
}

impl Config {
    /// The log's database.
    pub fn log_database(&self) -> anyhow::Result<PgConnectOptions> {
        options("DATABASE_URL", &self.database_url)
    }

    /// The vault's database.
    pub fn vault_database(&self) -> anyhow::Result<PgConnectOptions> {
        self.beside("CARELOG_VAULT_DATABASE_URL", self.vault_database_url.as_deref(), "_vault")
    }

    /// The access log's database.
    pub fn access_database(&self) -> anyhow::Result<PgConnectOptions> {
        self.beside("CARELOG_ACCESS_DATABASE_URL", self.access_database_url.as_deref(), "_access")
    }

    /// The read models' database.
    pub fn read_database(&self) -> anyhow::Result<PgConnectOptions> {
        self.beside("CARELOG_READ_DATABASE_URL", self.read_database_url.as_deref(), "_read")
    }

    fn beside(&self, name: &str, url: Option<&str>, suffix: &str) -> anyhow::Result<PgConnectOptions> {
        if let Some(url) = url {
            return options(name, url);
        }
        let log = self.log_database()?;
        let base = log.get_database().unwrap_or("carelog");
        let beside = format!("{}{suffix}", base.strip_suffix("_log").unwrap_or(base));
        Ok(log.clone().database(&beside))
    }

    /// The most bytes that a document may have.
    pub fn document_bytes(&self) -> u64 {
        self.document_limit * 1024 * 1024
    }

    /// Refuses what is for development only where the mode is production.
    pub fn refuse_development_keys(&self) -> anyhow::Result<()> {
        if self.mode == Mode::Production {
            ensure!(self.jwks_url.is_some(), "production needs CARELOG_JWKS_URL: development tokens are refused");
            ensure!(self.root_keys.root_key.is_some(), "production needs CARELOG_ROOT_KEY: the development root key is refused");
        }
        Ok(())
    }
}

/// An origin as browsers send it (RFC 6454): a scheme, a host and perhaps a port.
fn origin(text: &str) -> Result<HeaderValue, &'static str> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let origin = host.filter(|host| !host.is_empty() && !host.contains('/')).and_then(|_| text.parse().ok());
    origin.ok_or("must be an origin such as http://localhost:5173, without a path")
}

fn options(name: &str, url: &str) -> anyhow::Result<PgConnectOptions> {
    // The URL holds a password: the error names the variable only.
    let options: PgConnectOptions = url.parse().ok().with_context(|| format!("{name} is not a Postgres URL"))?;
    ensure!(options.get_database().is_some(), "{name} names no database");
    Ok(options.application_name("carelog"))
}
