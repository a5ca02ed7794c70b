//! Whether history is still what was signed, and where it is not: of the log itself, and of a copy of it.

mod copy;
mod live;
mod tree;

use event_store::Position;

pub use copy::CopyOfLog;
pub use live::{CheckError, LogCheck, held};

use crate::checkpoint::Head;

/// How many findings are told; the first one is the one that counts.
const TOLD_AT_MOST: usize = 20;

/// What came of a verification.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The size and the root of the tree that was verified against.
    pub head: Head,
    /// How many positions were compared.
    pub compared: u64,
    /// How many positions lie beyond the tree: nothing is proven of them yet.
    pub beyond: u64,
    /// What is wrong, the lowest position first; empty where nothing is.
    pub findings: Vec<Finding>,
}

/// Something that is not as it was signed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The position, or the first of those that are concerned.
    pub position: Position,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with a position.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub enum Wrong {
    /// There is no event.
    #[error("the event is missing")]
    Missing,
    /// There is another event: one was inserted or taken out before it, or events were exchanged.
    #[error("another event is in its place")]
    Another,
    /// The event is the same by its id, and not what it was.
    #[error("the event was changed")]
    Changed,
    /// What was answered to a command was changed, added or taken away.
    #[error("the answer to its command was changed, added or taken away")]
    AnswerChanged,
    /// The epochs of the log say otherwise than when it was signed.
    #[error("it was signed as of epoch {signed}, and is of epoch {now}")]
    Epoch {
        /// Then.
        signed: i64,
        /// Now.
        now: i64,
    },
    /// The event would not be found.
    #[error("the event is not found under its tags")]
    NotFoundByTags,
    /// An answer would be given to a command that led to nothing.
    #[error("an answer names an event that its command did not lead to")]
    AnswerWithoutEvents,
    /// What was signed is in no form that this build knows.
    #[error("what was signed of it does not read")]
    Unreadable,
    /// Rows that no position leads to.
    #[error("there are more events or answers than were signed, out of the way of positions")]
    Surplus,
    /// A copy holds it twice.
    #[error("the copy holds it twice, differently")]
    Twice,
    /// A tile or a bundle of entries.
    #[error("{0} was changed")]
    TileChanged(String),
    /// A tile or a bundle of entries.
    #[error("{0} is missing")]
    TileMissing(String),
    /// The tiles agree with each other and with what they stand for, and not with the checkpoint.
    #[error("the tree is not that of the checkpoint")]
    OtherTree,
    /// A checkpoint that was kept elsewhere is not one of this history.
    #[error("the history up to position {through} is not that of the checkpoint that was kept: everything after position {after} may be forged")]
    Forked {
        /// Up to here it agrees with all that was kept.
        after: u64,
        /// Up to here it does not.
        through: u64,
    },
}

impl Report {
    fn new(head: Head) -> Self {
        Self { head, compared: 0, beyond: 0, findings: Vec::new() }
    }

    fn finds(&mut self, position: i64, wrong: Wrong) {
        self.findings.push(Finding { position: Position(position), wrong });
        self.findings.sort();
        self.findings.truncate(TOLD_AT_MOST);
    }
}
