//! Procedures: what was done to or for a patient.

use crate::records::elements::{Annotation, CodeableConcept, FactIdentifier, FhirDateTime, Period, Reference, Text};
use crate::records::fact::Fact;

fhir_codes! {
    /// FHIR `event-status`.
    ProcedureStatus {
        Preparation "preparation",
        InProgress "in-progress",
        NotDone "not-done",
        OnHold "on-hold",
        Stopped "stopped",
        Completed "completed",
        Unknown "unknown",
    }
}

fhir_type! {
    /// FHIR `Procedure`.
    Procedure {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// How far it is.
        status: required ProcedureStatus,
        /// Why it is so.
        status_reason: optional CodeableConcept,
        /// What kind of procedure.
        category: optional CodeableConcept,
        /// What was done.
        code: optional CodeableConcept,
        /// During which encounter.
        encounter: optional Reference,
        /// When.
        performed_date_time: optional FhirDateTime,
        /// From when to when.
        performed_period: optional Period,
        /// When, in words.
        performed_string: optional Text,
        /// Who wrote it down.
        recorder: optional Reference,
        /// Who says so.
        asserter: optional Reference,
        /// Who did it.
        performer: list ProcedurePerformer,
        /// Where.
        location: optional Reference,
        /// Why, coded.
        reason_code: list CodeableConcept,
        /// Why, by the facts that say so.
        reason_reference: list Reference,
        /// Where in the body.
        body_site: list CodeableConcept,
        /// What came of it.
        outcome: optional CodeableConcept,
        /// What went wrong.
        complication: list CodeableConcept,
        /// What is to be done after.
        follow_up: list CodeableConcept,
        /// What else there is to say.
        note: list Annotation,
        /// The devices that were used.
        used_reference: list Reference,
    }
}

fhir_type! {
    /// FHIR `Procedure.performer`.
    ProcedurePerformer {
        /// In what role.
        function: optional CodeableConcept,
        /// Who.
        actor: required Reference,
        /// For which organization.
        on_behalf_of: optional Reference,
    }
}

impl Fact for Procedure {
    fn title(&self) -> Option<&str> {
        self.code.as_ref().and_then(CodeableConcept::display)
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let period = || self.performed_period.as_ref().and_then(|period| period.start.as_ref());
        self.performed_date_time.as_ref().or_else(period).map(FhirDateTime::earliest)
    }

    fn encounter(&self) -> Option<&Reference> {
        self.encounter.as_ref()
    }

    fn asserter(&self) -> Option<&Reference> {
        self.asserter.as_ref().or(self.recorder.as_ref())
    }
}
