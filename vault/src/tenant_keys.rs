//! The keys of tenants. Each has versions, of which one wraps the tenant's new data keys; beside them stands the key that makes tags opaque.

use std::sync::Arc;

use domain::TenantId;
use moka::sync::Cache;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::key_ring::{KeyRing, Purpose};
use crate::secret::Secret;
use crate::{Caching, VaultError};

/// How many tenants' keys are kept in memory.
const CACHED_TENANTS: u64 = 1_000;

/// A version of a tenant's key as it is stored.
#[derive(sqlx::FromRow)]
pub(crate) struct StoredVersion {
    pub(crate) version: i32,
    pub(crate) root: String,
    pub(crate) wrapped: Vec<u8>,
}

/// The keys of tenants, the used ones in memory.
pub(crate) struct TenantKeys {
    pub(crate) pool: PgPool,
    pub(crate) ring: KeyRing,
    wrapping: Cache<(TenantId, i32), Arc<Secret>>,
    /// Which version wraps new data keys, as far as is known: who stores one finds out.
    newest: Cache<TenantId, i32>,
    tagging: Cache<TenantId, Arc<Secret>>,
    /// One question to the root key at a time: whoever waited finds the answer in memory.
    asking: Mutex<()>,
}

impl TenantKeys {
    pub(crate) fn new(pool: PgPool, ring: KeyRing, caching: Caching) -> Self {
        Self {
            pool,
            ring,
            wrapping: Cache::builder().max_capacity(2 * CACHED_TENANTS).time_to_live(caching.period).build(),
            newest: Cache::builder().max_capacity(CACHED_TENANTS).time_to_live(caching.period).build(),
            tagging: Cache::builder().max_capacity(CACHED_TENANTS).time_to_live(caching.period).build(),
            asking: Mutex::default(),
        }
    }

    /// What wraps the tenant's new data keys, with its version. It may just have been replaced: who stores what it wrapped says so to [`Self::forget_newest`].
    pub(crate) async fn newest(&self, tenant: TenantId) -> Result<(i32, Arc<Secret>), VaultError> {
        let known = || self.newest.get(&tenant).and_then(|version| Some((version, self.wrapping.get(&(tenant, version))?)));
        if let Some(known) = known() {
            return Ok(known);
        }
        let _turn = self.asking.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        let (version, key) = self.read_or_make(tenant).await?;
        self.newest.insert(tenant, version);
        Ok((version, self.keep(tenant, version, &key)))
    }

    /// The version that was taken for the newest is not.
    pub(crate) fn forget_newest(&self, tenant: TenantId) {
        self.newest.invalidate(&tenant);
    }

    /// What unwraps data keys that this version wrapped, from its row, which was read together with them.
    pub(crate) async fn stored(&self, tenant: TenantId, stored: &StoredVersion) -> Result<Arc<Secret>, VaultError> {
        if let Some(known) = self.wrapping.get(&(tenant, stored.version)) {
            return Ok(known);
        }
        let _turn = self.asking.lock().await;
        if let Some(known) = self.wrapping.get(&(tenant, stored.version)) {
            return Ok(known);
        }
        let key = self.ring.unwrap(&stored.root, tenant, Purpose::Tenant, &stored.wrapped).await?;
        Ok(self.keep(tenant, stored.version, &key))
    }

    /// What makes the tenant's tags opaque: the same for ever, whatever version its key has.
    pub(crate) async fn tagging(&self, tenant: TenantId) -> Result<Arc<Secret>, VaultError> {
        if let Some(known) = self.tagging.get(&tenant) {
            return Ok(known);
        }
        let _turn = self.asking.lock().await;
        if let Some(known) = self.tagging.get(&tenant) {
            return Ok(known);
        }
        let key = Arc::new(self.read_or_make_tagging(tenant).await?);
        self.tagging.insert(tenant, Arc::clone(&key));
        Ok(key)
    }

    fn keep(&self, tenant: TenantId, version: i32, key: &Secret) -> Arc<Secret> {
        let wrapping = Arc::new(wrapping(key));
        self.wrapping.insert((tenant, version), Arc::clone(&wrapping));
        wrapping
    }

    /// The version that wraps, from the database; the first is made when there is none.
    pub(crate) async fn read_or_make(&self, tenant: TenantId) -> Result<(i32, Secret), VaultError> {
        loop {
            let stored: Option<StoredVersion> = sqlx::query_as("select version, root, wrapped from vault.tenant_key where tenant = $1 and wraps")
                .bind(tenant.0)
                .fetch_optional(&self.pool)
                .await?;
            if let Some(StoredVersion { version, root, wrapped }) = stored {
                return Ok((version, self.ring.unwrap(&root, tenant, Purpose::Tenant, &wrapped).await?));
            }
            let root = self.root_that_wraps().await?;
            let wrapped = self.ring.wrap(&root, tenant, Purpose::Tenant, &Secret::random()).await?;
            // Where another process was first, or the root key was replaced, this does nothing, and the next round reads what there is.
            let add = "insert into vault.tenant_key (tenant, version, root, wrapped) select $1, 1, id, $3 from vault.root_key where id = $2 and wraps for share \
                       on conflict do nothing";
            sqlx::query(add).bind(tenant.0).bind(root).bind(wrapped).execute(&self.pool).await?;
        }
    }

    /// The tagging key from the database, where it comes from the tenant's first key.
    pub(crate) async fn read_or_make_tagging(&self, tenant: TenantId) -> Result<Secret, VaultError> {
        loop {
            let stored: Option<(String, Vec<u8>)> =
                sqlx::query_as("select root, wrapped from vault.tagging_key where tenant = $1").bind(tenant.0).fetch_optional(&self.pool).await?;
            if let Some((root, wrapped)) = stored {
                return self.ring.unwrap(&root, tenant, Purpose::Tagging, &wrapped).await;
            }
            let (version, key) = self.read_or_make(tenant).await?;
            let tagging = key.derive("carelog tenant: tags");
            let root = self.root_that_wraps().await?;
            let wrapped = self.ring.wrap(&root, tenant, Purpose::Tagging, &tagging).await?;
            // No second version is made before this is stored, so that it never comes from one.
            let add = "insert into vault.tagging_key (tenant, root, wrapped) select $1, id, $3 from vault.root_key where id = $2 and wraps and $4 = 1 for share \
                       on conflict do nothing";
            sqlx::query(add).bind(tenant.0).bind(root).bind(wrapped).bind(version).execute(&self.pool).await?;
        }
    }

    /// The root key that wraps what is new.
    pub(crate) async fn root_that_wraps(&self) -> Result<String, VaultError> {
        Ok(sqlx::query_scalar("select id from vault.root_key where wraps").fetch_one(&self.pool).await?)
    }
}

/// What wraps data keys.
pub(crate) fn wrapping(key: &Secret) -> Secret {
    key.derive("carelog tenant: wrap data keys")
}
