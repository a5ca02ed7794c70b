//! Allergies and intolerances, and that none is known.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier, Reference};

/// FHIR `AllergyIntolerance`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct AllergyIntolerance {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// Active, inactive or resolved; active unless said.
    clinical_status: Option<CodeableConcept>,
    /// Unconfirmed, confirmed or refuted.
    verification_status: Option<CodeableConcept>,
    /// By what mechanism: a code of FHIR `allergy-intolerance-type`.
    r#type: Option<String>,
    /// Against what sort of substance: a code of FHIR `allergy-intolerance-category`.
    #[serde(default)]
    category: Vec<String>,
    /// How dangerous: a code of FHIR `allergy-intolerance-criticality`.
    criticality: Option<String>,
    /// Against what.
    code: Option<CodeableConcept>,
    /// During which encounter it was stated.
    encounter: Option<Reference>,
    /// When it began (FHIR `dateTime`).
    onset_date_time: Option<String>,
    /// When it began, in words.
    onset_string: Option<String>,
    /// When it was first written down (FHIR `dateTime`).
    recorded_date: Option<String>,
    /// Who wrote it down.
    recorder: Option<Reference>,
    /// Who says so.
    asserter: Option<Reference>,
    /// When it last showed (FHIR `dateTime`).
    last_occurrence: Option<String>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
    /// How it showed.
    #[serde(default)]
    reaction: Vec<AllergyReaction>,
}

/// FHIR `AllergyIntolerance.reaction`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct AllergyReaction {
    /// To what, more exactly.
    substance: Option<CodeableConcept>,
    /// How.
    #[serde(default)]
    manifestation: Vec<CodeableConcept>,
    /// In words.
    description: Option<String>,
    /// When (FHIR `dateTime`).
    onset: Option<String>,
    /// How severe: a code of FHIR `reaction-event-severity`.
    severity: Option<String>,
    /// By what way of exposure.
    exposure_route: Option<CodeableConcept>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
}
