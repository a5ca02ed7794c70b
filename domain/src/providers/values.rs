//! Working hours, as a clinic writes them on its door.

use chrono::NaiveTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::InvalidValue;

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
        if end == NaiveTime::MIN || start < end {
            Ok(Self { start, end })
        } else {
            Err(InvalidValue("end after they start; split hours that cross midnight in two"))
        }
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
