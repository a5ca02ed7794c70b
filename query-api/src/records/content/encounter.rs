//! Encounters: where, when and with whom care was given.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{CodeableConcept, FactCoding, FactIdentifier, Period, Reference};

/// FHIR `Encounter`. One may begin after a death, as a certification does.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Encounter {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// How far it is: a code of FHIR `encounter-status`.
    status: String,
    /// Inpatient, ambulatory, emergency … (HL7 v3 `ActCode`).
    class: FactCoding,
    /// What kind of encounter.
    #[serde(default)]
    r#type: Vec<CodeableConcept>,
    /// What service is given.
    service_type: Option<CodeableConcept>,
    /// How urgent it is.
    priority: Option<CodeableConcept>,
    /// Who takes part besides the patient.
    #[serde(default)]
    participant: Vec<EncounterParticipant>,
    /// The appointments that led to it.
    #[serde(default)]
    appointment: Vec<Reference>,
    /// From its beginning to its end.
    period: Option<Period>,
    /// Why, coded.
    #[serde(default)]
    reason_code: Vec<CodeableConcept>,
    /// Why, by the facts that say so.
    #[serde(default)]
    reason_reference: Vec<Reference>,
    /// Admission and discharge.
    hospitalization: Option<Hospitalization>,
    /// Where.
    #[serde(default)]
    location: Vec<EncounterLocation>,
    /// The organization that is responsible.
    service_provider: Option<Reference>,
    /// The encounter that this one is part of.
    part_of: Option<Reference>,
}

/// FHIR `Encounter.participant`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct EncounterParticipant {
    /// In what role.
    #[serde(default)]
    r#type: Vec<CodeableConcept>,
    /// For how long.
    period: Option<Period>,
    /// Who.
    individual: Option<Reference>,
}

/// FHIR `Encounter.hospitalization`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Hospitalization {
    /// From where the patient came.
    admit_source: Option<CodeableConcept>,
    /// Where the patient went.
    discharge_disposition: Option<CodeableConcept>,
}

/// FHIR `Encounter.location`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct EncounterLocation {
    /// Where.
    location: Reference,
    /// For how long.
    period: Option<Period>,
}
