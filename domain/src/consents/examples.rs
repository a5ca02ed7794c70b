//! Consents and restrictions, for the tests of this context.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::consents::{
    ConsentGranted, ConsentRevoked, ProvisionType, RestrictionAgreed, RestrictionDeclined, RestrictionEnd, RestrictionEnded, RestrictionRequested,
};
use crate::event::Event;
use crate::ids::{ConsentId, PatientId, RestrictionId};
use crate::patients::examples::{read, reason};
use crate::phi::Phi;

pub const SHARING: ConsentId = ConsentId(Uuid::from_u128(31));
pub const RESEARCH: ConsentId = ConsentId(Uuid::from_u128(32));
pub const PLAN: RestrictionId = RestrictionId(Uuid::from_u128(33));

pub fn provision() -> Value {
    json!({ "recipient": { "role": "clinician" }, "purposes": ["TREAT"], "labels": ["PSY"], "period": { "end": "2030-01-01T00:00:00Z" } })
}

pub fn consent_granted(patient: PatientId, consent: ConsentId) -> Event {
    ConsentGranted { patient, consent, decision: ProvisionType::Permit, provision: Phi::Known(read(provision())), signed: None, note: None }.into()
}

pub fn consent_revoked(patient: PatientId, consent: ConsentId) -> Event {
    ConsentRevoked { patient, consent, reason: reason("changed their mind") }.into()
}

pub fn restriction_requested(patient: PatientId, restriction: RestrictionId, paid_in_full: bool) -> Event {
    RestrictionRequested { patient, restriction, provision: Phi::Known(read(provision())), reason: None, paid_in_full: Phi::Known(paid_in_full) }.into()
}

pub fn restriction_agreed(patient: PatientId, restriction: RestrictionId) -> Event {
    RestrictionAgreed { patient, restriction }.into()
}

pub fn restriction_declined(patient: PatientId, restriction: RestrictionId) -> Event {
    RestrictionDeclined { patient, restriction, reason: reason("care could not be given") }.into()
}

pub fn restriction_ended(patient: PatientId, restriction: RestrictionId, by: RestrictionEnd) -> Event {
    RestrictionEnded { patient, restriction, by, reason: reason("they moved away") }.into()
}
