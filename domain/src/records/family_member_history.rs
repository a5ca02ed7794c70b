//! Family history: what is known of a relative's health.

use crate::records::elements::{Annotation, CodeableConcept, FactIdentifier, FhirDateTime, Quantity, Text};
use crate::records::fact::Fact;

fhir_codes! {
    /// FHIR `history-status`.
    FamilyHistoryStatus {
        Partial "partial",
        Completed "completed",
        HealthUnknown "health-unknown",
    }
}

fhir_type! {
    /// FHIR `FamilyMemberHistory`. The relative is named by what they are to the patient.
    FamilyMemberHistory {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// How complete it is.
        status: required FamilyHistoryStatus,
        /// When it was told.
        date: optional FhirDateTime,
        /// The relative's name, where the patient gave it.
        name: optional Text,
        /// What the relative is to the patient.
        relationship: required CodeableConcept,
        /// The relative's sex.
        sex: optional CodeableConcept,
        /// Whether the relative has died.
        deceased_boolean: optional bool,
        /// Why it was asked for.
        reason_code: list CodeableConcept,
        /// What else there is to say.
        note: list Annotation,
        /// What the relative had.
        condition: list FamilyMemberCondition,
    }
}

fhir_type! {
    /// FHIR `FamilyMemberHistory.condition`.
    FamilyMemberCondition {
        /// What it was.
        code: required CodeableConcept,
        /// What came of it.
        outcome: optional CodeableConcept,
        /// Whether the relative died of it.
        contributed_to_death: optional bool,
        /// At what age it began.
        onset_age: optional Quantity,
        /// When it began, in words.
        onset_string: optional Text,
        /// What else there is to say.
        note: list Annotation,
    }
}

impl Fact for FamilyMemberHistory {
    fn title(&self) -> Option<&str> {
        self.relationship.display()
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        self.date.as_ref().map(FhirDateTime::earliest)
    }
}
