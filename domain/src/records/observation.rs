//! Observations: vital signs, laboratory results, panels, and whatever else was measured, seen or asked.

use crate::records::elements::{Annotation, CodeableConcept, FactIdentifier, FhirDateTime, Period, Quantity, Range, Reference, Text};
use crate::records::fact::Fact;

fhir_codes! {
    /// FHIR `observation-status`.
    ObservationStatus {
        Registered "registered",
        Preliminary "preliminary",
        Final "final",
        Amended "amended",
        Corrected "corrected",
        Cancelled "cancelled",
        Unknown "unknown",
    }
}

fhir_type! {
    /// FHIR `Observation`. Its value is one of the fields whose names begin with `value`.
    Observation {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// What ordered it.
        based_on: list Reference,
        /// What it is part of.
        part_of: list Reference,
        /// How final it is.
        status: required ObservationStatus,
        /// Vital signs, laboratory, survey …
        category: list CodeableConcept,
        /// What was observed.
        code: required CodeableConcept,
        /// What it is about, where that is not the patient.
        focus: list Reference,
        /// During which encounter.
        encounter: optional Reference,
        /// When it was so.
        effective_date_time: optional FhirDateTime,
        /// From when to when it was so.
        effective_period: optional Period,
        /// When the result was released.
        issued: optional FhirDateTime,
        /// Who observed it.
        performer: list Reference,
        /// The value.
        value_quantity: optional Quantity,
        /// The value.
        value_codeable_concept: optional CodeableConcept,
        /// The value.
        value_string: optional Text,
        /// The value.
        value_boolean: optional bool,
        /// The value.
        value_integer: optional i32,
        /// The value.
        value_range: optional Range,
        /// The value.
        value_date_time: optional FhirDateTime,
        /// The value.
        value_period: optional Period,
        /// Why there is no value.
        data_absent_reason: optional CodeableConcept,
        /// High, low, normal …
        interpretation: list CodeableConcept,
        /// What else there is to say.
        note: list Annotation,
        /// Where in the body.
        body_site: optional CodeableConcept,
        /// How.
        method: optional CodeableConcept,
        /// Of what.
        specimen: optional Reference,
        /// With what.
        device: optional Reference,
        /// What would be usual.
        reference_range: list ReferenceRange,
        /// The results of a panel.
        has_member: list Reference,
        /// What it was computed from.
        derived_from: list Reference,
        /// The parts of one observation, as the two pressures of the blood.
        component: list ObservationComponent,
    }
}

fhir_type! {
    /// FHIR `Observation.component`.
    ObservationComponent {
        /// What was observed.
        code: required CodeableConcept,
        /// The value.
        value_quantity: optional Quantity,
        /// The value.
        value_codeable_concept: optional CodeableConcept,
        /// The value.
        value_string: optional Text,
        /// The value.
        value_boolean: optional bool,
        /// The value.
        value_integer: optional i32,
        /// The value.
        value_range: optional Range,
        /// The value.
        value_date_time: optional FhirDateTime,
        /// The value.
        value_period: optional Period,
        /// Why there is no value.
        data_absent_reason: optional CodeableConcept,
        /// High, low, normal …
        interpretation: list CodeableConcept,
        /// What would be usual.
        reference_range: list ReferenceRange,
    }
}

fhir_type! {
    /// FHIR `Observation.referenceRange`.
    ReferenceRange {
        /// The least.
        low: optional Quantity,
        /// The most.
        high: optional Quantity,
        /// Normal, treatment …
        r#type: optional CodeableConcept,
        /// For whom.
        applies_to: list CodeableConcept,
        /// At what age.
        age: optional Range,
        /// In words.
        text: optional Text,
    }
}

impl Fact for Observation {
    fn title(&self) -> Option<&str> {
        self.code.display()
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let period = || self.effective_period.as_ref().and_then(|period| period.start.as_ref());
        self.effective_date_time.as_ref().or_else(period).or(self.issued.as_ref()).map(FhirDateTime::earliest)
    }

    fn encounter(&self) -> Option<&Reference> {
        self.encounter.as_ref()
    }

    fn asserter(&self) -> Option<&Reference> {
        self.performer.first()
    }
}
