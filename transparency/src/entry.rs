//! The leaf of the tree: what is kept at one position, in one form for ever.
//!
//! An entry is a byte 1, the version of this form, and then fields, each behind its length in two bytes, big-endian:
//!
//! | field | bytes |
//! |---|---|
//! | log | `clinical` or `access` |
//! | epoch | 8, big-endian, as all numbers here |
//! | position | 8 |
//! | event id | 16 |
//! | event type | `scheduling.AppointmentBooked` |
//! | version of the event's shape | 2 |
//! | recorded time | 8, microseconds since 1970 |
//! | envelope | SHA-256 of the event's protobuf envelope (`carelog.log.v1.Envelope`) with `epoch` and `prev` left out: of what is stored, sealed values as they are sealed |
//! | answers | SHA-256 of the answers to commands that became final with the event (see [`answers_digest`]), or empty where there are none |
//!
//! Everything else of an event (tags, labels, who did it) is in its envelope, so an entry is small whatever the event holds. The leaf's hash is RFC 6962's.

use event_schemas::log::v1;
use event_store::{Answered, Kept, Log, Stored};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tlog_tiles::Hash;
use uuid::Uuid;

const VERSION: u8 = 1;

/// A leaf of the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// `clinical` or `access`.
    pub log: String,
    /// The epoch in which the position was given.
    pub epoch: i64,
    /// The position; the leaf's index is one less.
    pub position: i64,
    /// The event's id.
    pub event_id: Uuid,
    /// Its stored type.
    pub event_type: String,
    /// The version of its shape.
    pub version: u16,
    /// When it was recorded, in microseconds since 1970.
    pub recorded: i64,
    /// The digest of its envelope.
    pub envelope: [u8; 32],
    /// The digest of the answers that became final with it; none where there are none.
    pub answers: Option<[u8; 32]>,
}

/// Bytes are no entry of this form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the entry does not read")]
pub struct NotAnEntry;

impl Entry {
    /// Of all that is kept at a position.
    pub fn of(log: Log, epoch: i64, kept: &Kept) -> Self {
        let Stored { position, event_id, event_type, version, recorded, .. } = &kept.stored;
        Self {
            log: log.name().to_owned(),
            epoch,
            position: position.0,
            event_id: *event_id,
            event_type: event_type.clone(),
            version: *version,
            recorded: recorded.timestamp_micros(),
            envelope: envelope_digest(kept.stored.envelope()),
            answers: answers_digest(&kept.answered),
        }
    }

    /// The bytes that are hashed.
    ///
    /// # Panics
    /// Where the event's type is longer than 64 KiB.
    pub fn to_bytes(&self) -> Vec<u8> {
        let fields: [&[u8]; 9] = [
            self.log.as_bytes(),
            &self.epoch.to_be_bytes(),
            &self.position.to_be_bytes(),
            self.event_id.as_bytes(),
            self.event_type.as_bytes(),
            &self.version.to_be_bytes(),
            &self.recorded.to_be_bytes(),
            &self.envelope,
            self.answers.as_ref().map_or(&[], |digest| digest.as_slice()),
        ];
        let mut bytes = vec![VERSION];
        for field in fields {
            bytes.extend(u16::try_from(field.len()).expect("the name of a type is short").to_be_bytes());
            bytes.extend(field);
        }
        bytes
    }

    /// Reads what [`Entry::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAnEntry> {
        let mut rest = bytes.strip_prefix(&[VERSION]).ok_or(NotAnEntry)?;
        let mut field = || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (field, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = after;
            Some(field)
        };
        let mut read = || {
            Some(Self {
                log: String::from_utf8(field()?.to_vec()).ok()?,
                epoch: i64::from_be_bytes(field()?.try_into().ok()?),
                position: i64::from_be_bytes(field()?.try_into().ok()?),
                event_id: Uuid::from_slice(field()?).ok()?,
                event_type: String::from_utf8(field()?.to_vec()).ok()?,
                version: u16::from_be_bytes(field()?.try_into().ok()?),
                recorded: i64::from_be_bytes(field()?.try_into().ok()?),
                envelope: field()?.try_into().ok()?,
                answers: match field()? {
                    [] => None,
                    digest => Some(digest.try_into().ok()?),
                },
            })
        };
        let entry = read().ok_or(NotAnEntry)?;
        if rest.is_empty() { Ok(entry) } else { Err(NotAnEntry) }
    }

    /// The leaf's hash.
    pub fn hash(&self) -> Hash {
        tlog_tiles::record_hash(&self.to_bytes())
    }
}

/// SHA-256 of an envelope without its place in a chain of records.
pub fn envelope_digest(envelope: v1::Envelope) -> [u8; 32] {
    Sha256::digest(v1::Envelope { epoch: 0, prev: 0, ..envelope }.encode_to_vec()).into()
}

/// SHA-256 over the answers that became final with an event, by tenant, user and command: of each its fields in the order of [`Answered`], each behind its
/// length in eight bytes, a number as eight bytes, a position that is none as empty.
pub fn answers_digest(answers: &[Answered]) -> Option<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for answer in answers {
        field(answer.tenant.as_bytes());
        field(answer.actor.as_bytes());
        field(answer.command_id.as_bytes());
        field(answer.name.as_bytes());
        field(&answer.digest);
        field(answer.first_position.map(i64::to_be_bytes).as_ref().map_or(&[], <[u8; 8]>::as_slice));
        field(&answer.last_position.to_be_bytes());
        field(&answer.event_ids.iter().flat_map(|id| *id.as_bytes()).collect::<Vec<u8>>());
        field(answer.answer.as_bytes());
        field(&answer.recorded_at.timestamp_micros().to_be_bytes());
    }
    (!answers.is_empty()).then(|| hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            log: "clinical".to_owned(),
            epoch: 1,
            position: 7,
            event_id: Uuid::from_u128(1),
            event_type: "scheduling.AppointmentBooked".to_owned(),
            version: 1,
            recorded: 1_772_442_000_123_456,
            envelope: [3; 32],
            answers: None,
        }
    }

    #[test]
    fn an_entry_reads_back() {
        for answers in [None, Some([4; 32])] {
            let entry = Entry { answers, ..entry() };
            assert_eq!(Entry::from_bytes(&entry.to_bytes()), Ok(entry));
        }
    }

    #[test]
    fn the_form_is_final() {
        assert_eq!(entry().hash().to_string(), "YcydU7P0ChcF2wcgSp5DfSKAd2mwaNvW2IPG1TWOdh4=");
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_no_entry() {
        let bytes = entry().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(Entry::from_bytes(&bytes[..length]), Err(NotAnEntry));
        }
        assert_eq!(Entry::from_bytes(&[bytes, vec![0]].concat()), Err(NotAnEntry));
    }
}
