//! Keys and sealing: protected values leave memory only through here.
//!
//! A root key wraps keys for each tenant, which wrap keys for each person, organization and facility; what is known of
//! one of them is sealed under their keys alone and becomes unreadable with them. The keys live in a database of their own, and each level can be rotated.

mod backup;
mod blobs;
mod connect;
mod data_keys;
mod destroy;
mod digest;
mod error;
mod key_ring;
mod kms_key;
mod listening;
mod namespace;
mod register;
mod restore;
mod root_key;
mod rotate;
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

pub use backup::{BackupError, BackupIdentity, BackupRecipient, new_backup_identity};
pub use blobs::{BlobOpener, BlobReader, BlobSealer, CHUNK, HEADER, SealedBlob, sealed_size};
use data_keys::DataKeys;
pub use digest::Digest;
pub use error::VaultError;
pub use key_ring::KeyRing;
pub use kms_key::{KmsKey, KmsSettings};
use listening::Listening;
pub use register::{DestroyedKey, Register, migrate_register};
pub use restore::{Restored, restore};
pub use root_key::RootKey;
pub use rotate::Rotation;
pub use seal::{Locator, SealedEvent, Unsealed};
use tags::IdentifierMac;
pub use tags::tag_of_tenant;

/// Whether events are sealed at all: only a benchmark is built without.
pub const SEALS: bool = cfg!(not(feature = "unsealed"));

/// How many claimed identifiers are kept in memory.
const CACHED_CLAIMS: u64 = 50_000;

/// How long keys and claims are kept in memory.
#[derive(Clone, Copy)]
pub struct Caching {
    /// After that long at most, no process uses what was destroyed, be the news of it lost or not.
    pub period: Duration,
}

impl Default for Caching {
    fn default() -> Self {
        Self { period: Duration::from_mins(10) }
    }
}

/// Seals and opens events, and makes tags opaque. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    keys: Arc<DataKeys>,
    claims: Cache<(TenantId, IdentifierMac), Uuid>,
    _listening: Arc<Listening>,
}

impl Vault {
    /// Opens the vault in its own database, which [`migrate`] has prepared, over connections of its own that are set up as the pool's are, and one to listen.
    pub async fn open(pool: PgPool, ring: impl Into<KeyRing>) -> Result<Self, VaultError> {
        Self::open_caching(pool, ring, Caching::default()).await
    }

    /// Opens the vault as [`Self::open`] does, to keep keys in memory as it is told.
    pub async fn open_caching(pool: PgPool, ring: impl Into<KeyRing>, caching: Caching) -> Result<Self, VaultError> {
        let (ring, options) = (ring.into(), connect::options(&pool));
        let pool = pool.options().clone().connect_lazy_with(options.clone());
        ring.check(&pool).await?;
        let claims = Cache::builder().max_capacity(CACHED_CLAIMS).time_to_live(caching.period).build();
        let keys = Arc::new(DataKeys::new(pool.clone(), ring, caching));
        let listening = Arc::new(Listening::start(options, Arc::downgrade(&keys)));
        Ok(Self { pool, keys, claims, _listening: listening })
    }
}

/// Brings the vault's database to this build's schema.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut migrator = sqlx::migrate!("../migrations/vault");
    migrator.create_schema("vault");
    migrator.dangerous_set_table_name("vault.migration");
    migrator.run(pool).await
}
