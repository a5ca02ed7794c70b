//! What was agreed on, in local time, and the real time that it comes to under the zone's rules as they are known today.
//!
//! What is found by its day is found by the local days that were agreed on, because they never change, while the real time moves with the
//! zone's rules. Whoever looks for what overlaps a local time looks as far around it as clocks anywhere differ.

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{Interval, Zone, local_to_utc};
use crate::value::Minutes;

/// How far apart two clocks can be that show one moment: 26 hours (from UTC−12 to UTC+14), and 2 that a clock may skip when a zone's rules
/// change over a time already agreed on. (A zone that crosses the date line skips a day; what was agreed on for that day has no day left to be on.)
const CLOCKS_DIFFER_BY: Duration = Duration::hours(28);

/// Which of two is meant when the clocks go back and a local time comes twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Repeated {
    /// The first time round, still in summer time.
    Earlier,
    /// The second time round.
    Later,
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
        moment(self.zone, self.start, self.repeated).map(|start| self.starting(start))
    }

    /// The real time under today's zone rules, for a time that was once decided. Where new rules skip it, it starts as soon as the clocks are past
    /// it; where they double it, the first time round.
    pub fn interval(&self) -> Interval {
        self.starting(moment(self.zone, self.start, self.repeated).unwrap_or_else(|_| local_to_utc(self.zone.0, self.start)))
    }

    fn starting(&self, start: DateTime<Utc>) -> Interval {
        Interval { start, end: start.checked_add_signed(length(self.minutes)).unwrap_or(DateTime::<Utc>::MAX_UTC) }
    }

    /// The local days that it touches, by which it is found.
    pub fn days(&self) -> Vec<NaiveDate> {
        days(self.start, moved(self.start, length(self.minutes)))
    }

    /// The local days on which something could be, in any zone, that overlaps it: what a decision reads, before it knows the zone.
    pub fn days_around(start: NaiveDateTime, minutes: Minutes) -> Vec<NaiveDate> {
        days(moved(start, -CLOCKS_DIFFER_BY), moved(start, length(minutes) + CLOCKS_DIFFER_BY))
    }
}

/// From one reading of a place's clocks up to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalStretch {
    /// The first reading.
    pub start: NaiveDateTime,
    /// The first reading after.
    pub end: NaiveDateTime,
    /// Where these clocks are.
    pub zone: Zone,
}

impl LocalStretch {
    /// The longest there is, so that the dates by which it is found stay few.
    pub const LONGEST: Duration = Duration::days(366);

    /// Whether the clocks show both readings at all.
    pub fn exists(&self) -> bool {
        [self.start, self.end].iter().all(|reading| moment(self.zone, *reading, Some(Repeated::Earlier)).is_ok())
    }

    /// The real time under today's zone rules, in the widest sense: of a doubled start the first, of a doubled end the second.
    pub fn interval(&self) -> Interval {
        let end = moment(self.zone, self.end, Some(Repeated::Later)).unwrap_or_else(|_| local_to_utc(self.zone.0, self.end));
        Interval { start: local_to_utc(self.zone.0, self.start), end }
    }

    /// The local days that it touches, by which it is found.
    pub fn days(&self) -> Vec<NaiveDate> {
        days(self.start, self.end)
    }
}

fn moment(zone: Zone, local: NaiveDateTime, repeated: Option<Repeated>) -> Result<DateTime<Utc>, NoSuchTime> {
    match (zone.0.from_local_datetime(&local), repeated) {
        (LocalResult::Single(moment), _)
        | (LocalResult::Ambiguous(moment, _), Some(Repeated::Earlier))
        | (LocalResult::Ambiguous(_, moment), Some(Repeated::Later)) => Ok(moment.to_utc()),
        (LocalResult::Ambiguous(..), None) => Err(NoSuchTime::Ambiguous),
        (LocalResult::None, _) => Err(NoSuchTime::Skipped),
    }
}

fn length(minutes: Minutes) -> Duration {
    Duration::minutes(minutes.get())
}

/// A local time some way on or back, no further than the calendar goes.
fn moved(local: NaiveDateTime, by: Duration) -> NaiveDateTime {
    local.checked_add_signed(by).unwrap_or(if by < Duration::zero() { NaiveDateTime::MIN } else { NaiveDateTime::MAX })
}

/// The dates that `start` up to `end` touches: never more than those of the longest stretch, whatever was written.
fn days(start: NaiveDateTime, end: NaiveDateTime) -> Vec<NaiveDate> {
    let last = moved(end, -Duration::nanoseconds(1)).clamp(start, moved(start, LocalStretch::LONGEST)).date();
    start.date().iter_days().take_while(|date| *date <= last).collect()
}

#[cfg(test)]
mod tests {
    use chrono::Offset;
    use chrono_tz::{TZ_VARIANTS, Tz};
    use proptest::prelude::*;

    use super::*;
    use crate::time::local::tests::{local_time, zone};

    fn intended(start: NaiveDateTime, zone: Tz, minutes: u16) -> IntendedTime {
        IntendedTime { start, zone: Zone(zone), repeated: None, minutes: minutes.try_into().unwrap() }
    }

    fn at(start: &str, zone: Tz) -> IntendedTime {
        intended(start.parse().unwrap(), zone, 30)
    }

    proptest! {
        #[test]
        fn a_time_agreed_on_keeps_its_clock_reading(start in local_time(), zone in zone(), minutes in 1..=1440_u16) {
            let time = intended(start, zone, minutes);
            if let Ok(interval) = time.resolve() {
                prop_assert_eq!(interval.start.with_timezone(&zone).naive_local(), start);
                prop_assert_eq!(interval.end - interval.start, Duration::minutes(minutes.into()));
                prop_assert_eq!(interval, time.interval());
            }
        }

        #[test]
        fn what_overlaps_is_found_by_a_date((one, other, apart) in (zone(), zone(), -40 * 60..40 * 60_i64), start in local_time(), lengths in (1..=1440_u16, 1..=1440_u16)) {
            let one = intended(start, one, lengths.0);
            let other = intended(start + Duration::minutes(apart), other, lengths.1);
            let read = IntendedTime::days_around(one.start, one.minutes);
            prop_assert!(read.len() <= 5);
            if one.interval().overlaps(other.interval()) {
                prop_assert!(other.days().iter().any(|date| read.contains(date)));
                let closed = LocalStretch { start: other.start, end: other.start + length(other.minutes), zone: other.zone };
                prop_assert!(closed.days().iter().any(|date| read.contains(date)));
            }
        }
    }

    #[test]
    fn clocks_differ_by_no_more_than_is_looked_around() {
        let moments: Vec<DateTime<Utc>> =
            (1900..=2099).flat_map(|year| (1..=12).map(move |month| Utc.with_ymd_and_hms(year, month, 15, 0, 0, 0).unwrap())).collect();
        for zone in TZ_VARIANTS {
            for moment in &moments {
                let east = moment.with_timezone(&zone).offset().fix().local_minus_utc();
                assert!((-12 * 3600..=14 * 3600).contains(&east), "{zone} at {moment}");
            }
        }
    }

    #[test]
    fn a_skipped_time_is_none_and_a_doubled_one_must_be_chosen() {
        let chicago = chrono_tz::America::Chicago;
        assert_eq!(at("2027-03-14T02:30:00", chicago).resolve(), Err(NoSuchTime::Skipped));
        assert_eq!(at("2027-11-07T01:30:00", chicago).resolve(), Err(NoSuchTime::Ambiguous));
        let chosen = |repeated| IntendedTime { repeated: Some(repeated), ..at("2027-11-07T01:30:00", chicago) }.resolve().unwrap().start.to_rfc3339();
        assert_eq!(chosen(Repeated::Earlier), "2027-11-07T06:30:00+00:00");
        assert_eq!(chosen(Repeated::Later), "2027-11-07T07:30:00+00:00");
    }

    #[test]
    fn what_new_rules_skip_starts_when_the_clocks_are_past_it() {
        let skipped = at("2027-03-14T02:30:00", chrono_tz::America::Chicago).interval();
        assert_eq!(skipped.start.to_rfc3339(), "2027-03-14T08:00:00+00:00");
        // Samoa had no 30 December 2011.
        let skipped = at("2011-12-30T09:00:00", chrono_tz::Pacific::Apia).interval();
        assert_eq!(skipped.start.to_rfc3339(), "2011-12-30T10:00:00+00:00");
    }

    #[test]
    fn the_night_in_which_the_clocks_go_back_is_an_hour_longer() {
        let night = LocalStretch {
            start: "2027-11-07T01:30:00".parse().unwrap(),
            end: "2027-11-07T01:45:00".parse().unwrap(),
            zone: Zone(chrono_tz::America::Chicago),
        };
        assert!(night.exists());
        assert_eq!((night.interval().end - night.interval().start).num_minutes(), 75);
    }

    #[test]
    fn midnight_at_the_end_is_not_touched() {
        let days = |start: &str, minutes| intended(start.parse().unwrap(), chrono_tz::UTC, minutes).days().len();
        assert_eq!((days("2027-01-04T23:30:00", 30), days("2027-01-04T23:30:00", 31), days("2027-01-04T00:00:00", 1440)), (1, 2, 1));
    }

    #[test]
    fn no_stretch_has_endless_days() {
        let stretch =
            |start: &str, end: &str| LocalStretch { start: start.parse().unwrap(), end: end.parse().unwrap(), zone: Zone(chrono_tz::UTC) }.days().len();
        assert_eq!(stretch("2027-01-01T12:00:00", "2028-01-02T12:00:00"), 367);
        assert_eq!(stretch("-262143-01-01T00:00:00", "+262142-12-31T00:00:00"), 367);
        assert_eq!(stretch("2027-01-02T00:00:00", "2027-01-01T00:00:00"), 1);
    }

    #[test]
    fn no_time_that_can_be_written_panics() {
        for start in [NaiveDateTime::MIN, NaiveDateTime::MAX, "+262142-12-31T23:59:59".parse().unwrap(), "-0044-03-15T12:00:00".parse().unwrap()] {
            for zone in TZ_VARIANTS {
                let time = intended(start, zone, 1440);
                let stretch = LocalStretch { start, end: start, zone: time.zone };
                let _ = (time.resolve(), time.interval(), time.days(), stretch.exists(), stretch.interval(), stretch.days());
            }
            assert!(IntendedTime::days_around(start, 1440_u16.try_into().unwrap()).len() <= 5);
        }
    }
}
