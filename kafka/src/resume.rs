//! Where a relay goes on: what Kafka holds, what the account says, and whether the log still holds both.

use std::collections::BTreeMap;

use event_store::Position;

use crate::lease::Published;
use crate::record::Link;

/// Kafka holds what the log does not: the log was put back to an older state and its epoch was not raised. Nothing may be published until somebody has decided which
/// of the two is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "Kafka is ahead of the log: partition {partition} ends at position {} of epoch {}, the log at position {} of epoch {epoch}",
    .tail.position, .tail.epoch, .head
)]
pub struct KafkaAhead {
    /// The partition on Kafka.
    pub partition: u16,
    /// Its last record.
    pub tail: Link,
    /// The log's epoch.
    pub epoch: i64,
    /// The log's last position.
    pub head: Position,
}

/// The later of Kafka's tail and the account, partition by partition.
///
/// A tail of an older epoch says nothing: what it ends with may have been undone by the restore that raised the epoch. The account was restored together with the log, so
/// it lies at or before the fork.
pub(crate) fn resume(tails: &BTreeMap<u16, Link>, account: Published, epoch: i64, head: Position) -> Result<Published, KafkaAhead> {
    let mut published = account;
    for (partition, tail) in tails {
        if tail.epoch > epoch || (tail.epoch == epoch && tail.position > head) {
            return Err(KafkaAhead { partition: *partition, tail: *tail, epoch, head });
        }
        if tail.epoch == epoch {
            // Ranges are contiguous and whole, so the furthest tail says that everything before it is there.
            published.position = published.position.max(tail.position);
            let last = &mut published.last[usize::from(*partition)];
            *last = (*last).max(tail.position);
        }
    }
    Ok(published)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tails(links: &[(u16, i64, i64)]) -> BTreeMap<u16, Link> {
        links.iter().map(|(partition, epoch, position)| (*partition, Link { epoch: *epoch, position: Position(*position), prev: Position(0) })).collect()
    }

    fn account(position: i64, last: [i64; 8]) -> Published {
        Published { position: Position(position), last: last.map(Position) }
    }

    #[test]
    fn an_empty_topic_without_account_starts_at_the_beginning() {
        assert_eq!(resume(&tails(&[]), Published::default(), 1, Position(9)), Ok(Published::default()));
    }

    #[test]
    fn a_commit_that_the_account_does_not_know_of_is_not_published_again() {
        let resumed = resume(&tails(&[(0, 1, 7), (1, 1, 5)]), account(4, [4, 2, 0, 0, 0, 0, 0, 0]), 1, Position(9));
        assert_eq!(resumed, Ok(account(7, [7, 5, 0, 0, 0, 0, 0, 0])));
    }

    #[test]
    fn records_that_kafka_lost_are_not_published_again_unasked() {
        let resumed = resume(&tails(&[(0, 1, 3)]), account(7, [7, 5, 0, 0, 0, 0, 0, 0]), 1, Position(9));
        assert_eq!(resumed, Ok(account(7, [7, 5, 0, 0, 0, 0, 0, 0])));
    }

    #[test]
    fn kafka_ahead_of_the_log_halts() {
        let refused = |tail, head| resume(&tails(&[tail]), Published::default(), 1, Position(head)).unwrap_err();
        assert_eq!(refused((2, 1, 7), 6).partition, 2);
        assert_eq!(refused((2, 2, 1), 6).tail.epoch, 2);
    }

    #[test]
    fn after_a_restore_it_goes_on_from_the_restored_account() {
        let resumed = resume(&tails(&[(0, 1, 70), (1, 1, 65)]), account(40, [40, 0, 0, 0, 0, 0, 0, 0]), 2, Position(50));
        assert_eq!(resumed, Ok(account(40, [40, 0, 0, 0, 0, 0, 0, 0])));
        let and_later = resume(&tails(&[(0, 2, 52), (1, 1, 65)]), account(40, [40, 0, 0, 0, 0, 0, 0, 0]), 2, Position(53));
        assert_eq!(and_later, Ok(account(52, [52, 0, 0, 0, 0, 0, 0, 0])));
    }
}
