//! Devices that a patient has or uses.

use async_graphql::SimpleObject;
use serde::Deserialize;

use super::elements::{Annotation, CodeableConcept, FactIdentifier};

/// FHIR `Device`, of a patient.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are FHIR's")]
pub struct Device {
    /// Business identifiers.
    #[serde(default)]
    identifier: Vec<FactIdentifier>,
    /// What is printed on it (UDI).
    #[serde(default)]
    udi_carrier: Vec<UdiCarrier>,
    /// Whether it is in use: a code of FHIR `device-status`.
    status: Option<String>,
    /// What tells it from others.
    distinct_identifier: Option<String>,
    /// Who made it.
    manufacturer: Option<String>,
    /// When it was made (FHIR `dateTime`).
    manufacture_date: Option<String>,
    /// Until when it is good (FHIR `dateTime`).
    expiration_date: Option<String>,
    /// Its lot.
    lot_number: Option<String>,
    /// Its serial number.
    serial_number: Option<String>,
    /// What it is called.
    #[serde(default)]
    device_name: Vec<DeviceName>,
    /// Its model.
    model_number: Option<String>,
    /// What kind of device.
    r#type: Option<CodeableConcept>,
    /// What else there is to say.
    #[serde(default)]
    note: Vec<Annotation>,
}

/// FHIR `Device.udiCarrier`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct UdiCarrier {
    /// The device identifier (UDI-DI).
    device_identifier: Option<String>,
    /// Who issues it.
    issuer: Option<String>,
    /// All of it, as a person reads it.
    #[serde(rename = "carrierHRF")]
    #[graphql(name = "carrierHRF")]
    carrier_hrf: Option<String>,
}

/// FHIR `Device.deviceName`.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct DeviceName {
    /// The name.
    name: String,
    /// Whose name it is: a code of FHIR `device-nametype`.
    r#type: String,
}
