//! Values in the shape and the codes of FHIR R4, cut to what Carelog keeps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{InvalidValue, Line, plain_text};

crate::text_value!(
    /// A URI that names who assigned an identifier or a code (FHIR `uri`), 1 to 500 characters without white space.
    SystemUri, |text| {
        if text.is_empty() || text.len() > 500 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidValue("be a URI of 1 to 500 characters without white space"));
        }
        Ok(())
    }, { "minLength": 1, "maxLength": 500, "pattern": "^\\S+$" });

crate::text_value!(
    /// The value of an identifier, 1 to 200 characters.
    IdentifierValue, |text| plain_text(text, 200), { "minLength": 1, "maxLength": 200 });

crate::text_value!(
    /// A code (FHIR `code`): no white space at either end, none doubled.
    Code, |text| {
        plain_text(text, 200)?;
        if text.trim() != text { Err(InvalidValue("have no white space at either end")) } else { Ok(()) }
    }, { "minLength": 1, "maxLength": 200 });

/// `http://hl7.org/fhir/sid/us-npi`, the system of the US National Provider Identifier.
pub const NPI_SYSTEM: &str = "http://hl7.org/fhir/sid/us-npi";

/// FHIR `Identifier`: a value that is unique within its system.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identifier {
    /// Who assigned it.
    pub system: SystemUri,
    /// The value.
    pub value: IdentifierValue,
    /// What kind it is, from `http://terminology.hl7.org/CodeSystem/v2-0203` (`MR`, `SS`, `DL`, `PPN` …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Code>,
}

impl Identifier {
    /// Whether this is a medical record number (`MR`), which is unique in its tenant.
    pub fn is_medical_record_number(&self) -> bool {
        self.r#type.as_ref().is_some_and(|code| code.as_str() == "MR")
    }
}

/// FHIR `HumanName`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HumanName {
    /// What the name is for; `official` unless said.
    #[serde(default)]
    pub r#use: NameUse,
    /// The family name, where the person has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Line>,
    /// The given names in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub given: Vec<Line>,
    /// Titles before the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub prefix: Vec<Line>,
    /// What follows the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub suffix: Vec<Line>,
}

impl HumanName {
    /// The name as a person reads it: `Dr. Ada Lovelace`.
    pub fn display(&self) -> String {
        let parts = self.prefix.iter().chain(&self.given).chain(&self.family).chain(&self.suffix);
        parts.map(Line::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// FHIR `name-use`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the codes are FHIR's")]
pub enum NameUse {
    Usual,
    #[default]
    Official,
    Temp,
    Nickname,
    Anonymous,
    Old,
    Maiden,
}

/// FHIR `administrative-gender`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the codes are FHIR's")]
pub enum AdministrativeGender {
    Male,
    Female,
    Other,
    Unknown,
}

/// FHIR `ContactPoint`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactPoint {
    /// By what means.
    pub system: ContactPointSystem,
    /// The number or address.
    pub value: Line,
    /// Where it reaches the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#use: Option<ContactPointUse>,
}

/// FHIR `contact-point-system`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the codes are FHIR's")]
pub enum ContactPointSystem {
    Phone,
    Fax,
    Email,
    Pager,
    Url,
    Sms,
    Other,
}

/// FHIR `contact-point-use`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the codes are FHIR's")]
pub enum ContactPointUse {
    Home,
    Work,
    Temp,
    Old,
    Mobile,
}

/// FHIR `Address`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// Street, number, and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub line: Vec<Line>,
    /// City or town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<Line>,
    /// State or region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Line>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Line>,
    /// Country, ISO 3166 where possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Line>,
}

/// FHIR `Coding`: a code from a code system.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Coding {
    /// The code system.
    pub system: SystemUri,
    /// The code.
    pub code: Code,
    /// How the code system names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Line>,
}

/// A date that may lack its day or its month (FHIR `date`): `1950`, `1950-02` or `1950-02-09`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartialDate {
    year: i32,
    month: Option<u32>,
    day: Option<u32>,
}

impl PartialDate {
    /// The first day that it can mean.
    pub fn earliest(self) -> chrono::NaiveDate {
        chrono::NaiveDate::from_ymd_opt(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).unwrap_or_default()
    }
}

impl TryFrom<String> for PartialDate {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        const RULE: InvalidValue = InvalidValue("be a date as YYYY, YYYY-MM or YYYY-MM-DD, from 1800 on");
        let number = |part: &str, length: usize| -> Result<u32, InvalidValue> {
            if part.len() != length || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(RULE);
            }
            part.parse().map_err(|_| RULE)
        };
        let mut parts = text.split('-');
        let year = number(parts.next().unwrap_or_default(), 4)?;
        let month = parts.next().map(|part| number(part, 2)).transpose()?;
        let day = parts.next().map(|part| number(part, 2)).transpose()?;
        let year = i32::try_from(year).map_err(|_| RULE)?;
        let exists = chrono::NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1)).is_some();
        if parts.next().is_some() || year < 1800 || !exists { Err(RULE) } else { Ok(Self { year, month, day }) }
    }
}

impl From<PartialDate> for String {
    fn from(date: PartialDate) -> String {
        match (date.month, date.day) {
            (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}", date.year),
            (Some(month), None) => format!("{:04}-{month:02}", date.year),
            (None, _) => format!("{:04}", date.year),
        }
    }
}

impl JsonSchema for PartialDate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PartialDate".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$" })
    }
}
