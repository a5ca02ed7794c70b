//! Sealing events and opening them: every protected value and the time it happened, under the key of the person it is about.

use chrono::{DateTime, Utc};
use domain::{Event, Phi, Subject, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::data_keys::DataKey;
use crate::segments::{self, Segment};
use crate::{Vault, VaultError};

/// An event as the log keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedEvent {
    /// Clear JSON, with a placeholder for each protected field.
    pub payload: String,
    /// The sealed segments, one a subject; see `segments.rs` for the encoding.
    pub sealed: Vec<u8>,
}

/// What is needed to open an event again.
#[derive(Clone, Copy)]
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
    /// What the log keeps: clear JSON.
    pub payload: &'event str,
    /// What the log keeps: the sealed segments.
    pub sealed: &'event [u8],
}

/// What a segment holds. The names are stored.
#[derive(Serialize)]
struct Plain<'values> {
    occurred: DateTime<Utc>,
    phi: &'values [Value],
}

/// The same, read back.
#[derive(Deserialize)]
struct Opened {
    occurred: DateTime<Utc>,
    phi: Vec<Value>,
}

impl Vault {
    /// Seals an event under its subject's key, which is made when there is none.
    pub async fn seal(&self, tenant: TenantId, event_id: Uuid, event: &Event, occurred: DateTime<Utc>) -> Result<SealedEvent, VaultError> {
        let key = self.keys.of_subject(tenant, event.subject()).await?;
        let secrets = key.secrets.as_ref().ok_or(VaultError::Erased)?;
        let (payload, protected) = event.split()?;
        let phi = protected.known().map_or(&[][..], Vec::as_slice);
        let plaintext = Zeroizing::new(serde_json::to_vec(&Plain { occurred, phi })?);
        let event_type = event.event_type();
        let context = context(event_id, &event_type.to_string(), event_type.version, key.id);
        let encrypted = secrets.sealing.encrypt(&plaintext, &context.each_ref().map(Vec::as_slice));
        let segment = Segment { subject: &key.subject, key_id: key.id, commitment: *secrets.commitment.bytes(), encrypted: &encrypted };
        Ok(SealedEvent { payload: payload.to_string(), sealed: segments::encode(&[segment]) })
    }

    /// Opens events, in order; keys are fetched together. Where a subject's key is destroyed, the protected values and the time are erased.
    pub async fn unseal(&self, events: &[Locator<'_>]) -> Result<Vec<Result<Unsealed, VaultError>>, VaultError> {
        let segments: Vec<_> = events.iter().map(own_segment).collect();
        let keys = self.keys.by_ids(segments.iter().flatten().map(|segment| segment.key_id)).await?;
        let opened = events.iter().zip(segments).map(|(event, segment)| {
            let segment = segment?;
            let key = keys.get(&segment.key_id).ok_or(VaultError::NotAuthentic)?;
            open(event, &segment, key)
        });
        Ok(opened.collect())
    }
}

/// An event, and when it happened.
pub type Unsealed = (Event, Phi<DateTime<Utc>>);

/// The one segment that an event has today: its subject's.
fn own_segment<'event>(event: &Locator<'event>) -> Result<Segment<'event>, VaultError> {
    let segments = segments::decode(event.sealed)?;
    let [segment] = <[_; 1]>::try_from(segments).map_err(|_| VaultError::NotAuthentic)?;
    if segment.subject == event.subject.to_string() { Ok(segment) } else { Err(VaultError::NotAuthentic) }
}

fn open(event: &Locator<'_>, segment: &Segment<'_>, key: &DataKey) -> Result<Unsealed, VaultError> {
    if key.tenant != event.tenant || key.subject != segment.subject {
        return Err(VaultError::NotAuthentic);
    }
    let (occurred, protected) = match &key.secrets {
        None => (Phi::Erased, Phi::Erased),
        Some(secrets) => {
            if !bool::from(secrets.commitment.bytes().ct_eq(&segment.commitment)) {
                return Err(VaultError::NotAuthentic);
            }
            let context = context(event.event_id, event.event_type, event.version, key.id);
            let plaintext = secrets.sealing.decrypt(segment.encrypted, &context.each_ref().map(Vec::as_slice))?;
            let opened: Opened = serde_json::from_slice(&plaintext)?;
            (Phi::Known(opened.occurred), Phi::Known(opened.phi))
        }
    };
    let clear = serde_json::from_str(event.payload)?;
    Ok((Event::decode(event.event_type, event.version, clear, protected)?, occurred))
}

/// What a segment is bound to: in another event's place it does not open.
fn context(event_id: Uuid, event_type: &str, version: u16, key_id: Uuid) -> [Vec<u8>; 5] {
    let purpose = [b"segment ".as_slice(), &[segments::VERSION]].concat();
    [purpose, event_id.as_bytes().to_vec(), event_type.as_bytes().to_vec(), version.to_be_bytes().to_vec(), key_id.as_bytes().to_vec()]
}
