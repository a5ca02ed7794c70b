//! Scalars that GraphQL lacks. A value that does not fit is refused before anything is executed, and is not repeated.

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};
use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::Deserialize;

macro_rules! text_scalar {
    ($(#[$documentation:meta])* $name:ident($inner:ty), $parse:expr, $write:expr) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        $(#[$documentation])*
        #[Scalar]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                let parse: fn(&str) -> Option<$inner> = $parse;
                let read = if let Value::String(text) = &value { parse(text) } else { None };
                read.map(Self).ok_or_else(|| InputValueError::custom("must be as its description says"))
            }
            fn is_valid(value: &Value) -> bool {
                Self::parse(value.clone()).is_ok()
            }
            fn to_value(&self) -> Value {
                let write: fn(&$inner) -> String = $write;
                Value::String(write(&self.0))
            }
        }
    };
}

/// What was read, if it lies where calendars are ordinary: so that days and zones can be counted on either side of it, and Postgres has it too.
fn ordinary<T: Datelike>(read: chrono::ParseResult<T>) -> Option<T> {
    read.ok().filter(|time| (1800..=9998).contains(&time.year()))
}

text_scalar!(
    /// A moment with its offset from UTC (RFC 3339): `2027-03-01T09:30:00-06:00`.
    DateTime(chrono::DateTime<FixedOffset>), |text| ordinary(chrono::DateTime::parse_from_rfc3339(text)), |time| time.to_rfc3339());
text_scalar!(
    /// A date on the calendar of some place: `2027-03-01`.
    Date(NaiveDate), |text| ordinary(NaiveDate::parse_from_str(text, "%Y-%m-%d")), |date| date.format("%Y-%m-%d").to_string());
text_scalar!(
    /// A time on the clocks of some place: `09:30:00`.
    LocalTime(NaiveTime), |text| NaiveTime::parse_from_str(text, "%H:%M:%S").ok(), |time| time.format("%H:%M:%S").to_string());
text_scalar!(
    /// A date and time on the clocks of some place, without offset: `2027-03-01T09:30:00`.
    LocalDateTime(NaiveDateTime), |text| ordinary(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S")), |time| time.format("%Y-%m-%dT%H:%M:%S").to_string());

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(time: chrono::DateTime<Utc>) -> Self {
        Self(time.fixed_offset())
    }
}

/// A date that may lack its day or its month (FHIR `date`): `1950`, `1950-02` or `1950-02-09`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PartialDate(pub String);

/// A date that may lack its day or its month (FHIR `date`): `1950`, `1950-02` or `1950-02-09`.
#[Scalar]
impl ScalarType for PartialDate {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = value else { return Err(InputValueError::custom("must be as its description says")) };
        domain::fhir_values::PartialDate::try_from(text.clone()).map(|_| Self(text)).map_err(InputValueError::custom)
    }
    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// A place in the log, as commands return it: a whole number that may exceed 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub i64);

/// A place in the log, as commands return it: a whole number that may exceed 32 bits.
#[Scalar]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        let position = if let Value::Number(number) = &value { number.as_i64().filter(|position| *position >= 0) } else { None };
        position.map(Self).ok_or_else(|| InputValueError::custom("must be a position"))
    }
    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }
    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

/// A number as it was written (FHIR `decimal`).
#[derive(Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Decimal(Number);

/// A number as it was written (FHIR `decimal`).
#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = value else { return Err(InputValueError::custom("must be a number")) };
        Ok(Self(number))
    }
    fn to_value(&self) -> Value {
        Value::Number(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_beyond_ordinary_calendars_are_refused() {
        let text = |text: &str| Value::String(text.to_owned());
        assert!(Date::parse(text("2027-03-01")).is_ok());
        for date in ["-262143-01-01", "+262142-12-31", "0000-01-01", "9999-12-31", "-4800-01-01", "2027-02-30"] {
            assert!(Date::parse(text(date)).is_err(), "{date}");
            assert!(LocalDateTime::parse(text(&format!("{date}T00:00:00"))).is_err(), "{date}");
        }
        assert!(DateTime::parse(text("9999-12-31T23:59:59-12:00")).is_err());
    }
}
