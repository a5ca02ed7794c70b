//! Sealing events and opening them: every protected value and the time it happened, under the key of the person it is about.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{Event, Phi, Protected, Subject, TenantId};
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
    /// In the segment of the event's own subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred: Option<DateTime<Utc>>,
    /// Which of the event's protected values these are, where others have the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'values [usize]>,
    phi: &'values [&'values Value],
}

/// The same, read back.
#[derive(Deserialize)]
struct Opened {
    occurred: Option<DateTime<Utc>>,
    at: Option<Vec<usize>>,
    phi: Vec<Value>,
}

impl Vault {
    /// Seals an event: what is its subject's own and the time under that subject's key, what is another's under theirs. A key is made when there is none.
    pub async fn seal(&self, tenant: TenantId, event_id: Uuid, event: &Event, occurred: DateTime<Utc>) -> Result<SealedEvent, VaultError> {
        let (payload, protected) = event.split()?;
        if !crate::SEALS {
            // As long as it would be, and nothing else.
            return Ok(SealedEvent { sealed: vec![0; 180 + serde_json::to_vec(&protected.into_known())?.len()], payload: payload.to_string() });
        }
        let (event_type, by_subject) = (event.event_type(), protected.by_subject());
        let is_alone = by_subject.len() == 1;
        let mut sealed = Vec::with_capacity(by_subject.len());
        for (other, (places, values)) in &by_subject {
            let keys = self.keys.of_subject(tenant, other.unwrap_or_else(|| event.subject())).await?;
            let (key, secrets) = keys.newest()?;
            let plain = Plain { occurred: other.is_none().then_some(occurred), at: (!is_alone).then_some(places.as_slice()), phi: values };
            let plaintext = Zeroizing::new(serde_json::to_vec(&plain)?);
            let context = context(Part::of(other.is_none()), event_id, &event_type.to_string(), event_type.version, key.id);
            let encrypted = secrets.sealing.encrypt(&plaintext, &context.each_ref().map(Vec::as_slice));
            sealed.push((key.subject.clone(), key.id, *secrets.commitment.bytes(), encrypted));
        }
        let segments = sealed.iter().map(|(subject, key_id, commitment, encrypted)| Segment { subject, key_id: *key_id, commitment: *commitment, encrypted });
        Ok(SealedEvent { payload: payload.to_string(), sealed: segments::encode(&segments.collect::<Vec<_>>()) })
    }

    /// Opens events, in order; keys are fetched together. Where a subject's key is destroyed, what is theirs is erased: of the event's own, the time, too.
    pub async fn unseal(&self, events: &[Locator<'_>]) -> Result<Vec<Result<Unsealed, VaultError>>, VaultError> {
        let segments: Vec<_> = events.iter().map(segments_of).collect();
        let keys = self.keys.by_ids(segments.iter().flatten().flatten().map(|segment| segment.key_id)).await?;
        let opened = events.iter().zip(segments).map(|(event, segments)| open(event, &segments?, &keys));
        Ok(opened.collect())
    }
}

/// An event, and when it happened.
pub type Unsealed = (Event, Phi<DateTime<Utc>>);

/// The segments of an event, its own subject's first.
fn segments_of<'event>(event: &Locator<'event>) -> Result<Vec<Segment<'event>>, VaultError> {
    let segments = segments::decode(event.sealed)?;
    let own = segments.first().ok_or(VaultError::NotAuthentic)?;
    if own.subject == event.subject.to_string() { Ok(segments) } else { Err(VaultError::NotAuthentic) }
}

fn open(event: &Locator<'_>, segments: &[Segment<'_>], keys: &HashMap<Uuid, Arc<DataKey>>) -> Result<Unsealed, VaultError> {
    let (mut occurred, mut values, mut rest_is_erased) = (Phi::Erased, Vec::new(), false);
    for (index, segment) in segments.iter().enumerate() {
        let key = keys.get(&segment.key_id).ok_or(VaultError::NotAuthentic)?;
        let part = Part::of(index == 0);
        let Some(Opened { occurred: when, at, phi }) = open_segment(event, part, segment, key)? else {
            rest_is_erased = true;
            continue;
        };
        if part == Part::Own {
            occurred = Phi::Known(when.ok_or(VaultError::NotAuthentic)?);
        }
        let places = at.unwrap_or_else(|| (0..phi.len()).collect());
        values.extend(places.into_iter().zip(phi));
    }
    let clear = serde_json::from_str(event.payload)?;
    Ok((Event::decode(event.event_type, event.version, clear, Protected::known(values, rest_is_erased))?, occurred))
}

/// What a segment holds, unless its key is destroyed.
fn open_segment(event: &Locator<'_>, part: Part, segment: &Segment<'_>, key: &DataKey) -> Result<Option<Opened>, VaultError> {
    if key.tenant != event.tenant || key.subject != segment.subject {
        return Err(VaultError::NotAuthentic);
    }
    let secrets = match key.secrets() {
        Err(VaultError::Erased) => return Ok(None),
        secrets => secrets?,
    };
    if !bool::from(secrets.commitment.bytes().ct_eq(&segment.commitment)) {
        return Err(VaultError::NotAuthentic);
    }
    let context = context(part, event.event_id, event.event_type, event.version, key.id);
    let plaintext = secrets.sealing.decrypt(segment.encrypted, &context.each_ref().map(Vec::as_slice))?;
    Ok(Some(serde_json::from_slice(&plaintext)?))
}

/// Whose part of an event a segment is: one does not open in the other's place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Own,
    Others,
}

impl Part {
    fn of(is_own: bool) -> Self {
        if is_own { Self::Own } else { Self::Others }
    }
}

/// What a segment is bound to: in another event's place it does not open.
fn context(part: Part, event_id: Uuid, event_type: &str, version: u16, key_id: Uuid) -> [Vec<u8>; 5] {
    let name: &[u8] = match part {
        Part::Own => b"segment ",
        Part::Others => b"another's segment ",
    };
    let purpose = [name, &[segments::VERSION]].concat();
    [purpose, event_id.as_bytes().to_vec(), event_type.as_bytes().to_vec(), version.to_be_bytes().to_vec(), key_id.as_bytes().to_vec()]
}
