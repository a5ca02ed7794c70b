//! Values in the shape and the codes of FHIR R4, cut to what Carelog keeps.

use std::collections::HashSet;

use chrono::{DateTime, Days, Duration, Months, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::value::{Entries, InvalidValue, Line, at_most, plain_text};

crate::text_value!(
    /// A URI that names who assigned an identifier or a code (FHIR `uri`), 1 to 500 characters without white space.
    SystemUri, |text| {
        if text.is_empty() || text.len() > 500 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(InvalidValue("be a URI of 1 to 500 characters without white space"));
        }
        Ok(())
    }, { "minLength": 1, "maxLength": 500, "pattern": "^\\S+$" });

crate::text_value!(
    /// The value of an identifier, 1 to 200 characters on one line. White space at an end would make another identifier of the same number, so it is refused.
    IdentifierValue, |text| {
        plain_text(text, 200)?;
        if text.trim() != text || text.contains(['\n', '\t']) { Err(InvalidValue("be a single line without white space at either end")) } else { Ok(()) }
    }, { "minLength": 1, "maxLength": 200 });

crate::text_value!(
    /// A code (FHIR `code`): no white space at either end, none doubled.
    Code, |text| {
        plain_text(text, 200)?;
        let mut parts = text.split(char::is_whitespace);
        if parts.any(str::is_empty) { Err(InvalidValue("have no white space at either end, and none doubled")) } else { Ok(()) }
    }, { "minLength": 1, "maxLength": 200 });

/// `http://hl7.org/fhir/sid/us-npi`, the system of the US National Provider Identifier.
pub const NPI_SYSTEM: &str = "http://hl7.org/fhir/sid/us-npi";

/// Whether a value is ten digits whose last one is the Luhn check digit of a National Provider Identifier (45 CFR 162.406): it is computed over
/// the prefix `80840` (ISO/IEC 7812: health applications, United States) and all ten.
pub fn npi_check_digit_holds(value: &str) -> bool {
    if value.len() != 10 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits = "80840".bytes().chain(value.bytes()).map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits.rev().enumerate().map(|(place, digit)| if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }).sum();
    sum.is_multiple_of(10)
}

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

    /// Whether it is the same identifier, perhaps under another type.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.system == other.system && self.value == other.value
    }
}

/// The business identifiers of one person or thing: at most 50, each named once.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Identifier>", into = "Vec<Identifier>")]
#[schemars(with = "Vec<Identifier>", extend("maxItems" = 50))]
pub struct Identifiers(Vec<Identifier>);

impl Identifiers {
    /// The identifiers in the order they were given.
    pub fn as_slice(&self) -> &[Identifier] {
        &self.0
    }
}

impl TryFrom<Vec<Identifier>> for Identifiers {
    type Error = InvalidValue;
    fn try_from(identifiers: Vec<Identifier>) -> Result<Self, InvalidValue> {
        if identifiers.len() > 50 {
            return Err(InvalidValue("hold at most 50 identifiers"));
        }
        let named: HashSet<_> = identifiers.iter().map(|identifier| (&identifier.system, &identifier.value)).collect();
        if named.len() < identifiers.len() { Err(InvalidValue("name each identifier once")) } else { Ok(Self(identifiers)) }
    }
}

impl From<Identifiers> for Vec<Identifier> {
    fn from(identifiers: Identifiers) -> Self {
        identifiers.0
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
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub given: Vec<Line>,
    /// Titles before the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub prefix: Vec<Line>,
    /// What follows the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
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

/// Reads at most 20 names, each with a family or a given name (US Core, `us-core-6`): a person without a name has none, not an empty one.
pub fn names<'de, L, D>(deserializer: D) -> Result<L, D::Error>
where
    L: Deserialize<'de> + Entries<Entry = HumanName>,
    D: Deserializer<'de>,
{
    let names: L = at_most::<20, L, D>(deserializer)?;
    if names.entries().iter().any(|name| name.family.is_none() && name.given.is_empty()) {
        return Err(D::Error::custom(InvalidValue("give each name a family name or a given name")));
    }
    Ok(names)
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
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<10, _, _>")]
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
    pub fn earliest(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).unwrap_or_default()
    }

    /// The last day that it can mean.
    pub fn latest(self) -> NaiveDate {
        let first = self.earliest();
        let months = match (self.month, self.day) {
            (Some(_), Some(_)) => return first,
            (Some(_), None) => Months::new(1),
            (None, _) => Months::new(12),
        };
        first + months - Days::new(1)
    }

    /// Whether no place on earth has reached it: the clocks farthest ahead show UTC+14.
    pub fn lies_in_the_future(self, now: DateTime<Utc>) -> bool {
        self.earliest() > (now + Duration::hours(14)).date_naive()
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
        let exists = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1)).is_some();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> Result<PartialDate, InvalidValue> {
        text.to_owned().try_into()
    }

    proptest! {
        #[test]
        fn a_date_is_read_as_far_as_it_is_known(year in 1800..=9999i32, month in 1..=12u32, day in 1..=31u32) {
            let exists = NaiveDate::from_ymd_opt(year, month, day);
            for text in [format!("{year}"), format!("{year}-{month:02}"), format!("{year}-{month:02}-{day:02}")] {
                let read = date(&text);
                prop_assert_eq!(read.is_ok(), text.len() < 10 || exists.is_some());
                if let Ok(read) = read {
                    prop_assert_eq!(String::from(read), text);
                    prop_assert!(exists.is_none_or(|meant| (read.earliest()..=read.latest()).contains(&meant)));
                }
            }
        }

        #[test]
        fn nothing_else_is_read_as_a_date(text in "\\PC*|[0-9+ -]{0,12}|[0-9]{3,5}(-[0-9]{1,3}){0,3}") {
            if let Ok(read) = date(&text) {
                prop_assert_eq!(String::from(read), text);
            }
        }
    }

    #[test]
    fn an_impossible_date_or_one_before_1800_is_refused() {
        let refused =
            ["", "1799", "0000", "1950-00", "1950-13", "1950-02-29", "1950-1", "1950-01-1", "19500101", "1950-01-01T00:00:00Z", "1950-", "-950", "१९५०"];
        assert!(refused.into_iter().all(|text| date(text).is_err()));
    }

    #[test]
    fn a_partial_date_ends_with_its_month_or_year() {
        let last = |text| date(text).unwrap().latest().to_string();
        assert_eq!([last("2024"), last("2024-02"), last("2024-12"), last("2024-02-01")], ["2024-12-31", "2024-02-29", "2024-12-31", "2024-02-01"]);
    }

    #[test]
    fn today_is_not_the_future_where_the_day_has_begun() {
        let now = "2027-01-04T12:00:00Z".parse().unwrap();
        let future = |text| date(text).unwrap().lies_in_the_future(now);
        assert!(!future("2027-01-05") && !future("2027-01") && !future("2027"));
        assert!(future("2027-01-06") && future("2027-02") && future("2028"));
    }

    #[test]
    fn an_identifier_is_named_once_whatever_its_type() {
        let identifier = |value: &str, kind: Option<&str>| Identifier {
            system: "urn:a".try_into().unwrap(),
            value: value.try_into().unwrap(),
            r#type: kind.map(|code| code.try_into().unwrap()),
        };
        assert!(Identifiers::try_from(vec![identifier("1", None), identifier("2", None)]).is_ok());
        assert!(Identifiers::try_from(vec![identifier("1", None), identifier("1", Some("MR"))]).is_err());
        assert!(Identifiers::try_from((0..51).map(|number| identifier(&number.to_string(), None)).collect::<Vec<_>>()).is_err());
    }

    #[test]
    fn white_space_makes_no_other_identifier_or_code() {
        assert!(["A 1", "A-1"].into_iter().all(|value| IdentifierValue::try_from(value).is_ok() && Code::try_from(value).is_ok()));
        assert!(["A1 ", " A1", "\u{a0}A1", "", " "].into_iter().all(|value| IdentifierValue::try_from(value).is_err() && Code::try_from(value).is_err()));
        assert!(IdentifierValue::try_from("A\n1").is_err() && Code::try_from("A  1").is_err());
    }

    #[test]
    fn a_list_is_bounded_and_a_name_is_not_empty() {
        let name = |given: usize| serde_json::json!({ "given": vec!["Ada"; given] });
        assert!(serde_json::from_value::<HumanName>(name(20)).is_ok());
        let refused = serde_json::from_value::<HumanName>(name(21)).err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), Some("must hold fewer entries; the schema's maxItems says how many"));
        assert!(names::<Vec<HumanName>, _>(serde_json::json!([name(1)])).is_ok());
        assert!(names::<Vec<HumanName>, _>(serde_json::json!([name(1), { "prefix": ["Dr."] }])).is_err());
    }

    #[test]
    fn the_check_digit_of_an_npi_is_verified() {
        assert!(["1234567893", "1245319599", "1003000126"].into_iter().all(npi_check_digit_holds));
        let right_digits = (0..10).map(|digit| format!("123456789{digit}")).filter(|npi| npi_check_digit_holds(npi));
        assert_eq!(right_digits.collect::<Vec<_>>(), ["1234567893"], "one check digit holds, the others do not");
    }

    #[test]
    fn what_is_not_ten_digits_is_no_npi() {
        let malformed = ["", "123456789", "12345678930", "123456789X", "123456789३", " 234567893", "-234567893", "+234567893"];
        assert!(malformed.into_iter().all(|value| !npi_check_digit_holds(value)));
    }
}
