//! Why something could not be sealed or opened.

use domain::DecodeError;

/// Why something could not be sealed or opened. It holds no protected value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault's database did not answer as it should.
    #[error("the vault's database failed")]
    Database(#[from] sqlx::Error),
    /// A root key cannot be read, or is not this vault's.
    #[error("the root key cannot be used: {0}")]
    RootKey(&'static str),
    /// The key management service did not answer as it should.
    #[error("the key management service failed: {0}")]
    Kms(String),
    /// A key does not open what it should, or something was changed.
    #[error("a sealed value does not open")]
    NotAuthentic,
    /// The subject's key is destroyed: nothing more can be sealed for that subject.
    #[error("the subject's key is destroyed")]
    Erased,
    /// There is no key of that tenant or subject.
    #[error("there is no such key")]
    NoKey,
    /// The event does not split or join.
    #[error("an event does not read or write")]
    Shape(#[from] serde_json::Error),
    /// The event does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl VaultError {
    /// Whether another try may mend it: it tells of the vault, and nothing of what was to be opened.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Database(_) | Self::RootKey(_) | Self::Kms(_))
    }
}
