//! The log's connections: what they may do, and how Postgres plans for them.

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

/// The schema of the log. An access log would be the same code with another one.
pub(crate) const SCHEMA: &str = "clinical";

/// What the pool connects with, but confined to adding to the log and reading it.
pub(crate) fn options(pool: &PgPool) -> PgConnectOptions {
    (*pool.connect_options()).clone().options([
        ("role", "carelog_log"),
        ("search_path", SCHEMA),
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
