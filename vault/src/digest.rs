//! How a command's body is recognised when it comes again, without keeping it.

use domain::{Subject, TenantId};
use subtle::ConstantTimeEq;

use crate::{Vault, VaultError};

/// A command's body, as an HMAC under a key that is destroyed with the subject's.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest {
    current: Vec<u8>,
    /// What it was under the subject's earlier keys: a command may have come first before one was rotated.
    former: Vec<Vec<u8>>,
}

impl Digest {
    /// What is kept of a new command.
    pub fn bytes(&self) -> &[u8] {
        &self.current
    }

    /// Whether this is what was kept of the same body.
    pub fn is(&self, kept: &[u8]) -> bool {
        std::iter::once(&self.current).chain(&self.former).any(|own| own.as_slice().ct_eq(kept).into())
    }
}

impl Vault {
    /// The digest of a command's body.
    pub async fn digest(&self, tenant: TenantId, subject: Subject, body: &[u8]) -> Result<Digest, VaultError> {
        let keys = self.keys.of_subject(tenant, subject).await?;
        let (_, newest) = keys.newest()?;
        let mac = |digesting: &crate::secret::Secret| digesting.mac(&[body]).to_vec();
        Ok(Digest { current: mac(&newest.digesting), former: keys.former().map(|key| mac(&key.digesting)).collect() })
    }
}
