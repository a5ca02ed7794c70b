//! Documents, sealed as they stream: any length, never whole in memory, any part of one to be opened without the rest.
//!
//! The sealed form is final from the first day, as that of segments is:
//!
//! | bytes | |
//! |---|---|
//! | 1 | version of this form: 1 |
//! | 16 | id of the data key |
//! | 32 | commitment to that key |
//! | 32 | salt, random |
//!
//! and then STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015; `aead-stream`, 32-bit big-endian counter) over AES-256-GCM-SIV: chunks of 64 KiB, the last one
//! shorter or full, each with its tag of 16 bytes. Its key is derived from the data key, the document's id and the salt, so it seals one blob only and the nonce's
//! prefix can be zero. A chunk's nonce holds its place and whether it is the last, so chunks that are left out, moved, cut off or another blob's do not open.

use std::ops::Range;

use aead_stream::{EncryptorBE32, NewStream, Nonce, StreamBE32, StreamPrimitive};
use aes_gcm_siv::aead::Payload;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit};
use domain::{Subject, TenantId};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::data_keys::DataSecrets;
use crate::secret::{Secret, joined};
use crate::{Vault, VaultError};

/// How many clear bytes a chunk holds.
pub const CHUNK: usize = 64 * 1024;
/// How many bytes come before the chunks.
pub const HEADER: usize = 81;
const SEALED_CHUNK: usize = CHUNK + 16;
const VERSION: u8 = 1;
const SALT_LENGTH: usize = 32;

/// A blob that was sealed whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedBlob {
    /// SHA-256 of the sealed bytes.
    pub address: [u8; 32],
    /// How many clear bytes it holds.
    pub size: u64,
}

/// Seals a document chunk by chunk.
pub struct BlobSealer {
    stream: EncryptorBE32<Aes256GcmSiv>,
    context: Vec<u8>,
    header: Vec<u8>,
    pending: Zeroizing<Vec<u8>>,
    hash: Sha256,
    size: u64,
}

/// Opens a document, or parts of it.
pub struct BlobOpener {
    stream: StreamBE32<Aes256GcmSiv>,
    context: Vec<u8>,
    size: u64,
}

/// Opens one part of a document as its sealed bytes come.
pub struct BlobReader {
    opener: BlobOpener,
    chunks: Range<u64>,
    range: Range<u64>,
    pending: Vec<u8>,
}

impl Vault {
    /// Begins to seal a document of a subject, whose key is made when there is none.
    pub async fn blob_sealer(&self, tenant: TenantId, subject: Subject, document: Uuid) -> Result<BlobSealer, VaultError> {
        let keys = self.keys.of_subject(tenant, subject).await?;
        let (key, secrets) = keys.newest()?;
        Ok(BlobSealer::new(secrets, key.id, document))
    }

    /// Begins to open a document of so many clear bytes, from the first bytes of what is stored.
    pub async fn blob_opener(&self, tenant: TenantId, subject: Subject, document: Uuid, header: &[u8; HEADER], size: u64) -> Result<BlobOpener, VaultError> {
        let parts = parse(header).ok_or(VaultError::NotAuthentic)?;
        let keys = self.keys.by_ids([parts.key_id]).await?;
        let key = keys.get(&parts.key_id).ok_or(VaultError::NotAuthentic)?;
        if key.tenant != tenant || key.subject != subject.to_string() {
            return Err(VaultError::NotAuthentic);
        }
        BlobOpener::new(key.secrets()?, document, &parts, size)
    }
}

impl BlobSealer {
    fn new(secrets: &DataSecrets, key_id: Uuid, document: Uuid) -> Self {
        let mut salt = [0; SALT_LENGTH];
        getrandom::fill(&mut salt).expect("the operating system gives random numbers");
        let header = [&[VERSION], key_id.as_bytes().as_slice(), secrets.commitment.bytes(), &salt].concat();
        let stream = EncryptorBE32::from_stream_primitive(stream(&secrets.documents, document, &salt));
        Self { stream, context: context(document, key_id), hash: Sha256::new_with_prefix(&header), header, pending: Zeroizing::default(), size: 0 }
    }

    /// Takes clear bytes; gives the sealed ones that are to be written now, perhaps none.
    ///
    /// # Panics
    /// Beyond 256 TiB.
    pub fn push(&mut self, mut clear: &[u8]) -> Vec<u8> {
        let mut sealed = std::mem::take(&mut self.header);
        let written = sealed.len();
        self.size += clear.len() as u64;
        while !clear.is_empty() {
            // A full chunk waits until it is known not to be the last.
            if self.pending.len() == CHUNK {
                let payload = Payload { msg: &self.pending, aad: &self.context };
                sealed.extend(self.stream.encrypt_next(payload).expect("a document is shorter than 256 TiB"));
                self.pending.clear();
            }
            let (now, later) = clear.split_at(clear.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(now);
            clear = later;
        }
        self.hash.update(&sealed[written..]);
        sealed
    }

    /// The rest of the sealed bytes, and what was sealed.
    ///
    /// # Panics
    /// Beyond 256 TiB.
    pub fn finish(mut self) -> (Vec<u8>, SealedBlob) {
        let mut sealed = std::mem::take(&mut self.header);
        let payload = Payload { msg: &self.pending, aad: &self.context };
        let last = self.stream.encrypt_last(payload).expect("a document is shorter than 256 TiB");
        self.hash.update(&last);
        sealed.extend(last);
        (sealed, SealedBlob { address: self.hash.finalize().into(), size: self.size })
    }
}

impl BlobOpener {
    fn new(secrets: &DataSecrets, document: Uuid, header: &Header, size: u64) -> Result<Self, VaultError> {
        if !bool::from(secrets.commitment.bytes().ct_eq(&header.commitment)) {
            return Err(VaultError::NotAuthentic);
        }
        Ok(Self { stream: stream(&secrets.documents, document, &header.salt), context: context(document, header.key_id), size })
    }

    /// Opens a part of it, which lies within its size.
    ///
    /// # Panics
    /// On a range that is backwards or reaches beyond the end.
    pub fn part(self, range: Range<u64>) -> BlobReader {
        assert!(range.start <= range.end && range.end <= self.size, "the range lies within the document");
        let chunk = CHUNK as u64;
        let end = range.end.div_ceil(chunk).max(range.start / chunk + 1).min(chunks(self.size));
        BlobReader { chunks: range.start / chunk..end, range, pending: Vec::new(), opener: self }
    }
}

impl BlobReader {
    /// Which of the stored bytes it needs.
    pub fn sealed_range(&self) -> Range<u64> {
        let place = |chunk: u64| HEADER as u64 + chunk * SEALED_CHUNK as u64;
        place(self.chunks.start)..place(self.chunks.end).min(sealed_size(self.opener.size))
    }

    /// Takes stored bytes of [`Self::sealed_range`], in order; gives the clear ones that have become known, perhaps none.
    pub fn push(&mut self, mut sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut clear = Vec::new();
        while !sealed.is_empty() {
            let wanted = self.sealed_length()?;
            let (now, later) = sealed.split_at(sealed.len().min(wanted - self.pending.len()));
            self.pending.extend_from_slice(now);
            sealed = later;
            if self.pending.len() == wanted {
                clear.extend_from_slice(&self.open()?);
            }
        }
        Ok(clear)
    }

    /// Whether all of the part has come.
    pub fn finish(self) -> Result<(), VaultError> {
        if self.chunks.is_empty() && self.pending.is_empty() { Ok(()) } else { Err(VaultError::NotAuthentic) }
    }

    /// How long the chunk is that comes next.
    fn sealed_length(&self) -> Result<usize, VaultError> {
        if self.chunks.is_empty() {
            return Err(VaultError::NotAuthentic);
        }
        let begin = self.chunks.start * SEALED_CHUNK as u64 + HEADER as u64;
        let left = sealed_size(self.opener.size) - begin;
        Ok(usize::try_from(left).map_or(SEALED_CHUNK, |left| left.min(SEALED_CHUNK)))
    }

    /// The clear bytes of the chunk that has come, as far as they are of the part.
    fn open(&mut self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let chunk = self.chunks.start;
        let place = u32::try_from(chunk).map_err(|_| VaultError::NotAuthentic)?;
        let payload = Payload { msg: &self.pending, aad: &self.opener.context };
        let opened = self.opener.stream.decrypt(place, chunk + 1 == chunks(self.opener.size), payload);
        let opened = opened.map(Zeroizing::new).map_err(|_| VaultError::NotAuthentic)?;
        self.pending.clear();
        self.chunks.start += 1;
        let begin = chunk * CHUNK as u64;
        let within = |place: u64| usize::try_from(place.saturating_sub(begin)).map_or(opened.len(), |place| place.min(opened.len()));
        Ok(Zeroizing::new(opened[within(self.range.start)..within(self.range.end)].to_vec()))
    }
}

/// How many bytes a document of `size` clear bytes takes when it is sealed.
pub fn sealed_size(size: u64) -> u64 {
    HEADER as u64 + size + chunks(size) * (SEALED_CHUNK - CHUNK) as u64
}

/// How many chunks: an empty document has one, which is empty.
fn chunks(size: u64) -> u64 {
    size.div_ceil(CHUNK as u64).max(1)
}

/// What stands before the chunks.
struct Header {
    key_id: Uuid,
    commitment: [u8; 32],
    salt: [u8; SALT_LENGTH],
}

fn parse(header: &[u8; HEADER]) -> Option<Header> {
    let [VERSION, rest @ ..] = header else { return None };
    let (key_id, rest) = rest.split_first_chunk()?;
    let (commitment, rest) = rest.split_first_chunk()?;
    Some(Header { key_id: Uuid::from_bytes(*key_id), commitment: *commitment, salt: rest.try_into().ok()? })
}

fn stream(documents: &Secret, document: Uuid, salt: &[u8; SALT_LENGTH]) -> StreamBE32<Aes256GcmSiv> {
    let key = documents.derive_for(&[b"carelog document: seal", document.as_bytes(), salt]);
    StreamBE32::from_aead(Aes256GcmSiv::new(&(*key.bytes()).into()), &Nonce::<Aes256GcmSiv, StreamBE32<Aes256GcmSiv>>::default())
}

/// What every chunk is bound to, besides its place.
fn context(document: Uuid, key_id: Uuid) -> Vec<u8> {
    joined(&[b"document", &[VERSION], document.as_bytes(), key_id.as_bytes()])
}

#[cfg(test)]
mod tests;
