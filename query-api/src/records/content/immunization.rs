//! Immunizations, given or not given.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier, Quantity, Reference};

/// FHIR `Immunization`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Immunization {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// Whether it was given: a code of FHIR `immunization-status`.
    status: String,
    /// Why it was not.
    status_reason: Option<CodeableConcept>,
    /// The vaccine.
    vaccine_code: CodeableConcept,
    /// During which encounter.
    encounter: Option<Reference>,
    /// When (FHIR `dateTime`).
    occurrence_date_time: Option<String>,
    /// When, in words.
    occurrence_string: Option<String>,
    /// When it was first written down (FHIR `dateTime`).
    recorded: Option<String>,
    /// Whether it was told by who gave it.
    primary_source: Option<bool>,
    /// Who told it otherwise.
    report_origin: Option<CodeableConcept>,
    /// Where.
    location: Option<Reference>,
    /// Who made the vaccine.
    manufacturer: Option<Reference>,
    /// Its lot.
    lot_number: Option<String>,
    /// Until when it was good (FHIR `date`).
    expiration_date: Option<String>,
    /// Where in the body.
    site: Option<CodeableConcept>,
    /// By what way.
    route: Option<CodeableConcept>,
    /// How much.
    dose_quantity: Option<Quantity>,
    /// Who gave it.
    #[serde(default)]
    performer: Vec<ImmunizationPerformer>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
    /// Why, coded.
    #[serde(default)]
    reason_code: Vec<CodeableConcept>,
    /// Whether the dose was too weak to count.
    is_subpotent: Option<bool>,
    /// Why it was.
    #[serde(default)]
    subpotent_reason: Vec<CodeableConcept>,
}

/// FHIR `Immunization.performer`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct ImmunizationPerformer {
    /// In what role.
    function: Option<CodeableConcept>,
    /// Who.
    actor: Reference,
}
