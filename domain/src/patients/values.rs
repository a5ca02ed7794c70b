//! The values that make up who a patient is. None of them can be printed: everything here identifies a person.

use chrono::{DateTime, Datelike, FixedOffset, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::fhir_values::{Address, AdministrativeGender, Code, ContactPoint, HumanName, PartialDate, names};
use crate::value::{InvalidValue, at_most};

/// Who a person is. An unidentified patient has an empty one.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demographics {
    /// The names, the official one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "names")]
    #[schemars(length(max = 20))]
    pub name: Vec<HumanName>,
    /// The gender that the patient is considered to have for administration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<AdministrativeGender>,
    /// The date of birth, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<PartialDate>,
    /// From `http://terminology.hl7.org/CodeSystem/v3-MaritalStatus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marital_status: Option<Code>,
    /// The languages that the patient speaks, BCP 47, the preferred one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub language: Vec<Code>,
}

/// What is corrected of a person's demographics; what is left out stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Correction {
    /// All names.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "names")]
    #[schemars(length(max = 20))]
    pub name: Option<Vec<HumanName>>,
    /// The gender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<AdministrativeGender>,
    /// The date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<PartialDate>,
    /// The marital status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marital_status: Option<Code>,
    /// All languages.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub language: Option<Vec<Code>>,
}

impl Demographics {
    /// The demographics once `correction` is made.
    #[must_use]
    pub fn corrected(self, correction: Correction) -> Self {
        Self {
            name: correction.name.unwrap_or(self.name),
            gender: correction.gender.or(self.gender),
            birth_date: correction.birth_date.or(self.birth_date),
            marital_status: correction.marital_status.or(self.marital_status),
            language: correction.language.unwrap_or(self.language),
        }
    }
}

/// How to reach a person.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contact {
    /// Telephone, email and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub telecom: Vec<ContactPoint>,
    /// Postal addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub address: Vec<Address>,
}

/// When a person died, as far as it is known (FHIR `deceased[x]`).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeathTime {
    /// To the second, in the offset it was recorded in.
    At(#[serde(deserialize_with = "since_1800")] DateTime<FixedOffset>),
    /// To the day, the month or the year.
    On(PartialDate),
    /// That, but not when.
    Unknown,
}

impl DeathTime {
    /// The earliest moment that it can mean.
    pub fn earliest(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(time) => Some(time.to_utc()),
            Self::On(date) => Some(date.earliest().and_time(NaiveTime::MIN).and_utc()),
            Self::Unknown => None,
        }
    }

    /// Whether it has not come yet, by any clock on earth.
    pub fn lies_in_the_future(self, now: DateTime<Utc>) -> bool {
        match self {
            Self::At(time) => time > now,
            Self::On(date) => date.lies_in_the_future(now),
            Self::Unknown => false,
        }
    }

    /// Whether nobody born at `birth` can have died then, as far as both are known.
    pub fn precedes(self, birth: PartialDate) -> bool {
        let last_day = match self {
            Self::At(time) => time.date_naive(),
            Self::On(date) => date.latest(),
            Self::Unknown => return false,
        };
        last_day < birth.earliest()
    }
}

/// Reads a moment in the years that dates are accepted from, see [`PartialDate`].
fn since_1800<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<FixedOffset>, D::Error> {
    let time = DateTime::deserialize(deserializer)?;
    if (1800..=9999).contains(&time.year()) { Ok(time) } else { Err(D::Error::custom(InvalidValue("be a moment from 1800 on"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> DeathTime {
        DeathTime::On(text.to_owned().try_into().unwrap())
    }

    #[test]
    fn a_death_precedes_a_birth_only_where_that_is_certain() {
        let birth = |text: &str| PartialDate::try_from(text.to_owned()).unwrap();
        assert!(on("1949").precedes(birth("1950")) && on("1950-02-08").precedes(birth("1950-02-09")) && on("1950-01").precedes(birth("1950-02")));
        assert!(!on("1950").precedes(birth("1950-02-09")) && !on("1950-02-09").precedes(birth("1950")) && !on("1950-02-09").precedes(birth("1950-02-09")));
        let evening = DeathTime::At("1950-02-08T23:30:00-05:00".parse().unwrap());
        assert!(evening.precedes(birth("1950-02-09")), "a death is on the day that its own clock shows");
        assert!(!DeathTime::Unknown.precedes(birth("1950")));
    }

    #[test]
    fn a_moment_before_1800_does_not_read() {
        let read = |text: &str| serde_json::from_value::<DeathTime>(serde_json::json!({ "at": text })).is_ok();
        assert!(read("2027-01-04T05:30:00-06:00"));
        assert!(!read("1799-12-31T23:59:59Z") && !read("-2000-01-01T00:00:00Z") && !read("+20000-01-01T00:00:00Z"));
    }

    #[test]
    fn what_a_correction_leaves_out_stays() {
        let known = |json| serde_json::from_value::<Demographics>(json).unwrap();
        let before = known(serde_json::json!({ "name": [{ "family": "Lovelace" }], "gender": "female", "birthDate": "1815", "language": ["en"] }));
        let correction = serde_json::from_value::<Correction>(serde_json::json!({ "birthDate": "1815-12-10", "language": [] })).unwrap();
        let after = known(serde_json::json!({ "name": [{ "family": "Lovelace" }], "gender": "female", "birthDate": "1815-12-10" }));
        assert!(before.corrected(correction) == after);
    }
}
