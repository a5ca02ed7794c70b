//! Medication requests: what was prescribed.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier, Period, Quantity, Range, Reference};
use crate::scalars::Decimal;

/// FHIR `MedicationRequest`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct MedicationRequest {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// How far it is: a code of FHIR `medicationrequest-status`.
    status: String,
    /// Why it is so.
    status_reason: Option<CodeableConcept>,
    /// A proposal, a plan, an order …: a code of FHIR `medicationrequest-intent`.
    intent: String,
    /// Where it is to be taken.
    #[serde(default)]
    category: Vec<CodeableConcept>,
    /// How urgent it is: a code of FHIR `request-priority`.
    priority: Option<String>,
    /// Whether the medication is *not* to be taken.
    do_not_perform: Option<bool>,
    /// The medication.
    medication_codeable_concept: CodeableConcept,
    /// During which encounter.
    encounter: Option<Reference>,
    /// When it was written (FHIR `dateTime`).
    authored_on: Option<String>,
    /// Who wants it.
    requester: Option<Reference>,
    /// Who wrote it down.
    recorder: Option<Reference>,
    /// Why, coded.
    #[serde(default)]
    reason_code: Vec<CodeableConcept>,
    /// Why, by the facts that say so.
    #[serde(default)]
    reason_reference: Vec<Reference>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
    /// How to take it.
    #[serde(default)]
    dosage_instruction: Vec<Dosage>,
    /// What is to be handed out.
    dispense_request: Option<DispenseRequest>,
}

/// FHIR `Dosage`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Dosage {
    /// The place in the order of instructions.
    sequence: Option<i32>,
    /// In words.
    text: Option<String>,
    /// Warnings and the like.
    #[serde(default)]
    additional_instruction: Vec<CodeableConcept>,
    /// In words for the patient.
    patient_instruction: Option<String>,
    /// When.
    timing: Option<Timing>,
    /// Whether only as needed.
    as_needed_boolean: Option<bool>,
    /// When it is needed.
    as_needed_codeable_concept: Option<CodeableConcept>,
    /// Where in the body.
    site: Option<CodeableConcept>,
    /// By what way.
    route: Option<CodeableConcept>,
    /// How.
    method: Option<CodeableConcept>,
    /// How much.
    #[serde(default)]
    dose_and_rate: Vec<DoseAndRate>,
}

/// FHIR `Timing`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// At these times (FHIR `dateTime`).
    #[serde(default)]
    event: Vec<String>,
    /// How often.
    repeat: Option<TimingRepeat>,
    /// As a code, such as `BID`.
    code: Option<CodeableConcept>,
}

/// FHIR `Timing.repeat`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct TimingRepeat {
    /// From when to when.
    bounds_period: Option<Period>,
    /// How many times in all.
    count: Option<i32>,
    /// How long each time.
    duration: Option<Decimal>,
    /// In which unit: a code of FHIR `units-of-time`.
    duration_unit: Option<String>,
    /// How many times in a period.
    frequency: Option<i32>,
    /// At most so many times.
    frequency_max: Option<i32>,
    /// The period.
    period: Option<Decimal>,
    /// At most so long a period.
    period_max: Option<Decimal>,
    /// In which unit: a code of FHIR `units-of-time`.
    period_unit: Option<String>,
}

/// FHIR `Dosage.doseAndRate`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct DoseAndRate {
    /// Ordered or calculated.
    r#type: Option<CodeableConcept>,
    /// How much.
    dose_quantity: Option<Quantity>,
    /// From how much to how much.
    dose_range: Option<Range>,
    /// How fast.
    rate_quantity: Option<Quantity>,
}

/// FHIR `MedicationRequest.dispenseRequest`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct DispenseRequest {
    /// While it may be handed out.
    validity_period: Option<Period>,
    /// How many times more.
    number_of_repeats_allowed: Option<i32>,
    /// How much each time.
    quantity: Option<Quantity>,
}
