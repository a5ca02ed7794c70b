//! The days that an accounting covers: at most the six years before the day on which it is asked for (45 CFR 164.528(a)(1)).

use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, Utc};
use serde::Serialize;

const SIX_YEARS: Months = Months::new(72);

/// Days of UTC, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Period {
    /// The first.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
}

/// A period for which there is no accounting; never with the value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{field}` {rule}")]
pub struct InvalidPeriod {
    /// Which end is wrong.
    pub field: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl Period {
    /// The days that are asked for; those left out are the last six years up to today.
    pub fn of(from: Option<&str>, to: Option<&str>, today: NaiveDate) -> Result<Self, InvalidPeriod> {
        let invalid = |field, rule| Err(InvalidPeriod { field, rule });
        let day = |field, text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| InvalidPeriod { field, rule: "must be a date as YYYY-MM-DD" });
        let earliest = today - SIX_YEARS;
        let from = from.map_or(Ok(earliest), |text| day("from", text))?;
        let to = to.map_or(Ok(today), |text| day("to", text))?;
        if from < earliest {
            return invalid("from", "must be within the six years before today");
        }
        if to > today {
            return invalid("to", "must not be after today");
        }
        if from > to {
            return invalid("from", "must not be after `to`");
        }
        Ok(Self { from, to })
    }

    /// From this moment on.
    pub(crate) fn begins(self) -> DateTime<Utc> {
        self.from.and_time(NaiveTime::MIN).and_utc()
    }

    /// Before this moment.
    pub(crate) fn ends(self) -> DateTime<Utc> {
        (self.to + Days::new(1)).and_time(NaiveTime::MIN).and_utc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_six_years_at_most_and_ends_today_at_the_latest() {
        let today: NaiveDate = "2028-02-29".parse().unwrap();
        let of = |from, to| Period::of(from, to, today).map_err(|error| (error.field, error.rule));
        let days = |from: &str, to: &str| Ok(Period { from: from.parse().unwrap(), to: to.parse().unwrap() });
        assert_eq!(of(None, None), days("2022-02-28", "2028-02-29"));
        assert_eq!(of(Some("2022-02-28"), Some("2022-02-28")), days("2022-02-28", "2022-02-28"));
        assert_eq!(of(Some("2022-02-27"), None), Err(("from", "must be within the six years before today")));
        assert_eq!(of(None, Some("2028-03-01")), Err(("to", "must not be after today")));
        assert_eq!(of(Some("2027-01-02"), Some("2027-01-01")), Err(("from", "must not be after `to`")));
        assert_eq!(of(Some("Needle"), None), Err(("from", "must be a date as YYYY-MM-DD")));
        assert_eq!(of(None, Some("+262142-12-31")), Err(("to", "must not be after today")));
    }
}
