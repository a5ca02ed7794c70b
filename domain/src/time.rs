//! Times as a clinic means them: a local time at a place, and the half-open stretch of real time that it comes to.

use chrono::{DateTime, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{InvalidValue, Minutes};

/// An IANA time zone, such as `America/Chicago`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(pub Tz);

impl TryFrom<String> for Zone {
    type Error = InvalidValue;
    fn try_from(name: String) -> Result<Self, InvalidValue> {
        name.parse().map(Self).map_err(|_| InvalidValue("be the name of an IANA time zone"))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.0.name().to_owned()
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "An IANA time zone", "examples": ["America/Chicago"] })
    }
}

/// Which of two is meant when the clocks go back and a local time comes twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Repeated {
    /// The first time round, still in summer time.
    Earlier,
    /// The second time round.
    Later,
}

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

    /// Every UTC day that it touches.
    pub fn days(self) -> Vec<NaiveDate> {
        let last = (self.end - Duration::nanoseconds(1)).max(self.start).date_naive();
        self.start.date_naive().iter_days().take_while(|day| *day <= last).collect()
    }
}

/// Why a local time is not a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoSuchTime {
    /// The clocks skip it.
    #[error("the clocks go forward over this local time")]
    Skipped,
    /// The clocks show it twice, and neither was chosen.
    #[error("the clocks show this local time twice; say which is meant")]
    Ambiguous,
}

/// When something is meant to happen: the local time and the zone are the intention, and win when the zone's rules change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntendedTime {
    /// The local date and time at which it starts.
    pub start: NaiveDateTime,
    /// Where that local time is meant.
    pub zone: Zone,
    /// Which one, should the clocks show it twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
    /// How long it takes.
    pub minutes: Minutes,
}

impl IntendedTime {
    /// The real time it comes to, or why there is none; asked once, when it is decided.
    pub fn resolve(&self) -> Result<Interval, NoSuchTime> {
        let start = match (self.zone.0.from_local_datetime(&self.start), self.repeated) {
            (LocalResult::Single(start), _)
            | (LocalResult::Ambiguous(start, _), Some(Repeated::Earlier))
            | (LocalResult::Ambiguous(_, start), Some(Repeated::Later)) => start.to_utc(),
            (LocalResult::Ambiguous(..), None) => return Err(NoSuchTime::Ambiguous),
            (LocalResult::None, _) => return Err(NoSuchTime::Skipped),
        };
        Ok(Interval { start, end: start + Duration::minutes(self.minutes.get()) })
    }

    /// The real time under today's zone rules, for a time that was once decided. Where new rules skip or double it, the earliest reading that keeps
    /// the local clock as near as possible.
    pub fn interval(&self) -> Interval {
        let length = Duration::minutes(self.minutes.get());
        let start = self.resolve().map_or_else(|_| local_to_utc(self.zone.0, self.start), |interval| interval.start);
        Interval { start, end: start + length }
    }

    /// Every UTC day that it could touch in any zone and under any change of the zone's rules: what a decision reads, before it knows the zone.
    pub fn days_around(start: NaiveDateTime, minutes: Minutes) -> Vec<NaiveDate> {
        let first = start.date().checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN);
        let end = start.checked_add_signed(Duration::minutes(minutes.get())).unwrap_or(NaiveDateTime::MAX);
        let last = end.date().checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        first.iter_days().take_while(|day| *day <= last).collect()
    }
}

/// A local time as real time, without failing: the earlier of two, and a skipped time moved on by as much as the clocks skip.
pub fn local_to_utc(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc(),
        LocalResult::None => {
            let before = zone.from_utc_datetime(&(local - Duration::hours(24)));
            let offset = before.naive_local() - before.naive_utc();
            Utc.from_utc_datetime(&(local - offset))
        }
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
