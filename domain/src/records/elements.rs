//! FHIR R4 data types as clinical facts hold them: the names, cardinalities and codes are FHIR's, so that a fact's JSON is its resource's.
//!
//! What a type does not list is not kept: an import counts it by its FHIR path. Every list and every text is bounded.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::fhir_values::{Code, PartialDate, SystemUri};
use crate::value::{InvalidValue, plain_text};

/// Declares a FHIR type: each field is `required`, `optional` or a `list` of at most 100, as FHIR's cardinality has it, and absent from the JSON where it is empty.
macro_rules! fhir_type {
    ($(#[$documentation:meta])* $name:ident { $($fields:tt)* }) => {
        fhir_type!(@ [$(#[$documentation])*] $name [] [] $($fields)*);
    };
    (@ $documentation:tt $name:ident [$($names:ident)*] [$($done:tt)*] $(#[$about:meta])* $field:ident: required $type:ty, $($rest:tt)*) => {
        fhir_type!(@ $documentation $name [$($names)* $field] [$($done)* $(#[$about])* pub $field: $type,] $($rest)*);
    };
    (@ $documentation:tt $name:ident [$($names:ident)*] [$($done:tt)*] $(#[$about:meta])* $field:ident: optional $type:ty, $($rest:tt)*) => {
        fhir_type!(@ $documentation $name [$($names)* $field] [
            $($done)* $(#[$about])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,
        ] $($rest)*);
    };
    (@ $documentation:tt $name:ident [$($names:ident)*] [$($done:tt)*] $(#[$about:meta])* $field:ident: list $type:ty, $($rest:tt)*) => {
        fhir_type!(@ $documentation $name [$($names)* $field] [
            $($done)* $(#[$about])*
            #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::value::at_most::<100, _, _>")]
            #[schemars(length(max = 100))]
            pub $field: Vec<$type>,
        ] $($rest)*);
    };
    (@ [$($documentation:tt)*] $name:ident [$($names:ident)*] [$($done:tt)*]) => {
        $($documentation)*
        #[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase")]
        #[schemars(deny_unknown_fields)]
        pub struct $name { $($done)* }

        $crate::records::element::object!($name { $($names)* });
    };
}

/// Declares a FHIR code system that a field is bound to (binding strength `required`).
macro_rules! fhir_codes {
    ($(#[$documentation:meta])* $name:ident { $($variant:ident $code:literal,)* }) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[expect(missing_docs, reason = "the codes are FHIR's")]
        pub enum $name { $(#[serde(rename = $code)] $variant,)* }

        impl $name {
            /// FHIR's code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }

        $crate::records::element::plain!($name);
    };
}

// Documents have the same shapes.
pub(crate) use {fhir_codes, fhir_type};

crate::text_value!(
    /// What a person wrote or a code system says (FHIR `string`), 1 to 4,000 characters.
    Text, |text| plain_text(text, 4000), { "minLength": 1, "maxLength": 4000 });

fhir_type! {
    /// FHIR `Coding`; at least a code or a text that a person reads.
    Coding {
        /// The code system.
        system: optional SystemUri,
        /// The version of the code system.
        version: optional Text,
        /// The code.
        code: optional Code,
        /// How the code system names it.
        display: optional Text,
    }
}

fhir_type! {
    /// FHIR `CodeableConcept`: codes of one meaning, and the words for it.
    CodeableConcept {
        /// The codes.
        coding: list Coding,
        /// The words.
        text: optional Text,
    }
}

impl CodeableConcept {
    /// As a person reads it.
    pub fn display(&self) -> Option<&str> {
        let coded = || self.coding.iter().find_map(|coding| coding.display.as_ref());
        self.text.as_ref().or_else(coded).map(Text::as_str).or_else(|| self.coding.iter().find_map(|coding| coding.code.as_ref()).map(Code::as_str))
    }

    /// Whether a code system's code is among its codes.
    pub fn has(&self, system: &str, code: &str) -> bool {
        self.codes().any(|(of, one)| of == system && one == code)
    }

    /// Its codes, each by its system.
    pub fn codes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.coding.iter().filter_map(|coding| Some((coding.system.as_ref()?.as_str(), coding.code.as_ref()?.as_str())))
    }
}

/// FHIR `decimal`: a JSON number, kept as it was written but for zeros at its end. Nothing is computed with it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "serde_json::Number")]
pub struct Decimal(serde_json::Number);

impl From<serde_json::Number> for Decimal {
    fn from(number: serde_json::Number) -> Self {
        // Databases know no negative zero.
        if number.as_f64() == Some(0.0) && number.to_string().starts_with('-') { Self(serde_json::Number::from(0)) } else { Self(number) }
    }
}

impl Decimal {
    /// As a person reads it.
    pub fn display(&self) -> String {
        self.0.to_string()
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number" })
    }
}

/// `http://unitsofmeasure.org`, the system of UCUM units.
pub const UCUM: &str = "http://unitsofmeasure.org";

/// FHIR `Quantity`; a code of UCUM is checked to be one.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", try_from = "QuantityShape")]
#[schemars(deny_unknown_fields)]
pub struct Quantity {
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
    /// `<`, `<=`, `>=` or `>`, where the number is a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparator: Option<Comparator>,
    /// The unit as a person reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Text>,
    /// The system of the unit's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemUri>,
    /// The unit's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// A quantity before its unit is checked.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Quantity", deny_unknown_fields)]
struct QuantityShape {
    value: Option<Decimal>,
    comparator: Option<Comparator>,
    unit: Option<Text>,
    system: Option<SystemUri>,
    code: Option<Code>,
}

/// Whether UCUM has this unit. What does not even parse is not compared with every unit there is.
fn is_unit(code: &str) -> bool {
    octofhir_ucum::parse_expression(code).is_ok() && octofhir_ucum::validate(code).is_ok()
}

impl TryFrom<QuantityShape> for Quantity {
    type Error = InvalidValue;
    fn try_from(QuantityShape { value, comparator, unit, system, code }: QuantityShape) -> Result<Self, InvalidValue> {
        let ucum = system.as_ref().is_some_and(|system| system.as_str() == UCUM);
        if ucum && code.as_ref().is_some_and(|code| !is_unit(code.as_str())) {
            return Err(InvalidValue("have a unit of UCUM where its system is http://unitsofmeasure.org"));
        }
        Ok(Self { value, comparator, unit, system, code })
    }
}

impl Quantity {
    /// As a person reads it: `< 7.2 mmol/L`.
    pub fn display(&self) -> String {
        let comparator = self.comparator.map(Comparator::sign);
        let unit = self.unit.as_ref().map(Text::as_str).or(self.code.as_ref().map(Code::as_str));
        let parts = [comparator.map(str::to_owned), self.value.as_ref().map(Decimal::display), unit.map(str::to_owned)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// FHIR `quantity-comparator`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the codes are FHIR's")]
pub enum Comparator {
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = ">")]
    Greater,
}

impl Comparator {
    fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }
}

fhir_type! {
    /// FHIR `Range`.
    Range {
        /// The least.
        low: optional Quantity,
        /// The most.
        high: optional Quantity,
    }
}

/// FHIR `dateTime`: a date that may lack its day or month, or a moment with its offset from UTC. Kept as it was written.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FhirDateTime {
    text: String,
    earliest: DateTime<Utc>,
}

impl FhirDateTime {
    /// The first moment that it can mean, to the microsecond; a date's, at UTC. Never after the year 9999: calendars end there.
    pub fn earliest(&self) -> DateTime<Utc> {
        self.earliest
    }

    /// Whether it lies after the year 9999 of UTC, as a moment of its last day may.
    pub fn is_beyond_time(&self) -> bool {
        DateTime::parse_from_rfc3339(&self.text).is_ok_and(|moment| moment.to_utc().year() > 9999)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The last moment that calendars hold, in microseconds since 1970.
const LAST_MOMENT: i64 = 253_402_300_799_999_999;

/// As the read models keep it: to the microsecond, a leap second as the one after it, and not beyond the last.
fn kept(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(moment.timestamp_micros().min(LAST_MOMENT)).unwrap_or(moment)
}

impl TryFrom<String> for FhirDateTime {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        const RULE: InvalidValue = InvalidValue("be a date as YYYY, YYYY-MM or YYYY-MM-DD, or a moment in RFC 3339");
        let earliest = if text.contains('T') {
            let moment = DateTime::parse_from_rfc3339(&text).map_err(|_| RULE)?.to_utc();
            if text.len() > 40 || moment.date_naive() < NaiveDate::from_ymd_opt(1800, 1, 1).unwrap_or_default() {
                return Err(RULE);
            }
            kept(moment)
        } else {
            PartialDate::try_from(text.clone()).map_err(|_| RULE)?.earliest().and_time(NaiveTime::MIN).and_utc()
        };
        Ok(Self { text, earliest })
    }
}

impl From<FhirDateTime> for String {
    fn from(time: FhirDateTime) -> String {
        time.text
    }
}

impl JsonSchema for FhirDateTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FhirDateTime".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 40, "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T.*)?)?)?$" })
    }
}

/// FHIR `Period`; it does not end before it starts.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", try_from = "PeriodShape")]
#[schemars(deny_unknown_fields)]
pub struct Period {
    /// When it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<FhirDateTime>,
    /// When it ends; the last moment in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<FhirDateTime>,
}

/// A period before it is checked.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Period", deny_unknown_fields)]
struct PeriodShape {
    start: Option<FhirDateTime>,
    end: Option<FhirDateTime>,
}

impl TryFrom<PeriodShape> for Period {
    type Error = InvalidValue;
    fn try_from(PeriodShape { start, end }: PeriodShape) -> Result<Self, InvalidValue> {
        // Of dates only their first moment is known, so an end on the day of the start is in order.
        let backwards = matches!((&start, &end), (Some(start), Some(end)) if end.text.contains('T') && end.earliest < start.earliest);
        if backwards { Err(InvalidValue("not end before it starts")) } else { Ok(Self { start, end }) }
    }
}

fhir_type! {
    /// FHIR `Annotation`.
    Annotation {
        /// Who wrote it.
        author_string: optional Text,
        /// When.
        time: optional FhirDateTime,
        /// What.
        text: required Text,
    }
}

fhir_type! {
    /// FHIR `Identifier`, of a fact.
    FactIdentifier {
        /// What it is for: `usual`, `official`, `temp`, `secondary` or `old`.
        r#use: optional Code,
        /// Who assigned it.
        system: optional SystemUri,
        /// The value.
        value: optional Text,
    }
}

fhir_type! {
    /// FHIR `Reference`: to a resource by its type and its id in Carelog, by an identifier, or in words.
    Reference {
        /// `Encounter/0190…`.
        reference: optional Target,
        /// The identifier of what has no place in Carelog.
        identifier: optional FactIdentifier,
        /// The words.
        display: optional Text,
    }
}

impl Reference {
    /// The id, where it names a resource of this type.
    pub fn id_of(&self, resource_type: &str) -> Option<Uuid> {
        let (of_type, id) = self.reference.as_ref()?.0.split_once('/')?;
        if of_type == resource_type { id.parse().ok() } else { None }
    }
}

/// The type and the id of a resource, `Encounter/0190…`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target(String);

impl Target {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Target {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let named = text.split_once('/').is_some_and(|(of_type, id)| {
            !of_type.is_empty() && of_type.len() <= 64 && of_type.bytes().all(|byte| byte.is_ascii_alphabetic()) && id.len() == 36 && id.parse::<Uuid>().is_ok()
        });
        if named { Ok(Self(text)) } else { Err(InvalidValue("be a resource's type and UUID, as Encounter/0190…")) }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.0
    }
}

impl JsonSchema for Target {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ReferenceTarget".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z]{1,64}/[0-9a-fA-F-]{36}$" })
    }
}

/// FHIR `positiveInt` and `unsignedInt`, up to 2,147,483,647.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Count(#[schemars(range(max = 2_147_483_647))] u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = u32::deserialize(deserializer)?;
        if i32::try_from(count).is_ok() { Ok(Self(count)) } else { Err(serde::de::Error::custom(InvalidValue("be at most 2147483647"))) }
    }
}
