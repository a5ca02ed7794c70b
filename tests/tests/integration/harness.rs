//! Databases of its own for each test, cloned from templates that were migrated once, and the log and the vault on them.

use std::sync::{Once, OnceLock};
use std::time::Duration;

use domain::{TenantId, UserId};
use event_store::{Actor, Clock, EventStore, Log};
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use vault::{RootKey, Vault};

/// One of Carelog's databases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Log,
    Vault,
    Read,
    Access,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Log, Self::Vault, Self::Read, Self::Access];
    /// What the log needs.
    const OF_THE_LOG: [Self; 2] = [Self::Log, Self::Vault];

    fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Vault => "vault",
            Self::Read => "read",
            Self::Access => "access",
        }
    }

    async fn migrate(self, pool: &PgPool) -> Result<(), MigrateError> {
        match self {
            Self::Log => {
                event_store::migrate(pool, Log::Clinical).await?;
                vault::migrate_register(pool).await
            }
            Self::Access => event_store::migrate(pool, Log::Access).await,
            Self::Vault => vault::migrate(pool).await,
            Self::Read => projections::migrate(pool).await,
        }
    }
}

/// The server that tests make databases on.
pub fn server() -> PgConnectOptions {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names a Postgres that the tests may make databases on; `make test` starts one");
    url.parse().expect("DATABASE_URL is a Postgres URL")
}

/// Databases of one test.
pub struct Databases {
    server: PgConnectOptions,
    run: String,
    /// How long a pool waits for a connection.
    pub patience: Duration,
    /// A folder for keys, removed at the end.
    pub keys: std::path::PathBuf,
}

impl Databases {
    /// The log's databases on the server that `DATABASE_URL` names, by cloning templates.
    pub async fn new() -> Self {
        Self::of(&Kind::OF_THE_LOG).await
    }

    /// Databases of these kinds.
    pub async fn of(kinds: &[Kind]) -> Self {
        let databases = Self::named(server());
        let mut connection = databases.maintenance().await;
        for kind in kinds {
            let (name, template) = (databases.name(*kind), template(*kind));
            sqlx::query(AssertSqlSafe(format!("create database {name} template {template}"))).execute(&mut connection).await.expect("a template is cloned");
        }
        databases
    }

    /// The log's databases on another server, which has no templates.
    pub async fn on(server: PgConnectOptions) -> Self {
        let databases = Self::named(server);
        let mut connection = databases.maintenance().await;
        for kind in Kind::OF_THE_LOG {
            sqlx::query(AssertSqlSafe(format!("create database {}", databases.name(kind)))).execute(&mut connection).await.expect("a database is made");
            kind.migrate(&databases.pool(kind)).await.expect("the migrations run");
        }
        databases
    }

    fn named(server: PgConnectOptions) -> Self {
        let run = format!("test_{}_{}", std::process::id(), event_store::fresh_id().simple());
        let keys = std::env::temp_dir().join(format!("carelog-{run}"));
        Self { server, run, patience: Duration::from_mins(1), keys }
    }

    fn name(&self, kind: Kind) -> String {
        format!("{}_{}", self.run, kind.name())
    }

    /// How to connect to a database.
    pub fn options(&self, kind: Kind) -> PgConnectOptions {
        self.server.clone().database(&self.name(kind))
    }

    /// A pool of a few connections, which are made when they are used.
    pub fn pool(&self, kind: Kind) -> PgPool {
        PgPoolOptions::new().max_connections(6).acquire_timeout(self.patience).connect_lazy_with(self.options(kind))
    }

    /// The vault; each call is another process's.
    pub async fn vault(&self) -> Vault {
        let root = RootKey::open_or_create(self.keys.join("root.key")).expect("a root key");
        Vault::open(self.pool(Kind::Vault), root).await.expect("the vault opens")
    }

    /// The log with its own sequencer; each call is another process's.
    pub async fn store(&self, clock: Clock) -> EventStore {
        EventStore::open(Log::Clinical, self.pool(Kind::Log), self.vault().await, clock).await.expect("the log opens")
    }

    async fn maintenance(&self) -> PgConnection {
        PgConnection::connect_with(&self.server.clone().database("postgres")).await.expect("the server that DATABASE_URL names answers")
    }
}

impl Drop for Databases {
    /// The databases stay until a later run drops them: each would be a checkpoint, which every test beside this one would wait for.
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.keys).ok();
    }
}

/// The log on databases of its own, and somebody who acts in it.
pub struct TestLog {
    pub store: EventStore,
    pub vault: Vault,
    /// The log's database as its owner sees it: what an administrator could do.
    pub owner: PgPool,
    /// The vault's database.
    pub vault_pool: PgPool,
    pub tenant: TenantId,
    pub actor: Actor,
    pub databases: Databases,
}

impl TestLog {
    /// With the machine's clock.
    pub async fn new() -> Self {
        Self::with_clock(Clock::system()).await
    }

    pub async fn with_clock(clock: Clock) -> Self {
        Self::on(Databases::new().await, clock).await
    }

    pub async fn on(databases: Databases, clock: Clock) -> Self {
        let store = databases.store(clock).await;
        Self {
            vault: store.vault().clone(),
            store,
            owner: databases.pool(Kind::Log),
            vault_pool: databases.pool(Kind::Vault),
            tenant: TenantId(event_store::fresh_id()),
            actor: Actor { user: UserId(event_store::fresh_id()), role: "front-desk".to_owned() },
            databases,
        }
    }

    /// The log and the same log again as another process has it.
    pub async fn two_processes() -> (Self, EventStore) {
        let log = Self::new().await;
        let other = log.databases.store(Clock::system()).await;
        (log, other)
    }
}

/// The name of the migrated template of a kind, made by the first test that asks. A later run drops it.
fn template(kind: Kind) -> &'static str {
    static TEMPLATES: [OnceLock<String>; Kind::ALL.len()] = [const { OnceLock::new() }; Kind::ALL.len()];
    static SWEEP: Once = Once::new();
    SWEEP.call_once(|| drop(std::thread::spawn(|| run(drop_left_behind()))));
    TEMPLATES[kind as usize].get_or_init(|| {
        let making = std::thread::spawn(move || run(make_template(kind)).expect("a template database is made"));
        making.join().expect("the server that DATABASE_URL names makes databases")
    })
}

async fn make_template(kind: Kind) -> anyhow::Result<String> {
    let server = server();
    let mut connection = PgConnection::connect_with(&server.clone().database("postgres")).await?;
    let name = format!("template_{}_{}", std::process::id(), kind.name());
    sqlx::query(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).execute(&mut connection).await?;
    sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect_with(server.database(&name)).await?;
    kind.migrate(&pool).await?;
    // Nothing may be connected to a database that is cloned.
    pool.close().await;
    Ok(name)
}

/// Drops what runs left behind whose process is gone.
async fn drop_left_behind() -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(&server().database("postgres")).await?;
    let names: Vec<String> =
        sqlx::query_scalar("select datname from pg_database where datname ~ '^(test|template)_[0-9]+_'").fetch_all(&mut connection).await?;
    for name in names {
        let process = name.split('_').nth(1).unwrap_or_default();
        if !std::path::Path::new("/proc").join(process).exists() {
            sqlx::query(AssertSqlSafe(format!("drop database if exists {name}"))).execute(&mut connection).await?;
        }
    }
    Ok(())
}

/// Runs to the end on a runtime of its own.
fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}
