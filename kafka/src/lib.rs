//! The log on Kafka: its topics, the relay that publishes it, the consumer that reads it back and misses nothing, and the dead letters.

mod blocking;
mod chain;
mod config;
mod consumer;
mod dead_letter;
mod lease;
mod producer;
mod record;
mod refill;
mod relay;
mod resume;
mod source;
mod state;
mod tails;
pub mod topics;
mod whole;

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

pub use chain::Forked;
pub use config::KafkaConfig;
pub use consumer::{ConsumerError, LogConsumer, Stretch};
pub use dead_letter::dead_letters;
pub use record::{Link, NotOurs, decode};
pub use refill::{RefillError, refill};
pub use relay::{Halted, Relay};
pub use resume::KafkaAhead;
pub use source::open_source;
pub use state::{Phase, RelayState, Trouble};
pub use whole::{every_record, published};

pub(crate) use blocking::blocking;

/// Prepares the relay's own schema in the log's database.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut migrator: Migrator = sqlx::migrate!("../migrations/relay");
    // The log's migrations are counted in the same database, apart.
    migrator.create_schema("relay");
    migrator.dangerous_set_table_name("relay.migration");
    migrator.run(pool).await
}
