//! A stretch of time that a question is about.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::time::{Zone, local_to_utc};
use crate::value::InvalidValue;

/// From a moment on, up to the last moment before another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Period {
    /// The most days of a period: a year, also a leap year.
    pub const MOST_DAYS: i64 = 366;

    /// From `from` on, before `to`.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, InvalidValue> {
        ordinary(&from)?;
        ordinary(&to)?;
        if to <= from {
            return Err(InvalidValue("be after the beginning"));
        }
        if to - from > TimeDelta::days(Self::MOST_DAYS) {
            return Err(InvalidValue("be at most 366 days after the beginning"));
        }
        Ok(Self { from, to })
    }

    /// Whole days of a place's calendar, the last one included.
    pub fn of_days(first: NaiveDate, last: NaiveDate, zone: Zone) -> Result<Self, InvalidValue> {
        ordinary(&first)?;
        ordinary(&last)?;
        if last < first {
            return Err(InvalidValue("be the first day or one after it"));
        }
        if (last - first).num_days() >= Self::MOST_DAYS {
            return Err(InvalidValue("be less than 366 days after the first"));
        }
        let midnight = |day: NaiveDate| local_to_utc(zone.0, day.and_time(NaiveTime::MIN));
        Ok(Self { from: midnight(first), to: midnight(last + Days::new(1)) })
    }

    /// The same, begun so many days earlier.
    #[must_use]
    pub fn reaching_back(self, days: u64) -> Self {
        Self { from: self.from - Days::new(days), ..self }
    }

    /// The first moment.
    pub fn from(self) -> DateTime<Utc> {
        self.from
    }

    /// The first moment after.
    pub fn to(self) -> DateTime<Utc> {
        self.to
    }
}

/// So that days can be counted on either side.
fn ordinary(time: &impl Datelike) -> Result<(), InvalidValue> {
    if (1900..=9998).contains(&time.year()) { Ok(()) } else { Err(InvalidValue("lie in the years 1900 to 9998")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_goes_forward_and_is_a_year_at_most() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(Period::new(at("2024-01-01T00:00:00Z"), at("2025-01-01T00:00:00Z")).is_ok());
        assert!(Period::new(at("2024-01-01T00:00:00Z"), at("2025-01-01T00:00:01Z")).is_err());
        assert!(Period::new(at("2024-01-01T00:00:00Z"), at("2024-01-01T00:00:00Z")).is_err());
        let utc = Zone(chrono_tz::UTC);
        assert!(Period::of_days(date("2024-01-01"), date("2024-12-31"), utc).is_ok());
        assert!(Period::of_days(date("2024-01-01"), date("2025-01-01"), utc).is_err());
        assert!(Period::of_days(date("2024-01-02"), date("2024-01-01"), utc).is_err());
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_of_its_place_make_it() {
        let day = |day: &str| Period::of_days(date(day), date(day), Zone(chrono_tz::America::Chicago)).unwrap();
        let hours = |period: Period| (period.to() - period.from()).num_hours();
        assert_eq!((hours(day("2026-03-07")), hours(day("2026-03-08")), hours(day("2026-11-01"))), (24, 23, 25));
        assert_eq!(day("2026-03-07").from().to_rfc3339(), "2026-03-07T06:00:00+00:00");
    }
}
