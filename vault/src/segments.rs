//! The encoding of what is sealed: final from the first day, since the log can never be rewritten.
//!
//! | bytes | |
//! |---|---|
//! | 1 | version of this encoding: 1 |
//! | 1 | number of segments |
//!
//! and for each segment, whose numbers are big endian:
//!
//! | bytes | |
//! |---|---|
//! | 1 + n | length and text of the subject, `patient/0190…` |
//! | 16 | id of the data key |
//! | 32 | commitment to that key |
//! | 4 + n | length and bytes of nonce (12), ciphertext and tag (16) of AES-256-GCM-SIV |
//!
//! The first is the event's own subject's; an event that tells about others has one for each of them.

use uuid::Uuid;

use crate::VaultError;

/// The version that is written.
pub(crate) const VERSION: u8 = 1;

/// What one subject's key seals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Segment<'bytes> {
    pub(crate) subject: &'bytes str,
    pub(crate) key_id: Uuid,
    pub(crate) commitment: [u8; 32],
    pub(crate) encrypted: &'bytes [u8],
}

/// The bytes of the segments.
///
/// # Panics
/// On more segments, a longer subject or a longer ciphertext than the encoding has room for; no event comes near.
pub(crate) fn encode(segments: &[Segment<'_>]) -> Vec<u8> {
    let mut bytes = vec![VERSION, u8::try_from(segments.len()).expect("an event has fewer than 256 segments")];
    for segment in segments {
        bytes.push(u8::try_from(segment.subject.len()).expect("a subject's name is shorter than 256 bytes"));
        bytes.extend_from_slice(segment.subject.as_bytes());
        bytes.extend_from_slice(segment.key_id.as_bytes());
        bytes.extend_from_slice(&segment.commitment);
        bytes.extend_from_slice(&u32::try_from(segment.encrypted.len()).expect("a segment is shorter than 4 GiB").to_be_bytes());
        bytes.extend_from_slice(segment.encrypted);
    }
    bytes
}

/// The segments in these bytes, all of which must be used up.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Segment<'_>>, VaultError> {
    parse(bytes).ok_or(VaultError::NotAuthentic)
}

fn parse(bytes: &[u8]) -> Option<Vec<Segment<'_>>> {
    let ([VERSION, count], mut rest) = bytes.split_first_chunk::<2>()? else { return None };
    let segments = (0..*count).map(|_| segment(&mut rest)).collect::<Option<Vec<_>>>()?;
    rest.is_empty().then_some(segments)
}

fn segment<'bytes>(rest: &mut &'bytes [u8]) -> Option<Segment<'bytes>> {
    let [subject_length] = take(rest)?;
    let subject = std::str::from_utf8(take_slice(rest, usize::from(*subject_length))?).ok()?;
    let key_id = Uuid::from_bytes(*take(rest)?);
    let commitment = *take(rest)?;
    let length = u32::from_be_bytes(*take(rest)?);
    let encrypted = take_slice(rest, usize::try_from(length).ok()?)?;
    Some(Segment { subject, key_id, commitment, encrypted })
}

fn take<'bytes, const LENGTH: usize>(rest: &mut &'bytes [u8]) -> Option<&'bytes [u8; LENGTH]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(taken)
}

fn take_slice<'bytes>(rest: &mut &'bytes [u8], length: usize) -> Option<&'bytes [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_read_back_and_nothing_shorter_or_longer_does() {
        let one = Segment { subject: "patient/1", key_id: Uuid::from_u128(1), commitment: [7; 32], encrypted: b"ciphertext" };
        let other = Segment { subject: "practitioner/2", key_id: Uuid::from_u128(2), commitment: [8; 32], encrypted: b"" };
        let bytes = encode(&[one.clone(), other.clone()]);
        assert_eq!(decode(&bytes).unwrap(), [one, other]);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err());
        }
        assert!(decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(decode(&[&[2], &bytes[1..]].concat()).is_err(), "a version of the future was read");
    }
}
