//! Broken glass, for the tests of this context.

use uuid::Uuid;

use crate::emergency::{BreakGlassEscalated, BreakGlassReviewed, Finding, GlassBroken};
use crate::event::Event;
use crate::ids::{BreakGlassId, PatientId, PractitionerId, UserId};
use crate::patients::examples::reason;
use crate::testing::ACTOR;

pub const GLASS: BreakGlassId = BreakGlassId(Uuid::from_u128(41));
pub const OFFICER: UserId = UserId(Uuid::from_u128(42));

/// Broken by the usual actor at 2027-01-04 12:00 UTC, for half an hour.
pub fn broken(patient: PatientId) -> Event {
    broken_by(patient, None, None)
}

/// The same, by the usual actor as the practitioner and the patient that they are.
pub fn broken_by(patient: PatientId, practitioner: Option<PractitionerId>, own_patient: Option<PatientId>) -> Event {
    let at = |time: &str| time.parse().unwrap();
    GlassBroken {
        break_glass: GLASS,
        patient,
        user: ACTOR,
        practitioner,
        own_patient,
        reason: reason("unconscious, no relative here"),
        starts: at("2027-01-04T12:00:00Z"),
        ends: at("2027-01-04T12:30:00Z"),
        review_due: at("2027-01-07T12:00:00Z"),
    }
    .into()
}

pub fn reviewed(patient: PatientId) -> Event {
    BreakGlassReviewed { break_glass: GLASS, patient, reviewer: OFFICER, finding: Finding::Justified, note: reason("an emergency") }.into()
}

pub fn escalated(patient: PatientId) -> Event {
    BreakGlassEscalated { break_glass: GLASS, patient }.into()
}
