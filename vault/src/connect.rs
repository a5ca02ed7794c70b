//! The vault's connections: what they may do, and what a commit on them means.

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

/// What the pool connects with, but confined to the keys.
pub(crate) fn options(pool: &PgPool) -> PgConnectOptions {
    (*pool.connect_options()).clone().options([
        ("role", "carelog_keys"),
        // Whatever the server's default is, a key is durable before anything is sealed with it, and gone when it is said to be.
        ("synchronous_commit", "on"),
    ])
}
