//! Working hours, as a clinic writes them on its door.

use chrono::{NaiveTime, Timelike};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{InvalidValue, Minutes};

/// Local working hours within one day; an end of `00:00:00` is the midnight that ends the day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "HoursShape", into = "HoursShape")]
#[schemars(with = "HoursShape")]
pub struct Hours {
    start: NaiveTime,
    end: NaiveTime,
}

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Hours")]
struct HoursShape {
    /// The first moment.
    start: NaiveTime,
    /// The first moment after; `00:00:00` is the end of the day.
    end: NaiveTime,
}

impl Hours {
    /// Hours from `start` up to `end`.
    pub fn new(start: NaiveTime, end: NaiveTime) -> Result<Self, InvalidValue> {
        if [start, end].iter().any(|time| time.second() != 0 || time.nanosecond() != 0) {
            return Err(InvalidValue("be in whole minutes"));
        }
        if end == NaiveTime::MIN || start < end {
            Ok(Self { start, end })
        } else {
            Err(InvalidValue("end after they start; split hours that cross midnight in two"))
        }
    }

    /// Whether a moment of the day belongs to both.
    pub fn overlaps(self, other: Self) -> bool {
        let starts_before_the_end = |hours: Self, of: Self| of.end == NaiveTime::MIN || hours.start < of.end;
        starts_before_the_end(self, other) && starts_before_the_end(other, self)
    }

    /// The first moment.
    pub fn start(self) -> NaiveTime {
        self.start
    }

    /// The first moment after; midnight is the end of the day.
    pub fn end(self) -> NaiveTime {
        self.end
    }
}

impl TryFrom<HoursShape> for Hours {
    type Error = InvalidValue;
    fn try_from(shape: HoursShape) -> Result<Self, InvalidValue> {
        Self::new(shape.start, shape.end)
    }
}

impl From<Hours> for HoursShape {
    fn from(hours: Hours) -> Self {
        Self { start: hours.start, end: hours.end }
    }
}

/// Hours on one day of every week.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WeeklyHours {
    /// The day.
    pub day: Weekday,
    /// The hours.
    pub hours: Hours,
}

/// The length of a slot that is offered for booking: 5 to 480 whole minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct SlotLength(Minutes);

impl TryFrom<u16> for SlotLength {
    type Error = InvalidValue;
    fn try_from(minutes: u16) -> Result<Self, InvalidValue> {
        if (5..=480).contains(&minutes) { minutes.try_into().map(Self) } else { Err(InvalidValue("be 5 to 480 minutes")) }
    }
}

impl From<SlotLength> for u16 {
    fn from(length: SlotLength) -> u16 {
        length.0.into()
    }
}

impl From<SlotLength> for Minutes {
    fn from(length: SlotLength) -> Minutes {
        length.0
    }
}

impl JsonSchema for SlotLength {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SlotLength".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 5, "maximum": 480 })
    }
}

/// FHIR `days-of-week`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the codes are FHIR's")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<chrono::Weekday> for Weekday {
    fn from(day: chrono::Weekday) -> Self {
        match day {
            chrono::Weekday::Mon => Self::Mon,
            chrono::Weekday::Tue => Self::Tue,
            chrono::Weekday::Wed => Self::Wed,
            chrono::Weekday::Thu => Self::Thu,
            chrono::Weekday::Fri => Self::Fri,
            chrono::Weekday::Sat => Self::Sat,
            chrono::Weekday::Sun => Self::Sun,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hours(start: u32, end: u32) -> Result<Hours, InvalidValue> {
        let time = |minute: u32| NaiveTime::from_hms_opt(minute / 60 % 24, minute % 60, 0).unwrap();
        Hours::new(time(start), time(end))
    }

    proptest! {
        #[test]
        fn hours_overlap_when_a_minute_belongs_to_both((one, other) in ((0..1440_u32, 1..=1440_u32), (0..1440_u32, 1..=1440_u32))) {
            if let (Ok(first), Ok(second)) = (hours(one.0, one.1), hours(other.0, other.1)) {
                prop_assert_eq!(first.overlaps(second), (0..1440).any(|minute| (one.0..one.1).contains(&minute) && (other.0..other.1).contains(&minute)));
            }
        }
    }

    #[test]
    fn hours_end_after_they_start_and_midnight_ends_the_day() {
        assert!(hours(8 * 60, 17 * 60).is_ok() && hours(22 * 60, 0).is_ok() && hours(0, 0).is_ok());
        assert!(hours(22 * 60, 4 * 60).is_err() && hours(60, 60).is_err());
        let read = |start: &str| serde_json::from_value::<Hours>(serde_json::json!({ "start": start, "end": "17:00:00" }));
        assert!(read("08:00:00").is_ok() && read("08:00:01").is_err() && read("08:00:00.5").is_err() && read("08:59:60").is_err());
    }

    #[test]
    fn a_slot_takes_five_minutes_to_eight_hours() {
        assert!([5, 480].into_iter().all(|minutes| SlotLength::try_from(minutes).is_ok()));
        assert!([0, 4, 481, 1440].into_iter().all(|minutes| SlotLength::try_from(minutes).is_err()));
    }
}
