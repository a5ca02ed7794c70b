use proptest::prelude::*;

use super::*;

const DOCUMENT: Uuid = Uuid::from_u128(7);
const KEY: Uuid = Uuid::from_u128(8);

fn secrets() -> DataSecrets {
    DataSecrets { sealing: Secret::random(), commitment: Secret::random(), digesting: Secret::random(), documents: Secret::random() }
}

/// Bytes of which no two stretches are alike.
fn content(size: usize) -> Vec<u8> {
    (0..size.div_ceil(4)).flat_map(|word| u32::try_from(word).unwrap().wrapping_mul(2_654_435_761).to_be_bytes()).take(size).collect()
}

fn sealed(secrets: &DataSecrets, clear: &[u8], step: usize) -> (Vec<u8>, SealedBlob) {
    sealed_as(DOCUMENT, secrets, clear, step)
}

fn sealed_as(document: Uuid, secrets: &DataSecrets, clear: &[u8], step: usize) -> (Vec<u8>, SealedBlob) {
    let mut sealer = BlobSealer::new(secrets, KEY, document);
    let mut ciphertext: Vec<u8> = clear.chunks(step.max(1)).flat_map(|piece| sealer.push(piece)).collect();
    let (rest, blob) = sealer.finish();
    ciphertext.extend(rest);
    (ciphertext, blob)
}

fn opened(secrets: &DataSecrets, document: Uuid, sealed: &[u8], size: usize, range: Range<usize>, step: usize) -> Result<Vec<u8>, VaultError> {
    let header = sealed.first_chunk().and_then(parse).ok_or(VaultError::NotAuthentic)?;
    let mut reader = BlobOpener::new(secrets, document, &header, size as u64)?.part(range.start as u64..range.end as u64);
    let wanted = reader.sealed_range();
    let (start, end) = (usize::try_from(wanted.start).unwrap(), usize::try_from(wanted.end).unwrap());
    let stored = &sealed[start.min(sealed.len())..end.min(sealed.len())];
    let mut clear = Vec::new();
    for piece in stored.chunks(step.max(1)) {
        clear.extend(reader.push(piece)?);
    }
    reader.finish().map(|()| clear)
}

/// Lengths at and about the borders of chunks, and any other.
fn lengths() -> impl Strategy<Value = usize> {
    let borders: Vec<usize> = (0..4).flat_map(|chunks| [0_usize, 1, 2].map(|more| (chunks * CHUNK + more).saturating_sub(1))).collect();
    prop_oneof![proptest::sample::select(borders), 0..3 * CHUNK + 5]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_part_of_any_document_opens(size in lengths(), from in 0.0..1.0_f64, to in 0.0..1.0_f64, steps in (1_usize..200_000, 1_usize..200_000)) {
        let (secrets, clear) = (secrets(), content(size));
        let (sealed, blob) = sealed(&secrets, &clear, steps.0);
        prop_assert_eq!(sealed.len() as u64, sealed_size(size as u64));
        prop_assert_eq!(blob.size, size as u64);
        prop_assert!(blob.address.as_slice() == Sha256::digest(&sealed).as_slice());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in the document")]
        let place = |share: f64| (share * (size as f64 + 1.0)) as usize;
        let range = place(from).min(place(to))..place(from).max(place(to));
        prop_assert!(opened(&secrets, DOCUMENT, &sealed, size, range.clone(), steps.1).is_ok_and(|part| part == clear[range]));
        prop_assert!(opened(&secrets, DOCUMENT, &sealed, size, 0..size, steps.1).is_ok_and(|whole| whole == clear));
    }

    #[test]
    fn a_changed_byte_anywhere_is_refused(size in lengths(), place in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        let (secrets, clear) = (secrets(), content(size));
        let (mut sealed, _) = sealed(&secrets, &clear, CHUNK);
        let place = place.index(sealed.len());
        sealed[place] ^= 1_u8 << bit;
        // The key's id in the header is looked up by the vault and bound to every chunk.
        prop_assert!(opened(&secrets, DOCUMENT, &sealed, size, 0..size, CHUNK).is_err());
    }
}

#[test]
fn what_is_cut_off_moved_or_anothers_is_refused() {
    let (secrets, clear) = (secrets(), content(3 * CHUNK));
    let (whole, _) = sealed(&secrets, &clear, 1000);
    let chunk = |index: usize| HEADER + index * SEALED_CHUNK..HEADER + (index + 1) * SEALED_CHUNK;
    let open = |sealed: &[u8], size: usize| opened(&secrets, DOCUMENT, sealed, size, 0..size, SEALED_CHUNK);
    assert!(open(&whole, clear.len()).is_ok());
    for kept in [0, 1, HEADER, HEADER + 1, chunk(0).end, chunk(1).end, whole.len() - 1] {
        assert!(open(&whole[..kept], clear.len()).is_err(), "cut off at {kept}");
    }
    // Cut off at the border of a chunk, with a size to match: the chunk that is last now was not sealed as one.
    assert!(open(&whole[..chunk(1).end], 2 * CHUNK).is_err());
    // Longer than it was: the chunk that was last is not any more.
    assert!(open(&[whole.as_slice(), &whole[chunk(2)]].concat(), 4 * CHUNK).is_err());
    let exchanged = [&whole[..HEADER], &whole[chunk(1)], &whole[chunk(0)], &whole[chunk(2)]].concat();
    assert!(open(&exchanged, clear.len()).is_err(), "chunks out of order");
    let (other, _) = sealed(&secrets, &clear, 1000);
    assert!(other[chunk(0)] != whole[chunk(0)], "sealed twice, it is not the same");
    let foreign = [&whole[..chunk(0).end], &other[chunk(1)], &whole[chunk(2)]].concat();
    assert!(open(&foreign, clear.len()).is_err(), "a chunk of another sealing of the same document");
    assert!(opened(&secrets, Uuid::from_u128(9), &whole, clear.len(), 0..clear.len(), CHUNK).is_err(), "as another document");
    assert!(opened(&self::secrets(), DOCUMENT, &whole, clear.len(), 0..clear.len(), CHUNK).is_err(), "under another key");
    let mut future = whole.clone();
    future[0] = 2;
    assert!(open(&future, clear.len()).is_err(), "a version of the future");
}

/// As above, where no more is read than a part: nothing else of the blob vouches for it.
#[test]
fn a_part_of_what_is_cut_off_moved_or_anothers_is_refused() {
    let (secrets, clear) = (secrets(), content(4 * CHUNK));
    let (whole, _) = sealed(&secrets, &clear, CHUNK);
    let (again, _) = sealed(&secrets, &clear, CHUNK);
    let (of_the_same_patient, _) = sealed_as(Uuid::from_u128(9), &secrets, &clear, CHUNK);
    let chunk = |index: usize| HEADER + index * SEALED_CHUNK..HEADER + (index + 1) * SEALED_CHUNK;
    let with_second = |second: &[u8]| [&whole[..chunk(0).end], second, &whole[chunk(2).start..]].concat();
    let damaged = [
        ("the chunk before it", with_second(&whole[chunk(0)])),
        ("the chunk after it", with_second(&whole[chunk(2)])),
        ("the last chunk", with_second(&whole[chunk(3)])),
        ("the same chunk of another document of the patient", with_second(&of_the_same_patient[chunk(1)])),
        ("the same chunk of another sealing of the document", with_second(&again[chunk(1)])),
        ("another document of the patient", of_the_same_patient.clone()),
        ("a chunk left out", [&whole[..chunk(0).end], &whole[chunk(2).start..]].concat()),
        ("cut off before it", whole[..chunk(0).end].to_vec()),
        ("cut off in it", whole[..chunk(1).end - 1].to_vec()),
        ("under the header of another sealing", [&again[..HEADER], &whole[HEADER..]].concat()),
    ];
    for (what, sealed) in damaged {
        for range in [CHUNK..CHUNK + 1, 2 * CHUNK - 1..2 * CHUNK, CHUNK - 1..CHUNK + 1, 2 * CHUNK - 1..2 * CHUNK + 1, CHUNK..2 * CHUNK] {
            assert!(opened(&secrets, DOCUMENT, &whole, clear.len(), range.clone(), 1000).is_ok_and(|part| part == clear[range.clone()]));
            assert!(opened(&secrets, DOCUMENT, &sealed, clear.len(), range.clone(), 1000).is_err(), "{what}, {range:?}");
        }
    }
    let moved = [&whole[..HEADER], &whole[chunk(3)], &whole[chunk(1).start..chunk(2).end], &whole[chunk(0)]].concat();
    for range in [0..1, 4 * CHUNK - 1..4 * CHUNK] {
        assert!(opened(&secrets, DOCUMENT, &moved, clear.len(), range.clone(), 1000).is_err(), "the first and the last exchanged, {range:?}");
    }
}

#[test]
fn a_part_reads_no_more_than_the_chunks_that_it_touches() {
    let (secrets, clear) = (secrets(), content(10 * CHUNK));
    let (sealed, _) = sealed(&secrets, &clear, CHUNK);
    let header = sealed.first_chunk().and_then(parse).unwrap();
    let needs = |range: Range<u64>| {
        let wanted = BlobOpener::new(&secrets, DOCUMENT, &header, clear.len() as u64).ok().unwrap().part(range).sealed_range();
        (wanted.end - wanted.start).div_ceil(SEALED_CHUNK as u64)
    };
    let chunk = CHUNK as u64;
    assert_eq!([needs(0..1), needs(chunk - 1..chunk), needs(chunk - 1..chunk + 1), needs(3 * chunk..7 * chunk), needs(0..10 * chunk)], [1, 1, 2, 4, 10]);
}
