//! The log's connections: what they may do, and how Postgres plans for them.

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

/// Which log: the same tables and the same rules, each in a database, with a head and a retention of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Log {
    /// What happened to patients, practitioners and appointments.
    Clinical,
    /// Who saw what of whom, and why.
    Access,
}

impl Log {
    /// Its name, which is also the schema of its tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clinical => "clinical",
            Self::Access => "access",
        }
    }
}

/// What the pool connects with, but confined to adding to the log and reading it.
pub(crate) fn options(pool: &PgPool, log: Log) -> PgConnectOptions {
    (*pool.connect_options()).clone().options([
        ("role", "carelog_log"),
        ("search_path", log.name()),
        // An acknowledged append is durable, whatever the server's default is.
        ("synchronous_commit", "on"),
        // Every statement of this crate finds its rows by an index. A planner that has no statistics yet, or old ones, may think otherwise.
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("jit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ])
}
