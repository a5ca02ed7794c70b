//! Immunizations, given or not given.

use crate::fhir_values::PartialDate;
use crate::records::elements::{Annotation, CodeableConcept, FactIdentifier, FhirDateTime, Quantity, Reference, Text};
use crate::records::fact::Fact;

fhir_codes! {
    /// FHIR `immunization-status`.
    ImmunizationStatus {
        Completed "completed",
        NotDone "not-done",
    }
}

fhir_type! {
    /// FHIR `Immunization`.
    Immunization {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// Whether it was given.
        status: required ImmunizationStatus,
        /// Why it was not.
        status_reason: optional CodeableConcept,
        /// The vaccine.
        vaccine_code: required CodeableConcept,
        /// During which encounter.
        encounter: optional Reference,
        /// When.
        occurrence_date_time: optional FhirDateTime,
        /// When, in words.
        occurrence_string: optional Text,
        /// When it was first written down.
        recorded: optional FhirDateTime,
        /// Whether it was told by who gave it.
        primary_source: optional bool,
        /// Who told it otherwise.
        report_origin: optional CodeableConcept,
        /// Where.
        location: optional Reference,
        /// Who made the vaccine.
        manufacturer: optional Reference,
        /// Its lot.
        lot_number: optional Text,
        /// Until when it was good.
        expiration_date: optional PartialDate,
        /// Where in the body.
        site: optional CodeableConcept,
        /// By what way.
        route: optional CodeableConcept,
        /// How much.
        dose_quantity: optional Quantity,
        /// Who gave it.
        performer: list ImmunizationPerformer,
        /// What else there is to say.
        note: list Annotation,
        /// Why, coded.
        reason_code: list CodeableConcept,
        /// Whether the dose was too weak to count.
        is_subpotent: optional bool,
        /// Why it was.
        subpotent_reason: list CodeableConcept,
    }
}

fhir_type! {
    /// FHIR `Immunization.performer`.
    ImmunizationPerformer {
        /// In what role.
        function: optional CodeableConcept,
        /// Who.
        actor: required Reference,
    }
}

impl Fact for Immunization {
    fn title(&self) -> Option<&str> {
        self.vaccine_code.display()
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        self.occurrence_date_time.as_ref().map(FhirDateTime::earliest)
    }

    fn encounter(&self) -> Option<&Reference> {
        self.encounter.as_ref()
    }
}
