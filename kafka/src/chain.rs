//! How a reader proves to itself that it missed nothing and saw nothing twice.

use event_store::Position;

use crate::record::Link;

/// A higher epoch starts at or below what was applied: the log was restored from a backup, and part of what was applied never happened. Only a rebuild helps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("partition {partition} forks: position {} belongs to epoch {}, and positions up to {applied} of an older epoch are applied", .at.position, .at.epoch)]
pub struct Forked {
    /// The partition.
    pub partition: u16,
    /// The first record of the other life.
    pub at: Link,
    /// What was applied.
    pub applied: Position,
}

/// What is to be done with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It was applied before.
    Drop,
    /// It comes next.
    Apply,
    /// Something is missing, or the record may have been undone: the log tells what there is up to this position.
    Refill(Position),
    /// What was applied is of another history.
    Forked,
}

/// How far one partition was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reached {
    /// The life of the log.
    pub(crate) epoch: i64,
    /// Every event of the partition up to here.
    pub(crate) position: Position,
}

impl Reached {
    pub(crate) fn judge(self, link: Link) -> Verdict {
        if link.epoch > self.epoch {
            return if link.position <= self.position { Verdict::Forked } else { self.follows(link) };
        }
        if link.position <= self.position {
            return Verdict::Drop;
        }
        // A record of an older life may be one of those that a restore undid. The log knows.
        if link.epoch < self.epoch { Verdict::Refill(link.position) } else { self.follows(link) }
    }

    fn follows(self, link: Link) -> Verdict {
        if link.prev <= self.position { Verdict::Apply } else { Verdict::Refill(link.prev) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(epoch: i64, position: i64, prev: i64) -> Verdict {
        Reached { epoch: 2, position: Position(10) }.judge(Link { epoch, position: Position(position), prev: Position(prev) })
    }

    #[test]
    fn what_follows_is_applied_and_what_was_applied_is_dropped() {
        assert_eq!(judge(2, 12, 10), Verdict::Apply);
        assert_eq!(judge(2, 12, 7), Verdict::Apply, "the reader is past what the partition held before");
        assert_eq!(judge(2, 10, 7), Verdict::Drop);
        assert_eq!(judge(2, 3, 0), Verdict::Drop);
    }

    #[test]
    fn a_gap_is_filled_from_the_log() {
        assert_eq!(judge(2, 14, 12), Verdict::Refill(Position(12)));
        assert_eq!(judge(3, 14, 12), Verdict::Refill(Position(12)));
    }

    #[test]
    fn a_higher_epoch_goes_on_above_and_forks_below() {
        assert_eq!(judge(3, 12, 10), Verdict::Apply);
        assert_eq!(judge(3, 10, 7), Verdict::Forked);
        assert_eq!(judge(3, 9, 7), Verdict::Forked);
    }

    #[test]
    fn what_a_restore_may_have_undone_is_read_from_the_log() {
        assert_eq!(judge(1, 12, 10), Verdict::Refill(Position(12)));
        assert_eq!(judge(1, 9, 7), Verdict::Drop);
    }
}
