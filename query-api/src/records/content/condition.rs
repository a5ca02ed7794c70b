//! Conditions: problems, diagnoses, and what else matters of a patient's state.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier, Period, Reference};

/// FHIR `Condition`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// Active, recurrence, relapse, inactive, remission or resolved.
    clinical_status: Option<CodeableConcept>,
    /// Unconfirmed, provisional, differential, confirmed or refuted.
    verification_status: Option<CodeableConcept>,
    /// A problem of the list, or a diagnosis of an encounter.
    #[serde(default)]
    category: Vec<CodeableConcept>,
    /// How severe.
    severity: Option<CodeableConcept>,
    /// What it is.
    code: Option<CodeableConcept>,
    /// Where in the body.
    #[serde(default)]
    body_site: Vec<CodeableConcept>,
    /// During which encounter it was stated.
    encounter: Option<Reference>,
    /// When it began (FHIR `dateTime`).
    onset_date_time: Option<String>,
    /// When it began, as a period.
    onset_period: Option<Period>,
    /// When it began, in words.
    onset_string: Option<String>,
    /// When it ended (FHIR `dateTime`).
    abatement_date_time: Option<String>,
    /// When it ended, in words.
    abatement_string: Option<String>,
    /// When it was first written down (FHIR `dateTime`).
    recorded_date: Option<String>,
    /// Who wrote it down.
    recorder: Option<Reference>,
    /// Who says so.
    asserter: Option<Reference>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
}
