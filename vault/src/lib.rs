//! Keys and sealing: protected values leave memory only through here.
//!
//! The root key wraps a key for each tenant, which wraps a key for each person, organization and facility; what is known of
//! one of them is sealed under that key alone and becomes unreadable with it. The keys live in a database of their own.

mod blobs;
mod data_keys;
mod digest;
mod error;
mod namespace;
mod root_key;
mod seal;
mod secret;
mod segments;
mod tags;
mod tenant_keys;

use std::sync::Arc;
use std::time::Duration;

use domain::TenantId;
use moka::sync::Cache;
use sqlx::PgPool;
use sqlx::migrate::MigrateError;
use uuid::Uuid;

pub use blobs::{BlobOpener, BlobReader, BlobSealer, CHUNK, HEADER, SealedBlob, sealed_size};
use data_keys::DataKeys;
pub use digest::Digest;
pub use error::VaultError;
pub use root_key::RootKey;
pub use seal::{Locator, SealedEvent, Unsealed};
use tags::IdentifierMac;

/// How many claimed identifiers are kept in memory, and how long: a claim can be purged.
const CACHED_CLAIMS: u64 = 50_000;
const CLAIMS_CACHED_FOR: Duration = Duration::from_mins(10);

/// Seals and opens events, and makes tags opaque. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    keys: Arc<DataKeys>,
    claims: Cache<(TenantId, IdentifierMac), Uuid>,
}

impl Vault {
    /// Opens the vault in its own database, which [`migrate`] has prepared, over connections of its own that are set up as the pool's are.
    pub async fn open(pool: PgPool, root: RootKey) -> Result<Self, VaultError> {
        // Whatever the server's default is, a key is durable before anything is sealed with it.
        let durable = (*pool.connect_options()).clone().options([("synchronous_commit", "on")]);
        let pool = pool.options().clone().connect_lazy_with(durable);
        root.check(&pool).await?;
        let claims = Cache::builder().max_capacity(CACHED_CLAIMS).time_to_live(CLAIMS_CACHED_FOR).build();
        Ok(Self { keys: Arc::new(DataKeys::new(pool.clone(), root)), pool, claims })
    }
}

/// Brings the vault's database to this build's schema.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut migrator = sqlx::migrate!("../migrations/vault");
    migrator.create_schema("vault");
    migrator.dangerous_set_table_name("vault.migration");
    migrator.run(pool).await
}
