//! Keys and sealing: protected values leave memory only through here.

use chrono::{DateTime, Utc};
use domain::{DecodeError, Event, Phi, Subject, Tag, TenantId};
use sqlx::PgPool;
use uuid::Uuid;

/// Seals and opens events, and makes tags opaque. Cheap to clone.
#[derive(Clone)]
pub struct Vault {}

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
    /// The event does not split or join.
    #[error("an event does not read or write")]
    Shape(#[from] serde_json::Error),
    /// The event does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// The root key, from a local file; development's key ring.
pub struct RootKey {}

/// An event as the log keeps it.
pub struct SealedEvent {
    /// Clear JSON, with a placeholder for each protected field.
    pub payload: String,
    /// The sealed segments, one a subject; see `seal.rs` for the encoding.
    pub sealed: Vec<u8>,
}

/// What is needed to open an event again.
pub struct Locator<'event> {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its id.
    pub event_id: Uuid,
    /// Its stored type name.
    pub event_type: &'event str,
    /// Its stored version.
    pub version: u16,
    /// Whose key seals it.
    pub subject: Subject,
    /// What the log keeps.
    pub sealed: &'event SealedEvent,
}

/// A command's body, as an HMAC under a key that is destroyed with the subject's.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest(pub Vec<u8>);

impl Vault {
    /// Opens the vault in its own database, which `migrations/vault` has prepared.
    pub async fn open(_pool: PgPool, _root: RootKey) -> Result<Self, VaultError> {
        todo!()
    }

    /// Seals an event under its subject's key, which is made when there is none.
    pub async fn seal(&self, _tenant: TenantId, _event_id: Uuid, _event: &Event, _occurred: DateTime<Utc>) -> Result<SealedEvent, VaultError> {
        todo!()
    }

    /// Opens events, in order; keys are fetched together. Where a subject's key is destroyed, the protected values and the time are erased.
    pub async fn unseal(&self, _events: &[Locator<'_>]) -> Result<Vec<Result<(Event, Phi<DateTime<Utc>>), VaultError>>, VaultError> {
        todo!()
    }

    /// The stored form of tags: ids as they are, days as keyed hashes, identifiers as random surrogates (claimed when new).
    pub async fn tags(&self, _tenant: TenantId, _tags: &[Tag]) -> Result<Vec<String>, VaultError> {
        todo!()
    }

    /// The digest of a command's body.
    pub async fn digest(&self, _tenant: TenantId, _subject: Subject, _body: &[u8]) -> Result<Digest, VaultError> {
        todo!()
    }
}
