//! Tamper evidence: a Merkle tree over each log, served as tiles, signed, cosigned and checked.
//!
//! The leaf at index `position − 1` is all that the log keeps at a position ([`Entry`]). Whoever holds a checkpoint can be shown that the history
//! it covers is still the same, and nobody, the administrator of the databases included, can change, drop, reorder or cut off any of it without [`verify`] naming the place.

mod checkpoint;
mod entry;
mod policy;
mod proof;
mod signer;
mod tiles;
mod tree;
pub mod verify;
mod witness;

pub use checkpoint::{CheckpointError, Head, LogKey, head_of};
pub use entry::{Entry, NotAnEntry, answers_digest, envelope_digest};
pub use policy::{PolicyError, TrustPolicy};
pub use proof::{Proof, ProofError, believed, check, is_prefix, prove};
pub use signer::{Halted, Signer, SignerError, SignerState, Signing};
pub use tiles::{Tiles, TilesError};
pub use tlog_tiles::Hash;
