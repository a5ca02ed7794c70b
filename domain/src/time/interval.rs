//! Stretches of real time, and what is left of them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A half-open stretch of time: `start` belongs to it, `end` does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The first moment.
    pub start: DateTime<Utc>,
    /// The first moment after.
    pub end: DateTime<Utc>,
}

impl Interval {
    /// Whether a moment belongs to both.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether all of `other` belongs to this.
    pub fn covers(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// Merges stretches that touch or overlap, in order.
pub fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort();
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match merged.last_mut() {
            Some(last) if interval.start <= last.end => last.end = last.end.max(interval.end),
            _ => merged.push(interval),
        }
    }
    merged
}

/// What is left of `open` (in order, disjoint) without `closed`.
pub fn subtract(open: Vec<Interval>, closed: &[Interval]) -> Vec<Interval> {
    closed.iter().fold(open, |open, hole| {
        open.into_iter()
            .flat_map(|piece| {
                if !piece.overlaps(*hole) {
                    return vec![piece];
                }
                let before = Interval { start: piece.start, end: hole.start };
                let after = Interval { start: hole.end, end: piece.end };
                [before, after].into_iter().filter(|left| left.start < left.end).collect()
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use proptest::prelude::*;

    use super::*;

    const GRID: i64 = 60;

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(minute)
    }

    fn interval() -> impl Strategy<Value = Interval> {
        (0..GRID - 1).prop_flat_map(|start| (Just(start), start + 1..GRID)).prop_map(|(start, end)| Interval { start: minute(start), end: minute(end) })
    }

    /// The minutes that belong to any of them.
    fn grid(intervals: &[Interval]) -> Vec<bool> {
        (0..GRID).map(|m| intervals.iter().any(|interval| interval.start <= minute(m) && minute(m) < interval.end)).collect()
    }

    fn in_order_and_apart(intervals: &[Interval]) -> bool {
        intervals.iter().all(|interval| interval.start < interval.end) && intervals.windows(2).all(|pair| pair[0].end < pair[1].start)
    }

    proptest! {
        #[test]
        fn a_union_holds_the_same_minutes_in_order_and_apart(intervals in prop::collection::vec(interval(), 0..8)) {
            let merged = union(intervals.clone());
            prop_assert_eq!(grid(&merged), grid(&intervals));
            prop_assert!(in_order_and_apart(&merged));
        }

        #[test]
        fn what_is_left_holds_the_minutes_of_the_one_and_not_of_the_other(open in prop::collection::vec(interval(), 0..8), closed in prop::collection::vec(interval(), 0..8)) {
            let left = subtract(union(open.clone()), &closed);
            let expected: Vec<bool> = grid(&open).into_iter().zip(grid(&closed)).map(|(open, closed)| open && !closed).collect();
            prop_assert_eq!(grid(&left), expected);
            prop_assert!(in_order_and_apart(&left));
        }

        #[test]
        fn two_overlap_when_a_minute_belongs_to_both(one in interval(), other in interval()) {
            let shared = grid(&[one]).into_iter().zip(grid(&[other])).any(|(one, other)| one && other);
            prop_assert_eq!(one.overlaps(other), shared);
            prop_assert_eq!(one.covers(other), union(vec![one, other]) == [one]);
        }
    }
}
