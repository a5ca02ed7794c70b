//! Three patients, for the tests of this context.

use uuid::Uuid;

use crate::event::Event;
use crate::fhir_values::{Identifier, Identifiers};
use crate::ids::{PatientId, UserId};
use crate::patients::{
    Contact, ContactDetailsChanged, Correction, DeathRecorded, DeathTime, Demographics, DemographicsCorrected, IdentifierAssigned, PatientAccessGranted,
    PatientAccessRevoked, PatientDeactivated, PatientMergeUndone, PatientRegistered, PatientsMerged,
};
use crate::phi::Phi;
use crate::value::Reason;

pub const ADA: PatientId = PatientId(Uuid::from_u128(1));
pub const BOB: PatientId = PatientId(Uuid::from_u128(2));
pub const CYD: PatientId = PatientId(Uuid::from_u128(3));
pub const RELATIVE: UserId = UserId(Uuid::from_u128(4));

pub fn reason(text: &str) -> Phi<Reason> {
    Phi::Known(text.try_into().unwrap())
}

/// A value as it arrives.
pub fn read<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> T {
    serde_json::from_value(json).unwrap()
}

pub fn mrn(value: &str) -> Identifier {
    read(serde_json::json!({ "system": "urn:clinic", "value": value, "type": "MR" }))
}

pub fn passport(value: &str) -> Identifier {
    read(serde_json::json!({ "system": "urn:passport", "value": value, "type": "PPN" }))
}

pub fn identifiers(identifiers: &[Identifier]) -> Phi<Identifiers> {
    Phi::Known(identifiers.to_vec().try_into().unwrap())
}

pub fn born(date: &str) -> Demographics {
    read(serde_json::json!({ "name": [{ "family": "Lovelace", "given": ["Ada"] }], "birthDate": date }))
}

pub fn born_correction(date: &str) -> Correction {
    read(serde_json::json!({ "birthDate": date }))
}

pub fn contact(phone: &str) -> Contact {
    read(serde_json::json!({ "telecom": [{ "system": "phone", "value": phone }] }))
}

pub fn death_on(date: &str) -> DeathTime {
    DeathTime::On(date.to_owned().try_into().unwrap())
}

pub fn registered(patient: PatientId) -> Event {
    registered_with(patient, &[], Demographics::default())
}

pub fn registered_with(patient: PatientId, identifiers: &[Identifier], demographics: Demographics) -> Event {
    let identifiers = Phi::Known(identifiers.to_vec());
    PatientRegistered { patient, identifiers, demographics: demographics.into(), contact: Phi::default(), known_identifier_accepted: None }.into()
}

pub fn assigned(patient: PatientId, identifier: Identifier) -> Event {
    IdentifierAssigned { patient, identifier: identifier.into(), known_identifier_accepted: None }.into()
}

pub fn corrected(patient: PatientId, correction: Correction) -> Event {
    DemographicsCorrected { patient, correction: correction.into(), reason: None }.into()
}

pub fn contact_changed(patient: PatientId, contact: Contact) -> Event {
    ContactDetailsChanged { patient, contact: contact.into() }.into()
}

pub fn died(patient: PatientId, date: &str) -> Event {
    DeathRecorded { patient, deceased: death_on(date).into() }.into()
}

pub fn deactivated(patient: PatientId) -> Event {
    PatientDeactivated { patient, reason: reason("a test record") }.into()
}

pub fn merged(survivor: PatientId, merged: PatientId) -> Event {
    PatientsMerged { survivor, merged, reason: reason("same person") }.into()
}

pub fn merge_undone(survivor: PatientId, merged: PatientId) -> Event {
    PatientMergeUndone { survivor, merged, reason: reason("twins") }.into()
}

pub fn access_granted(patient: PatientId, grantee: UserId) -> Event {
    access_granted_within(patient, grantee, &serde_json::json!({}))
}

pub fn access_granted_within(patient: PatientId, grantee: UserId, scope: &serde_json::Value) -> Event {
    PatientAccessGranted { patient, grantee, grantee_name: None, scope: Phi::Known(read(scope.clone())) }.into()
}

pub fn access_revoked(patient: PatientId, grantee: UserId) -> Event {
    PatientAccessRevoked { patient, grantee }.into()
}

/// The event as it reads once its subject's key is destroyed.
pub fn erased(event: &Event) -> Event {
    let (clear, _) = event.split().unwrap();
    Event::decode(&event.event_type().to_string(), event.event_type().version, clear, Phi::Erased).unwrap()
}
