//! Procedures: what was done to or for a patient.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier, Period, Reference};

/// FHIR `Procedure`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Procedure {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// How far it is: a code of FHIR `event-status`.
    status: String,
    /// Why it is so.
    status_reason: Option<CodeableConcept>,
    /// What kind of procedure.
    category: Option<CodeableConcept>,
    /// What was done.
    code: Option<CodeableConcept>,
    /// During which encounter.
    encounter: Option<Reference>,
    /// When (FHIR `dateTime`).
    performed_date_time: Option<String>,
    /// From when to when.
    performed_period: Option<Period>,
    /// When, in words.
    performed_string: Option<String>,
    /// Who wrote it down.
    recorder: Option<Reference>,
    /// Who says so.
    asserter: Option<Reference>,
    /// Who did it.
    #[serde(default)]
    performer: Vec<ProcedurePerformer>,
    /// Where.
    location: Option<Reference>,
    /// Why, coded.
    #[serde(default)]
    reason_code: Vec<CodeableConcept>,
    /// Why, by the facts that say so.
    #[serde(default)]
    reason_reference: Vec<Reference>,
    /// Where in the body.
    #[serde(default)]
    body_site: Vec<CodeableConcept>,
    /// What came of it.
    outcome: Option<CodeableConcept>,
    /// What went wrong.
    #[serde(default)]
    complication: Vec<CodeableConcept>,
    /// What is to be done after.
    #[serde(default)]
    follow_up: Vec<CodeableConcept>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
    /// The devices that were used.
    #[serde(default)]
    used_reference: Vec<Reference>,
}

/// FHIR `Procedure.performer`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct ProcedurePerformer {
    /// In what role.
    function: Option<CodeableConcept>,
    /// Who.
    actor: Reference,
    /// For which organization.
    on_behalf_of: Option<Reference>,
}
