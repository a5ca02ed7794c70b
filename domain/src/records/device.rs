//! Devices that a patient has or uses.

use crate::records::elements::{Annotation, CodeableConcept, FactIdentifier, FhirDateTime, Text};
use crate::records::fact::Fact;

fhir_codes! {
    /// FHIR `device-status`.
    DeviceStatus {
        Active "active",
        Inactive "inactive",
        Unknown "unknown",
    }
}

fhir_type! {
    /// FHIR `Device`, of a patient.
    Device {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// What is printed on it (UDI).
        udi_carrier: list UdiCarrier,
        /// Whether it is in use.
        status: optional DeviceStatus,
        /// What tells it from others.
        distinct_identifier: optional Text,
        /// Who made it.
        manufacturer: optional Text,
        /// When it was made.
        manufacture_date: optional FhirDateTime,
        /// Until when it is good.
        expiration_date: optional FhirDateTime,
        /// Its lot.
        lot_number: optional Text,
        /// Its serial number.
        serial_number: optional Text,
        /// What it is called.
        device_name: list DeviceName,
        /// Its model.
        model_number: optional Text,
        /// What kind of device.
        r#type: optional CodeableConcept,
        /// What else there is to say.
        note: list Annotation,
    }
}

fhir_type! {
    /// FHIR `Device.udiCarrier`.
    UdiCarrier {
        /// The device identifier (UDI-DI).
        device_identifier: optional Text,
        /// Who issues it.
        issuer: optional Text,
        /// All of it, as a person reads it.
        #[serde(rename = "carrierHRF")]
        carrier_hrf: optional Text,
    }
}

fhir_codes! {
    /// FHIR `device-nametype`.
    DeviceNameType {
        UdiLabelName "udi-label-name",
        UserFriendlyName "user-friendly-name",
        PatientReportedName "patient-reported-name",
        ManufacturerName "manufacturer-name",
        ModelName "model-name",
        Other "other",
    }
}

fhir_type! {
    /// FHIR `Device.deviceName`.
    DeviceName {
        /// The name.
        name: required Text,
        /// Whose name it is.
        r#type: required DeviceNameType,
    }
}

impl Fact for Device {
    fn title(&self) -> Option<&str> {
        self.r#type.as_ref().and_then(CodeableConcept::display).or_else(|| self.device_name.first().map(|name| name.name.as_str()))
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        None
    }
}
