//! Disclosures, for the tests of this context.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::disclosures::{DisclosureMade, DisclosureRetracted, DisclosureSource};
use crate::event::Event;
use crate::ids::{DisclosureId, PatientId};
use crate::patients::examples::{read, reason};

pub const REPORT: DisclosureId = DisclosureId(Uuid::from_u128(51));

pub fn report(patient: PatientId, more: &Value) -> Value {
    let mut said = json!({
        "disclosure": REPORT, "patient": patient, "madeAt": "2027-01-03T10:00:00Z", "recipient": { "name": "County Health Department" },
        "what": "Positive test and contact details", "kinds": ["chart", "demographics"], "basis": "public-health",
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        said[field] = value.clone();
    }
    said
}

pub fn made(patient: PatientId, more: &Value) -> Event {
    made_by(patient, DisclosureSource::ByHand, more)
}

pub fn made_by(patient: PatientId, source: DisclosureSource, more: &Value) -> Event {
    let mut event = report(patient, more);
    event["source"] = json!(source);
    read::<DisclosureMade>(event).into()
}

pub fn retracted(patient: PatientId) -> Event {
    DisclosureRetracted { disclosure: REPORT, patient, reason: reason("of another Ada") }.into()
}
