//! FHIR R4's data types as clinical facts hold them.

use async_graphql::SimpleObject;
use serde::Deserialize;

use crate::scalars::Decimal;

/// FHIR `Coding`; at least a code or a text that a person reads.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct FactCoding {
    /// The code system.
    system: Option<String>,
    /// The version of the code system.
    version: Option<String>,
    /// The code.
    code: Option<String>,
    /// How the code system names it.
    display: Option<String>,
}

/// FHIR `CodeableConcept`: codes of one meaning, and the words for it.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct CodeableConcept {
    /// The codes.
    #[serde(default)]
    coding: Vec<FactCoding>,
    /// The words.
    text: Option<String>,
}

/// FHIR `Range`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// The least.
    low: Option<Quantity>,
    /// The most.
    high: Option<Quantity>,
}

/// FHIR `Annotation`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    /// Who wrote it.
    author_string: Option<String>,
    /// When (FHIR `dateTime`).
    time: Option<String>,
    /// What.
    text: String,
}

/// FHIR `Identifier`, of a fact.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct FactIdentifier {
    /// What it is for: `usual`, `official`, `temp`, `secondary` or `old`.
    r#use: Option<String>,
    /// Who assigned it.
    system: Option<String>,
    /// The value.
    value: Option<String>,
}

/// FHIR `Reference`: to a resource by its type and its id in Carelog, by an identifier, or in words.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are FHIR's")]
pub struct Reference {
    /// `Encounter/0190…`.
    reference: Option<String>,
    /// The identifier of what has no place in Carelog.
    identifier: Option<FactIdentifier>,
    /// The words.
    display: Option<String>,
}

/// FHIR `Quantity`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Quantity {
    /// The number.
    value: Option<Decimal>,
    /// `<`, `<=`, `>=` or `>`, where the number is a bound.
    comparator: Option<String>,
    /// The unit as a person reads it.
    unit: Option<String>,
    /// The system of the unit's code.
    system: Option<String>,
    /// The unit's code.
    code: Option<String>,
}

/// FHIR `Period`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// When it starts.
    start: Option<String>,
    /// When it ends; the last moment in it.
    end: Option<String>,
}
