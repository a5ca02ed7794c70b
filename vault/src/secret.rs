//! A 256-bit key and the three things done with one: derive another, authenticate, encrypt.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::VaultError;

/// How long a key is, in bytes.
pub(crate) const KEY_LENGTH: usize = 32;
/// How long a nonce is, in bytes (RFC 8452).
const NONCE_LENGTH: usize = 12;

/// A key. It leaves memory when it is dropped, and has no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret([u8; KEY_LENGTH]);

impl Secret {
    /// A fresh key.
    pub(crate) fn random() -> Self {
        let mut key = Self([0; KEY_LENGTH]);
        getrandom::fill(&mut key.0).expect("the operating system gives random numbers");
        key
    }

    /// The key that these bytes are, if they are as many as a key has.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes, to be wrapped or to be written to a key file.
    pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// Another key for one purpose (HKDF-SHA256; this key is random already, so no salt). Distinct labels give independent keys.
    pub(crate) fn derive(&self, label: &str) -> Self {
        let mut derived = Self([0; KEY_LENGTH]);
        Hkdf::<Sha256>::new(None, &self.0).expand(label.as_bytes(), &mut derived.0).expect("HKDF-SHA256 gives up to 8,160 bytes");
        derived
    }

    /// Another key for one thing among many of a purpose: the parts cannot run into each other.
    pub(crate) fn derive_for(&self, parts: &[&[u8]]) -> Self {
        let mut derived = Self([0; KEY_LENGTH]);
        Hkdf::<Sha256>::new(None, &self.0).expand(&joined(parts), &mut derived.0).expect("HKDF-SHA256 gives up to 8,160 bytes");
        derived
    }

    /// HMAC-SHA256 of the parts, which cannot run into each other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).expect("an HMAC key may have any length");
        mac.update(&joined(parts));
        mac.finalize().into_bytes().into()
    }

    /// AES-256-GCM-SIV under a random nonce; nonce and ciphertext. It opens only beside the same context.
    pub(crate) fn encrypt(&self, plaintext: &[u8], context: &[&[u8]]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        getrandom::fill(&mut nonce).expect("the operating system gives random numbers");
        let payload = Payload { msg: plaintext, aad: &joined(context) };
        let ciphertext = self.cipher().encrypt(&Nonce::from(nonce), payload).expect("a plaintext is shorter than 64 GiB");
        [nonce.as_slice(), &ciphertext].concat()
    }

    /// What [`Self::encrypt`] was given.
    pub(crate) fn decrypt(&self, encrypted: &[u8], context: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, ciphertext) = encrypted.split_first_chunk::<NONCE_LENGTH>().ok_or(VaultError::NotAuthentic)?;
        let payload = Payload { msg: ciphertext, aad: &joined(context) };
        self.cipher().decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| VaultError::NotAuthentic)
    }

    /// The key `other`, to be stored.
    pub(crate) fn wrap(&self, other: &Self, context: &[&[u8]]) -> Vec<u8> {
        self.encrypt(&other.0, context)
    }

    /// What [`Self::wrap`] was given. A wrapped key that stands in another's place does not unwrap.
    pub(crate) fn unwrap(&self, wrapped: &[u8], context: &[&[u8]]) -> Result<Self, VaultError> {
        Self::from_bytes(&self.decrypt(wrapped, context)?).ok_or(VaultError::NotAuthentic)
    }

    fn cipher(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new(&self.0.into())
    }
}

/// A random id that tells nothing, not even when it was made (`UUIDv4`).
pub(crate) fn random_id() -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The parts behind their lengths (64 bits, big endian), so that no two lists give the same bytes.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_opens_only_with_its_key_and_beside_its_context() {
        let key = Secret::random();
        let encrypted = key.encrypt(b"needle", &[b"a", b"bc"]);
        assert!(!encrypted.windows(6).any(|window| window == b"needle"));
        assert_eq!(key.decrypt(&encrypted, &[b"a", b"bc"]).unwrap().as_slice(), b"needle");
        assert!(key.decrypt(&encrypted, &[b"ab", b"c"]).is_err());
        assert!(Secret::random().decrypt(&encrypted, &[b"a", b"bc"]).is_err());
        for place in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[place] ^= 1;
            assert!(key.decrypt(&changed, &[b"a", b"bc"]).is_err(), "a changed byte at {place} went unseen");
        }
        assert!(key.decrypt(&encrypted[..5], &[b"a", b"bc"]).is_err());
    }

    #[test]
    fn derived_keys_differ_by_label_and_are_the_same_every_time() {
        let key = Secret::random();
        assert!(key.derive("one").bytes() == key.derive("one").bytes());
        assert!(key.derive("one").bytes() != key.derive("two").bytes());
        assert!(key.derive("one").bytes() != key.bytes());
    }

    #[test]
    fn the_parts_of_a_mac_do_not_run_into_each_other() {
        let key = Secret::random();
        assert!(key.mac(&[b"ab", b"c"]) != key.mac(&[b"a", b"bc"]));
    }
}
