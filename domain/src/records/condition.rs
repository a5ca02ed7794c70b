//! Conditions: problems, diagnoses, and what else matters of a patient's state.

use crate::records::elements::{Annotation, CodeableConcept, FactIdentifier, FhirDateTime, Period, Reference, Text};
use crate::records::fact::Fact;

fhir_type! {
    /// FHIR `Condition`.
    Condition {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// Active, recurrence, relapse, inactive, remission or resolved.
        clinical_status: optional CodeableConcept,
        /// Unconfirmed, provisional, differential, confirmed or refuted.
        verification_status: optional CodeableConcept,
        /// A problem of the list, or a diagnosis of an encounter.
        category: list CodeableConcept,
        /// How severe.
        severity: optional CodeableConcept,
        /// What it is.
        code: optional CodeableConcept,
        /// Where in the body.
        body_site: list CodeableConcept,
        /// During which encounter it was stated.
        encounter: optional Reference,
        /// When it began.
        onset_date_time: optional FhirDateTime,
        /// When it began, as a period.
        onset_period: optional Period,
        /// When it began, in words.
        onset_string: optional Text,
        /// When it ended.
        abatement_date_time: optional FhirDateTime,
        /// When it ended, in words.
        abatement_string: optional Text,
        /// When it was first written down.
        recorded_date: optional FhirDateTime,
        /// Who wrote it down.
        recorder: optional Reference,
        /// Who says so.
        asserter: optional Reference,
        /// What else there is to say.
        note: list Annotation,
    }
}

impl Fact for Condition {
    fn title(&self) -> Option<&str> {
        self.code.as_ref().and_then(CodeableConcept::display)
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let onset = self.onset_date_time.as_ref().or_else(|| self.onset_period.as_ref().and_then(|period| period.start.as_ref()));
        onset.or(self.recorded_date.as_ref()).map(FhirDateTime::earliest)
    }

    fn encounter(&self) -> Option<&Reference> {
        self.encounter.as_ref()
    }

    fn asserter(&self) -> Option<&Reference> {
        self.asserter.as_ref().or(self.recorder.as_ref())
    }
}
