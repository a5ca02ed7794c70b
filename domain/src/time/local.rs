//! What clocks and calendars show at a place.

use std::str::FromStr;

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::{GapInfo, Tz};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::InvalidValue;

/// An IANA time zone, such as `America/Chicago`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(pub Tz);

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(Tz::UTC);
}

impl FromStr for Zone {
    type Err = InvalidValue;
    fn from_str(name: &str) -> Result<Self, InvalidValue> {
        Self::try_from(name.to_owned())
    }
}

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
        schemars::json_schema!({ "type": "string", "maxLength": 64, "description": "An IANA time zone", "examples": ["America/Chicago"] })
    }
}

/// A date on a local calendar, in the years 1900 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "NaiveDate", into = "NaiveDate")]
pub struct LocalDate(NaiveDate);

impl TryFrom<NaiveDate> for LocalDate {
    type Error = InvalidValue;
    fn try_from(date: NaiveDate) -> Result<Self, InvalidValue> {
        if (1900..=9999).contains(&date.year()) { Ok(Self(date)) } else { Err(InvalidValue("lie in the years 1900 to 9999")) }
    }
}

impl FromStr for LocalDate {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        text.parse::<NaiveDate>().map_err(|_| InvalidValue("be a date as YYYY-MM-DD"))?.try_into()
    }
}

impl From<LocalDate> for NaiveDate {
    fn from(date: LocalDate) -> NaiveDate {
        date.0
    }
}

impl JsonSchema for LocalDate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LocalDate".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date", "description": "A local date in the years 1900 to 9999", "examples": ["2027-03-01"] })
    }
}

/// A date and time that local clocks show, in whole seconds and in the years for which the rules of time zones are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "NaiveDateTime", into = "NaiveDateTime")]
pub struct LocalTime(NaiveDateTime);

impl TryFrom<NaiveDateTime> for LocalTime {
    type Error = InvalidValue;
    fn try_from(time: NaiveDateTime) -> Result<Self, InvalidValue> {
        // A leap second has a nanosecond of a thousand million, so it goes with the fractions.
        if time.nanosecond() != 0 {
            return Err(InvalidValue("be in whole seconds"));
        }
        if (1900..=2099).contains(&time.year()) { Ok(Self(time)) } else { Err(InvalidValue("lie in the years 1900 to 2099")) }
    }
}

impl FromStr for LocalTime {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        text.parse::<NaiveDateTime>().map_err(|_| InvalidValue("be a local date and time as YYYY-MM-DDThh:mm:ss"))?.try_into()
    }
}

impl From<LocalTime> for NaiveDateTime {
    fn from(time: LocalTime) -> NaiveDateTime {
        time.0
    }
}

impl JsonSchema for LocalTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LocalTime".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "partial-date-time",
            "description": "What local clocks show, in whole seconds, in the years 1900 to 2099",
            "examples": ["2027-03-01T09:30:00"],
        })
    }
}

/// The first moment at which a zone's clocks show `local` or later: the earlier of two, and the end of the gap for a time that is skipped.
pub fn local_to_utc(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc(),
        // Without a gap it is a time at the very ends of the calendar, where zones mean nothing.
        LocalResult::None => GapInfo::new(&local, &zone).and_then(|gap| gap.end).map_or_else(|| local.and_utc(), |end| end.to_utc()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::{Duration, Offset};
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;

    pub fn zone() -> impl Strategy<Value = Tz> {
        prop::sample::select(TZ_VARIANTS.as_slice())
    }

    /// Any second of the years that a [`LocalTime`] has.
    pub fn local_time() -> impl Strategy<Value = NaiveDateTime> {
        let first: NaiveDateTime = "1900-01-01T00:00:00".parse().unwrap();
        (0..200 * 365 * 24 * 3600_i64).prop_map(move |second| first + Duration::seconds(second))
    }

    /// A second near one at which the clocks of a zone changed.
    fn near_a_change() -> impl Strategy<Value = (Tz, NaiveDateTime)> {
        let offset = |zone: Tz, time: DateTime<Utc>| time.with_timezone(&zone).offset().fix();
        (zone(), local_time(), -7200..7200_i64).prop_map(move |(zone, from, seconds)| {
            let hours = (0..366 * 24).map(|hour| from.and_utc() + Duration::hours(hour));
            let change = hours.map_while(|time| (offset(zone, time) == offset(zone, from.and_utc())).then_some(time)).last().unwrap_or(from.and_utc());
            (zone, change.with_timezone(&zone).naive_local() + Duration::seconds(seconds))
        })
    }

    proptest! {
        #[test]
        fn it_is_the_first_moment_at_which_the_clocks_show_that_or_later((zone, local) in prop_oneof![(zone(), local_time()), near_a_change()]) {
            let moment = local_to_utc(zone, local);
            let shown = |moment: DateTime<Utc>| moment.with_timezone(&zone).naive_local();
            prop_assert!(shown(moment) >= local);
            prop_assert!(shown(moment - Duration::seconds(1)) < local);
            if zone.from_local_datetime(&local) != LocalResult::None {
                prop_assert_eq!(shown(moment), local);
            }
            prop_assert!(local_to_utc(zone, local + Duration::minutes(20)) >= moment);
        }
    }

    #[test]
    fn no_date_that_can_be_written_panics() {
        for zone in TZ_VARIANTS {
            for local in [NaiveDateTime::MIN, NaiveDateTime::MAX, "+262142-12-31T23:59:59".parse().unwrap(), "-262143-01-01T00:00:00".parse().unwrap()] {
                local_to_utc(zone, local);
            }
        }
    }

    #[test]
    fn a_local_time_is_in_whole_seconds_of_years_whose_rules_are_known() {
        let parse = |text: &str| serde_json::from_value::<LocalTime>(text.into());
        assert!(parse("2027-03-01T09:30:00").is_ok());
        for wrong in ["1899-12-31T23:59:59", "2100-01-01T00:00:00", "+262142-01-01T00:00:00", "-0044-03-15T00:00:00"] {
            assert_eq!(parse(wrong).unwrap_err().to_string(), "must lie in the years 1900 to 2099");
        }
        for wrong in ["2027-03-01T09:30:00.5", "2016-12-31T23:59:60"] {
            assert_eq!(parse(wrong).unwrap_err().to_string(), "must be in whole seconds");
        }
    }

    #[test]
    fn a_local_date_has_a_year_of_four_digits() {
        let parse = |text: &str| serde_json::from_value::<LocalDate>(text.into());
        assert!(parse("1900-01-01").is_ok() && parse("9999-12-31").is_ok());
        assert!(parse("1899-12-31").is_err() && parse("+10000-01-01").is_err() && parse("-0001-01-01").is_err());
    }
}
