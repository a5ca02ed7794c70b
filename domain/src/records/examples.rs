//! Facts of two records, for the tests of this context.

use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::decision::Circumstances;
use crate::event::{Event, Named};
use crate::ids::{FactId, PatientId};
use crate::patients::examples::{read, reason};
use crate::phi::Phi;
use crate::records::{
    AllergyIntolerance, AmendFact, EnterFactInError, Fact, FactAmended, FactEnteredInError, FactRecorded, MedicationRequest, RecordFact, Screening,
};
use crate::terminology::Terminology;
use crate::testing;

pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub const SNOMED: &str = "http://snomed.info/sct";
pub const VISIT: FactId = fact(101);
pub const ALLERGY: FactId = fact(102);
pub const TABLETS: FactId = fact(103);
pub const OTHER: FactId = fact(104);

pub const fn fact(number: u128) -> FactId {
    FactId(Uuid::from_u128(number))
}

/// Amoxicillin in two strengths, and penicillin as what an allergy is against: of one ingredient; ibuprofen of another.
pub fn circumstances() -> Circumstances {
    let terminology = Terminology::default()
        .with_ingredients(RXNORM, "308182", &["penicillin"])
        .with_ingredients(RXNORM, "308191", &["penicillin"])
        .with_ingredients(SNOMED, "764146007", &["penicillin"])
        .with_ingredients(RXNORM, "197805", &["ibuprofen"]);
    Circumstances { terminology: Arc::new(terminology), ..testing::circumstances(testing::ACTOR, "2027-01-04T12:00:00Z") }
}

pub fn coded(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

pub fn penicillin() -> Value {
    json!({ "category": ["medication"], "code": coded(SNOMED, "764146007") })
}

pub fn no_known_allergy() -> Value {
    json!({ "code": coded(SNOMED, "716186003") })
}

pub fn prescribed(code: &str) -> Value {
    json!({ "status": "active", "intent": "order", "medicationCodeableConcept": coded(RXNORM, code) })
}

pub fn encounter(status: &str) -> Value {
    json!({ "status": status, "class": { "code": "AMB" } })
}

pub fn during_visit() -> Value {
    json!({ "code": { "text": "Asthma" }, "encounter": { "reference": format!("Encounter/{VISIT}") } })
}

pub fn record<F: Fact>(patient: PatientId, fact: FactId, content: Value) -> RecordFact<F> {
    RecordFact { fact, patient, content: Phi::Known(read(content)), security: vec![], acknowledged: None, imported: false }
}

pub fn amend<F: Fact>(patient: PatientId, fact: FactId, content: Value) -> AmendFact<F> {
    AmendFact { fact, patient, content: Phi::Known(read(content)), security: None, reason: reason("It was so"), acknowledged: None }
}

pub fn enter_in_error<F: Fact>(patient: PatientId, fact: FactId) -> EnterFactInError<F> {
    EnterFactInError::new(fact, patient, reason("Wrong chart"))
}

pub fn recorded<F: Fact>(patient: PatientId, fact: FactId, content: Value) -> Event
where
    FactRecorded<F>: Named + Into<Event>,
{
    recorded_with::<F>(patient, fact, content, None)
}

pub fn recorded_with<F: Fact>(patient: PatientId, fact: FactId, content: Value, screening: Option<Screening>) -> Event
where
    FactRecorded<F>: Named + Into<Event>,
{
    FactRecorded { patient, fact, content: Phi::Known(read::<F>(content)), security: vec![], screening: screening.map(Phi::Known) }.into()
}

pub fn amended<F: Fact>(patient: PatientId, fact: FactId, content: Value) -> Event
where
    FactAmended<F>: Named + Into<Event>,
{
    FactAmended { patient, fact, content: Phi::Known(read::<F>(content)), security: vec![], screening: None, reason: reason("It was so") }.into()
}

pub fn taken_back<F: Fact>(patient: PatientId, fact: FactId) -> Event
where
    FactEnteredInError<F>: Named + Into<Event>,
{
    FactEnteredInError::<F> { patient, fact, reason: reason("Wrong chart"), kind: PhantomData }.into()
}

/// Of one person: an allergy against penicillin.
pub fn allergic(patient: PatientId) -> Event {
    recorded::<AllergyIntolerance>(patient, ALLERGY, penicillin())
}

/// Of one person: amoxicillin, being taken.
pub fn taking(patient: PatientId) -> Event {
    recorded::<MedicationRequest>(patient, TABLETS, prescribed("308182"))
}
