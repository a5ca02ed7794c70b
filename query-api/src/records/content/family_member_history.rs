//! Family history: what is known of a relative's health.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier, Quantity};

/// FHIR `FamilyMemberHistory`. The relative is named by what they are to the patient.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct FamilyMemberHistory {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// How complete it is: a code of FHIR `history-status`.
    status: String,
    /// When it was told (FHIR `dateTime`).
    date: Option<String>,
    /// The relative's name, where the patient gave it.
    name: Option<String>,
    /// What the relative is to the patient.
    relationship: CodeableConcept,
    /// The relative's sex.
    sex: Option<CodeableConcept>,
    /// Whether the relative has died.
    deceased_boolean: Option<bool>,
    /// Why it was asked for.
    #[serde(default)]
    reason_code: Vec<CodeableConcept>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
    /// What the relative had.
    #[serde(default)]
    condition: Vec<FamilyMemberCondition>,
}

/// FHIR `FamilyMemberHistory.condition`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct FamilyMemberCondition {
    /// What it was.
    code: CodeableConcept,
    /// What came of it.
    outcome: Option<CodeableConcept>,
    /// Whether the relative died of it.
    contributed_to_death: Option<bool>,
    /// At what age it began.
    onset_age: Option<Quantity>,
    /// When it began, in words.
    onset_string: Option<String>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
}
