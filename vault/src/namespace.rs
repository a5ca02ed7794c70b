//! Secrets of a tenant from which ids are derived that have to come out the same again.

use domain::TenantId;
use uuid::Uuid;

use crate::{Vault, VaultError};

impl Vault {
    /// The namespace of a tenant's derived ids (`UUIDv5`) for one purpose. It never leaves the process: without it, nobody can try out whether an id stands for a
    /// number that they guess.
    pub async fn namespace(&self, tenant: TenantId, purpose: &str) -> Result<Uuid, VaultError> {
        let key = self.keys.tenants.tagging(tenant).await?;
        let mac = key.mac(&[b"namespace", purpose.as_bytes()]);
        Ok(Uuid::from_bytes(std::array::from_fn(|index| mac[index])))
    }
}
