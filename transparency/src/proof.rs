//! Proofs that anyone can check: that an entry is in the tree of a checkpoint (C2SP `tlog-proof`), and that one checkpoint's tree begins with another's.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tlog_tiles::Hash;

use crate::checkpoint::{CheckpointError, Head, head_of, verify};
use crate::entry::Entry;
use crate::policy::TrustPolicy;
use crate::tiles::{Tiles, TilesError, WIDTH};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Why there is no proof, or why one proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// Nothing is signed that far yet.
    #[error("no checkpoint covers the position yet")]
    NotYet,
    /// The tiles.
    #[error(transparent)]
    Tiles(#[from] TilesError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The text is no proof.
    #[error("the proof does not read")]
    Malformed,
    /// The entry is not at that index of the tree.
    #[error("the entry is not in the tree of the checkpoint")]
    NotIncluded,
    /// Too few witnesses.
    #[error("too few witnesses cosigned the checkpoint")]
    Unwitnessed,
    /// The log was changed.
    #[error("the tree of the later checkpoint does not begin with that of the earlier one")]
    Inconsistent,
}

/// An entry and the proof that it is in the tree of a checkpoint.
pub struct Proof {
    /// What is proven.
    pub entry: Entry,
    /// The proof, a `.tlog-proof`: its `extra` is the entry.
    pub text: String,
}

/// Proves the entry at a position under the published checkpoint.
pub async fn prove(tiles: &Tiles, position: i64) -> Result<Proof, ProofError> {
    let checkpoint = tiles.checkpoint().await?.ok_or(ProofError::NotYet)?;
    let (_, Head { size, root }) = head_of(&checkpoint)?;
    let index = u64::try_from(position - 1).map_err(|_| ProofError::NotYet)?;
    if index >= size {
        return Err(ProofError::NotYet);
    }
    let width = u32::try_from((size - index / WIDTH * WIDTH).min(WIDTH)).map_err(|_| TilesError::Inconsistent)?;
    let place = usize::try_from(index % WIDTH).map_err(|_| TilesError::Inconsistent)?;
    let bytes = tiles.entries(index / WIDTH, width).await?.swap_remove(place);
    let hashes = tiles.ask(size, root, |reader| tlog_tiles::prove_record(size, index, reader)).await?;
    let lines = lines(&hashes);
    let text = format!("{FIRST_LINE}\nextra {}\nindex {index}\n{lines}\n{checkpoint}", BASE64_STANDARD.encode(&bytes));
    let entry = Entry::from_bytes(&bytes).map_err(|_| TilesError::Inconsistent)?;
    check(&text, None).map(|_| Proof { entry, text })
}

/// Hashes as proofs are written: a line each.
pub(crate) fn lines(hashes: &[Hash]) -> String {
    hashes.iter().flat_map(|hash| [hash.to_string(), "\n".to_owned()]).collect()
}

/// What a proof proves, by its own text alone, and by whom: with a policy the log and the witnesses of it, without one nobody in particular.
pub fn check(text: &str, policy: Option<&TrustPolicy>) -> Result<(Entry, Head), ProofError> {
    let rest = text.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix("\nextra ")).ok_or(ProofError::Malformed)?;
    let (extra, rest) = rest.split_once("\nindex ").ok_or(ProofError::Malformed)?;
    let (index, rest) = rest.split_once('\n').ok_or(ProofError::Malformed)?;
    let (hashes, checkpoint) = match rest.strip_prefix('\n') {
        Some(checkpoint) => ("", checkpoint),
        None => rest.split_once("\n\n").ok_or(ProofError::Malformed)?,
    };
    let index: u64 = index.parse().map_err(|_| ProofError::Malformed)?;
    let bytes = BASE64_STANDARD.decode(extra).map_err(|_| ProofError::Malformed)?;
    let hashes: Vec<Hash> = hashes.lines().map(Hash::parse_hash).collect::<Result<_, _>>().map_err(|_| ProofError::Malformed)?;
    let head = match policy {
        Some(policy) => believed(checkpoint, policy)?,
        None => head_of(checkpoint)?.1,
    };
    let entry = Entry::from_bytes(&bytes).map_err(|_| ProofError::Malformed)?;
    if entry.position.checked_sub(1).and_then(|before| u64::try_from(before).ok()) != Some(index) || index >= head.size {
        return Err(ProofError::NotIncluded);
    }
    tlog_tiles::check_record(&hashes, head.size, head.root, index, entry.hash()).map_err(|_| ProofError::NotIncluded)?;
    Ok((entry, head))
}

/// What a checkpoint says, where a log of the policy signed it and enough witnesses cosigned it.
pub fn believed(checkpoint: &str, policy: &TrustPolicy) -> Result<Head, ProofError> {
    let (origin, _) = head_of(checkpoint)?;
    let key = policy.logs.iter().find(|key| key.split_once('+').is_some_and(|(name, _)| name == origin)).ok_or(CheckpointError::OfAnother(origin))?;
    let (head, cosigned) = verify(checkpoint, key, &policy.witness_keys())?;
    if policy.is_satisfied_by(&cosigned) { Ok(head) } else { Err(ProofError::Unwitnessed) }
}

/// The head of the first leaves of a tree, from its tiles, and proven against its root.
pub(crate) async fn prefix(tiles: &Tiles, tree: Head, leaves: u64) -> Result<Head, ProofError> {
    if leaves == tree.size {
        return Ok(tree);
    }
    let root = tiles.ask(tree.size, tree.root, |reader| tlog_tiles::tree_hash(leaves, reader)).await?;
    let prefix = Head { size: leaves, root };
    is_prefix(tiles, prefix, tree).await?;
    Ok(prefix)
}

/// Proves that the tree of `later` begins with that of `earlier`, from the tiles of `later`.
pub async fn is_prefix(tiles: &Tiles, earlier: Head, later: Head) -> Result<(), ProofError> {
    if earlier.size > later.size || (earlier.size == later.size && earlier.root != later.root) {
        return Err(ProofError::Inconsistent);
    }
    if earlier.size == 0 || earlier.size == later.size {
        return Ok(());
    }
    let proof = tiles.ask(later.size, later.root, |reader| tlog_tiles::prove_tree(later.size, earlier.size, reader)).await?;
    tlog_tiles::check_tree(&proof, later.size, later.root, earlier.size, earlier.root).map_err(|_| ProofError::Inconsistent)
}
