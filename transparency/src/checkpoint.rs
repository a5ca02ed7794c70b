//! Checkpoints: the size and the root of a tree, signed (C2SP `tlog-checkpoint`, `signed-note`), and cosigned by witnesses (`tlog-cosignature`).

use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use signed_note::{Note, NoteError, StandardSigner, StandardVerifier, Verifier, VerifierList};
use tlog_tiles::{Checkpoint, Hash};

const ED25519: u8 = 0x01;
const COSIGNATURE: u8 = 0x04;

/// A checkpoint, or a key for one, is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is not a checkpoint.
    #[error("the checkpoint does not read")]
    Malformed,
    /// Its signature is missing, wrong, or by a key that is not known.
    #[error("the checkpoint is not signed by the log")]
    Unsigned(#[source] Box<NoteError>),
    /// It is of another log or epoch.
    #[error("the checkpoint is of {0}")]
    OfAnother(String),
    /// A key does not read.
    #[error("the key does not read")]
    Key,
    /// The file of the key.
    #[error("the signing key cannot be read or made")]
    KeyFile(#[source] std::io::Error),
}

/// The size and the root that a checkpoint vouches for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Head {
    /// How many leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
}

/// The key that signs what was appended: a file of the 32 bytes of an Ed25519 secret key, in base64.
#[derive(Clone)]
pub struct LogKey(SigningKey);

impl LogKey {
    /// From its file.
    pub fn open(file: &Path) -> Result<Self, CheckpointError> {
        let text = fs::read_to_string(file).map_err(CheckpointError::KeyFile)?;
        let seed = BASE64_STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(CheckpointError::Key)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// From its file, which is made when there is none: for development.
    ///
    /// # Panics
    /// Where the operating system gives no random numbers.
    pub fn open_or_create(file: &Path) -> Result<Self, CheckpointError> {
        if !file.exists() {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).expect("the operating system gives random numbers");
            let create = || {
                fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
                let mut options = fs::OpenOptions::new();
                std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600)
                    .open(file)?
                    .write_all(BASE64_STANDARD.encode(seed).as_bytes())
            };
            match create() {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(CheckpointError::KeyFile(error)),
                _ => {}
            }
        }
        Self::open(file)
    }

    /// The public key by which others know checkpoints of this origin, in the form of `signed-note`.
    pub fn verifier_key(&self, origin: &str) -> String {
        named(origin, ED25519, self.0.verifying_key().as_bytes())
    }

    /// Signs the head of the tree of this origin.
    pub(crate) fn sign(&self, origin: &str, head: Head) -> Result<String, CheckpointError> {
        let public = [&[ED25519], self.0.verifying_key().as_bytes().as_slice()].concat();
        let secret = BASE64_STANDARD.encode([&[ED25519], self.0.to_bytes().as_slice()].concat());
        let signer =
            StandardSigner::new(&format!("PRIVATE+KEY+{origin}+{:08x}+{secret}", signed_note::key_id(origin, &public))).map_err(|_| CheckpointError::Key)?;
        let checkpoint = Checkpoint::new(origin, head.size, head.root, "").map_err(|_| CheckpointError::Malformed)?;
        let unsigned = |error| CheckpointError::Unsigned(Box::new(error));
        let mut note = Note::new(&checkpoint.to_bytes(), &[]).map_err(unsigned)?;
        note.add_sigs(&[&signer]).map_err(unsigned)?;
        String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::Malformed)
    }
}

/// What a checkpoint says, once it is seen that the log of this key signed it, and by which other known keys it is cosigned: the names of witnesses' keys.
pub fn verify(note: &str, log_key: &str, witnesses: &[String]) -> Result<(Head, Vec<String>), CheckpointError> {
    let log = StandardVerifier::new(log_key).map_err(|_| CheckpointError::Key)?;
    let origin = log.name().to_owned();
    let parsed = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
    let checkpoint = Checkpoint::from_bytes(parsed.text()).map_err(|_| CheckpointError::Malformed)?;
    if checkpoint.origin() != origin {
        return Err(CheckpointError::OfAnother(checkpoint.origin().to_owned()));
    }
    parsed.verify(&VerifierList::new(vec![Box::new(log)])).map_err(|error| CheckpointError::Unsigned(Box::new(error)))?;
    let cosigned = witnesses.iter().filter(|key| {
        // One that is not valid is as one that is not there.
        Witness::new(key).is_ok_and(|witness| parsed.verify(&VerifierList::new(vec![Box::new(witness)])).is_ok())
    });
    Ok((Head { size: checkpoint.size(), root: *checkpoint.hash() }, cosigned.cloned().collect()))
}

/// Of what a witness answered, the lines that are its cosignatures of this checkpoint; nothing else of it goes anywhere.
pub(crate) fn cosignatures(note: &str, answer: &str, witness_key: &str) -> String {
    let Ok(parsed) = Note::from_bytes(note.as_bytes()) else { return String::new() };
    let valid = |line: &str| {
        let signature = signed_note::Signature::from_bytes(line.as_bytes()).ok()?;
        let cosigned = Note::new(parsed.text(), std::slice::from_ref(&signature)).ok()?;
        cosigned.verify(&VerifierList::new(vec![Box::new(Witness::new(witness_key).ok()?)])).ok()?;
        String::from_utf8(signature.to_bytes()).ok()
    };
    answer.lines().find_map(valid).unwrap_or_default()
}

/// What a checkpoint says, whoever signed it.
pub fn head_of(note: &str) -> Result<(String, Head), CheckpointError> {
    let parsed = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
    let checkpoint = Checkpoint::from_bytes(parsed.text()).map_err(|_| CheckpointError::Malformed)?;
    Ok((checkpoint.origin().to_owned(), Head { size: checkpoint.size(), root: *checkpoint.hash() }))
}

/// A witness's key, as a verifier of `cosignature/v1`: of a time and the checkpoint.
struct Witness {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl Witness {
    fn new(verifier_key: &str) -> Result<Self, CheckpointError> {
        let (name, rest) = verifier_key.split_once('+').ok_or(CheckpointError::Key)?;
        let (_, key) = rest.split_once('+').ok_or(CheckpointError::Key)?;
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| CheckpointError::Key)?;
        let key = bytes.strip_prefix(&[COSIGNATURE]).and_then(|key| key.try_into().ok()).ok_or(CheckpointError::Key)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| CheckpointError::Key)?;
        let witness = Self { name: name.to_owned(), id: signed_note::key_id(name, &bytes), key };
        if named(name, COSIGNATURE, key.as_bytes()) == verifier_key { Ok(witness) } else { Err(CheckpointError::Key) }
    }
}

impl Verifier for Witness {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = signature.split_first_chunk::<8>() else { return false };
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        let signed = [format!("cosignature/v1\ntime {}\n", u64::from_be_bytes(*time)).as_bytes(), text].concat();
        self.key.verify_strict(&signed, &signature).is_ok()
    }
}

/// Whether a text is a witness's key.
pub(crate) fn is_witness_key(key: &str) -> bool {
    Witness::new(key).is_ok()
}

/// Whether a text is a log's key.
pub(crate) fn is_log_key(key: &str) -> bool {
    StandardVerifier::new(key).is_ok()
}

/// A public key under a name, as `signed-note` writes it.
fn named(name: &str, algorithm: u8, key: &[u8]) -> String {
    let bytes = [&[algorithm], key].concat();
    format!("{name}+{:08x}+{}", signed_note::key_id(name, &bytes), BASE64_STANDARD.encode(&bytes))
}

/// The key of a witness, in the form of a policy.
#[cfg(test)]
pub(crate) fn cosigner_key(name: &str, key: &VerifyingKey) -> String {
    named(name, COSIGNATURE, key.as_bytes())
}
