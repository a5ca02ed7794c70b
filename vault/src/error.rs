//! Why something could not be sealed or opened.

use domain::DecodeError;

/// Why something could not be sealed or opened. It holds no protected value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault's database did not answer as it should.
    #[error("the vault's database failed")]
    Database(#[from] sqlx::Error),
    /// The root key file cannot be read, or is not this vault's.
    #[error("the root key cannot be used: {0}")]
    RootKey(&'static str),
    /// A key does not open what it should, or something was changed.
    #[error("a sealed value does not open")]
    NotAuthentic,
    /// The subject's key is destroyed: nothing more can be sealed for that subject.
    #[error("the subject's key is destroyed")]
    Erased,
    /// The event does not split or join.
    #[error("an event does not read or write")]
    Shape(#[from] serde_json::Error),
    /// The event does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}
