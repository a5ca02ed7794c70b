//! Observations: vital signs, laboratory results, panels, and whatever else was measured, seen or asked.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier, Period, Quantity, Range, Reference};

/// FHIR `Observation`. Its value is one of the fields whose names begin with `value`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// What ordered it.
    #[serde(default)]
    based_on: Vec<Reference>,
    /// What it is part of.
    #[serde(default)]
    part_of: Vec<Reference>,
    /// How final it is: a code of FHIR `observation-status`.
    status: String,
    /// Vital signs, laboratory, survey …
    #[serde(default)]
    category: Vec<CodeableConcept>,
    /// What was observed.
    code: CodeableConcept,
    /// What it is about, where that is not the patient.
    #[serde(default)]
    focus: Vec<Reference>,
    /// During which encounter.
    encounter: Option<Reference>,
    /// When it was so (FHIR `dateTime`).
    effective_date_time: Option<String>,
    /// From when to when it was so.
    effective_period: Option<Period>,
    /// When the result was released (FHIR `dateTime`).
    issued: Option<String>,
    /// Who observed it.
    #[serde(default)]
    performer: Vec<Reference>,
    /// The value.
    value_quantity: Option<Quantity>,
    /// The value.
    value_codeable_concept: Option<CodeableConcept>,
    /// The value.
    value_string: Option<String>,
    /// The value.
    value_boolean: Option<bool>,
    /// The value.
    value_integer: Option<i32>,
    /// The value.
    value_range: Option<Range>,
    /// The value (FHIR `dateTime`).
    value_date_time: Option<String>,
    /// The value.
    value_period: Option<Period>,
    /// Why there is no value.
    data_absent_reason: Option<CodeableConcept>,
    /// High, low, normal …
    #[serde(default)]
    interpretation: Vec<CodeableConcept>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
    /// Where in the body.
    body_site: Option<CodeableConcept>,
    /// How.
    method: Option<CodeableConcept>,
    /// Of what.
    specimen: Option<Reference>,
    /// With what.
    device: Option<Reference>,
    /// What would be usual.
    #[serde(default)]
    reference_range: Vec<ReferenceRange>,
    /// The results of a panel.
    #[serde(default)]
    has_member: Vec<Reference>,
    /// What it was computed from.
    #[serde(default)]
    derived_from: Vec<Reference>,
    /// The parts of one observation, as the two pressures of the blood.
    #[serde(default)]
    component: Vec<ObservationComponent>,
}

/// FHIR `Observation.component`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct ObservationComponent {
    /// What was observed.
    code: CodeableConcept,
    /// The value.
    value_quantity: Option<Quantity>,
    /// The value.
    value_codeable_concept: Option<CodeableConcept>,
    /// The value.
    value_string: Option<String>,
    /// The value.
    value_boolean: Option<bool>,
    /// The value.
    value_integer: Option<i32>,
    /// The value.
    value_range: Option<Range>,
    /// The value (FHIR `dateTime`).
    value_date_time: Option<String>,
    /// The value.
    value_period: Option<Period>,
    /// Why there is no value.
    data_absent_reason: Option<CodeableConcept>,
    /// High, low, normal …
    #[serde(default)]
    interpretation: Vec<CodeableConcept>,
    /// What would be usual.
    #[serde(default)]
    reference_range: Vec<ReferenceRange>,
}

/// FHIR `Observation.referenceRange`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceRange {
    /// The least.
    low: Option<Quantity>,
    /// The most.
    high: Option<Quantity>,
    /// Normal, treatment …
    r#type: Option<CodeableConcept>,
    /// For whom.
    #[serde(default)]
    applies_to: Vec<CodeableConcept>,
    /// At what age.
    age: Option<Range>,
    /// In words.
    text: Option<String>,
}
