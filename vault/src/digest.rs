//! How a command's body is recognised when it comes again, without keeping it.

use domain::{Subject, TenantId};

use crate::{Vault, VaultError};

/// A command's body, as an HMAC under a key that is destroyed with the subject's.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest(pub Vec<u8>);

impl Vault {
    /// The digest of a command's body.
    pub async fn digest(&self, tenant: TenantId, subject: Subject, body: &[u8]) -> Result<Digest, VaultError> {
        let key = self.keys.of_subject(tenant, subject).await?;
        let secrets = key.secrets.as_ref().ok_or(VaultError::Erased)?;
        Ok(Digest(secrets.digesting.mac(&[body]).to_vec()))
    }
}
