//! A tenant's key, and the keys derived from it.

use std::sync::Arc;

use dashmap::DashMap;
use domain::TenantId;
use sqlx::PgPool;

use crate::secret::Secret;
use crate::{RootKey, VaultError};

/// What a tenant's key is used for.
pub(crate) struct TenantKey {
    /// Wraps the data keys of the tenant's subjects.
    pub(crate) wrapping: Secret,
    /// Makes tags opaque.
    pub(crate) tagging: Secret,
}

/// The keys of tenants, kept in memory once they were used.
pub(crate) struct TenantKeys {
    pool: PgPool,
    root: RootKey,
    known: DashMap<TenantId, Arc<TenantKey>>,
}

impl TenantKeys {
    pub(crate) fn new(pool: PgPool, root: RootKey) -> Self {
        Self { pool, root, known: DashMap::new() }
    }

    /// The tenant's key, which is made when there is none.
    pub(crate) async fn get(&self, tenant: TenantId) -> Result<Arc<TenantKey>, VaultError> {
        if let Some(known) = self.known.get(&tenant) {
            return Ok(Arc::clone(&known));
        }
        let offered = self.root.wrap(tenant, &Secret::random());
        // Where another process wins between the two halves of the statement, neither gives a row; the next try reads the winner's.
        let wrapped: Vec<u8> = loop {
            let row = sqlx::query_scalar(
                "with made as (insert into vault.tenant_key (tenant, wrapped) values ($1, $2) on conflict do nothing returning wrapped)
                select wrapped from made union all select wrapped from vault.tenant_key where tenant = $1",
            );
            if let Some(wrapped) = row.bind(tenant.0).bind(&offered).fetch_optional(&self.pool).await? {
                break wrapped;
            }
        };
        self.unwrapped(tenant, &wrapped)
    }

    /// The tenant's key from its row, where it was read together with something else.
    pub(crate) fn unwrapped(&self, tenant: TenantId, wrapped: &[u8]) -> Result<Arc<TenantKey>, VaultError> {
        if let Some(known) = self.known.get(&tenant) {
            return Ok(Arc::clone(&known));
        }
        let key = self.root.unwrap(tenant, wrapped)?;
        let key = Arc::new(TenantKey { wrapping: key.derive("carelog tenant: wrap data keys"), tagging: key.derive("carelog tenant: tags") });
        self.known.insert(tenant, Arc::clone(&key));
        Ok(key)
    }
}
