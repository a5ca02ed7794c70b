//! The values that make up who a patient is. None of them can be printed: everything here identifies a person.

use chrono::{DateTime, FixedOffset, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fhir_values::{Address, AdministrativeGender, Code, ContactPoint, HumanName, PartialDate};

/// Who a person is. An unidentified patient has an empty one.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demographics {
    /// The names, the official one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub language: Vec<Code>,
}

/// What is corrected of a person's demographics; what is left out stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Correction {
    /// All names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub telecom: Vec<ContactPoint>,
    /// Postal addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub address: Vec<Address>,
}

/// When a person died, as far as it is known (FHIR `deceased[x]`).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeathTime {
    /// To the second, in the offset it was recorded in.
    At(DateTime<FixedOffset>),
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
}
