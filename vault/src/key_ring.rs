//! The root keys of a vault, wherever they are kept: one that wraps, and others that still open while they are being replaced.

use std::sync::Arc;

use async_trait::async_trait;
use domain::TenantId;
use sqlx::PgPool;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::{KmsKey, RootKey, VaultError};

/// What a root key wraps: the two are not to be taken for each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A version of a tenant's key.
    Tenant,
    /// What makes a tenant's tags opaque.
    Tagging,
}

impl Purpose {
    /// As a wrapped key is bound to it: final.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant key",
            Self::Tagging => "tagging key",
        }
    }
}

/// A root key: it wraps the keys of tenants, and never leaves the place where it is kept.
#[async_trait]
pub(crate) trait Root: Send + Sync {
    /// Its name, which is stored beside what it wrapped.
    fn id(&self) -> &str;
    /// A key to be stored, bound to its tenant and purpose.
    async fn wrap(&self, tenant: TenantId, purpose: Purpose, key: &[u8]) -> Result<Vec<u8>, VaultError>;
    /// What [`Self::wrap`] was given.
    async fn unwrap(&self, tenant: TenantId, purpose: Purpose, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError>;
}

/// The root keys that a process knows. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    /// The first is the one to use, the others are on their way out.
    roots: Vec<Arc<dyn Root>>,
}

impl From<RootKey> for KeyRing {
    fn from(key: RootKey) -> Self {
        Self { roots: vec![Arc::new(key)] }
    }
}

impl From<KmsKey> for KeyRing {
    fn from(key: KmsKey) -> Self {
        Self { roots: vec![Arc::new(key)] }
    }
}

impl KeyRing {
    /// With further root keys, which open what they wrapped.
    #[must_use]
    pub fn and(mut self, others: impl Into<Self>) -> Self {
        self.roots.extend(others.into().roots);
        self
    }

    /// The name of the root key to use.
    pub fn preferred(&self) -> &str {
        self.roots[0].id()
    }

    /// Refuses a ring that lacks a root key of this vault, or whose own does not answer. The first ring of all gives the vault its root key.
    pub(crate) async fn check(&self, pool: &PgPool) -> Result<(), VaultError> {
        sqlx::query("insert into vault.root_key (id) select $1 where not exists (select from vault.root_key) on conflict do nothing")
            .bind(self.preferred())
            .execute(pool)
            .await?;
        let in_use: Vec<String> = sqlx::query_scalar("select id from vault.root_key where retired_at is null").fetch_all(pool).await?;
        if in_use.iter().any(|id| self.root(id).is_err()) {
            return Err(VaultError::RootKey("it is not the key that this vault began with"));
        }
        // Better told at the start than to the first who asks for something.
        let (nobody, probe) = (TenantId(uuid::Uuid::nil()), Secret::random());
        let wrapped = self.roots[0].wrap(nobody, Purpose::Tenant, probe.bytes()).await?;
        let opened = self.roots[0].unwrap(nobody, Purpose::Tenant, &wrapped).await?;
        if opened.as_slice() == probe.bytes() { Ok(()) } else { Err(VaultError::RootKey("it does not open what it wrapped")) }
    }

    pub(crate) async fn wrap(&self, root: &str, tenant: TenantId, purpose: Purpose, key: &Secret) -> Result<Vec<u8>, VaultError> {
        self.root(root)?.wrap(tenant, purpose, key.bytes()).await
    }

    pub(crate) async fn unwrap(&self, root: &str, tenant: TenantId, purpose: Purpose, wrapped: &[u8]) -> Result<Secret, VaultError> {
        let key = self.root(root)?.unwrap(tenant, purpose, wrapped).await?;
        Secret::from_bytes(&key).ok_or(VaultError::NotAuthentic)
    }

    fn root(&self, id: &str) -> Result<&dyn Root, VaultError> {
        let found = self.roots.iter().find(|root| root.id() == id);
        found.map(AsRef::as_ref).ok_or(VaultError::RootKey("this process does not know a root key of this vault"))
    }
}
