//! Encounters: where, when and with whom care was given.

use crate::records::elements::{CodeableConcept, Coding, FactIdentifier, FhirDateTime, Period, Reference, Text};
use crate::records::fact::{Fact, NotAmendable};

fhir_codes! {
    /// FHIR `encounter-status`, as far as an encounter of Carelog goes through it.
    EncounterStatus {
        Planned "planned",
        Arrived "arrived",
        Triaged "triaged",
        InProgress "in-progress",
        OnLeave "onleave",
        Finished "finished",
        Cancelled "cancelled",
        Unknown "unknown",
    }
}

fhir_type! {
    /// FHIR `Encounter`. One may begin after a death, as a certification does.
    Encounter {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// How far it is.
        status: required EncounterStatus,
        /// Inpatient, ambulatory, emergency … (HL7 v3 `ActCode`).
        class: required Coding,
        /// What kind of encounter.
        r#type: list CodeableConcept,
        /// What service is given.
        service_type: optional CodeableConcept,
        /// How urgent it is.
        priority: optional CodeableConcept,
        /// Who takes part besides the patient.
        participant: list EncounterParticipant,
        /// The appointments that led to it.
        appointment: list Reference,
        /// From its beginning to its end.
        period: optional Period,
        /// Why, coded.
        reason_code: list CodeableConcept,
        /// Why, by the facts that say so.
        reason_reference: list Reference,
        /// Admission and discharge.
        hospitalization: optional Hospitalization,
        /// Where.
        location: list EncounterLocation,
        /// The organization that is responsible.
        service_provider: optional Reference,
        /// The encounter that this one is part of.
        part_of: optional Reference,
    }
}

fhir_type! {
    /// FHIR `Encounter.participant`.
    EncounterParticipant {
        /// In what role.
        r#type: list CodeableConcept,
        /// For how long.
        period: optional Period,
        /// Who.
        individual: optional Reference,
    }
}

fhir_type! {
    /// FHIR `Encounter.hospitalization`.
    Hospitalization {
        /// From where the patient came.
        admit_source: optional CodeableConcept,
        /// Where the patient went.
        discharge_disposition: optional CodeableConcept,
    }
}

fhir_type! {
    /// FHIR `Encounter.location`.
    EncounterLocation {
        /// Where.
        location: required Reference,
        /// For how long.
        period: optional Period,
    }
}

impl Fact for Encounter {
    fn title(&self) -> Option<&str> {
        self.r#type.iter().find_map(CodeableConcept::display).or(self.class.display.as_ref().map(Text::as_str))
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        self.period.as_ref().and_then(|period| period.start.as_ref()).map(FhirDateTime::earliest)
    }

    /// Planned, arrived, in progress, finished; what was finished or cancelled is not begun again, only corrected in what it says.
    fn amendable_to(&self, next: &Self) -> Result<(), NotAmendable> {
        use EncounterStatus::{Arrived, Cancelled, Finished, InProgress, OnLeave, Planned, Triaged, Unknown};
        let follows = match self.status {
            Planned => next.status != OnLeave,
            Arrived => !matches!(next.status, Planned | OnLeave),
            Triaged => !matches!(next.status, Planned | Arrived | OnLeave),
            InProgress | OnLeave => matches!(next.status, InProgress | OnLeave | Finished | Unknown),
            Finished | Cancelled => false,
            Unknown => true,
        };
        if follows || self.status == next.status { Ok(()) } else { Err(NotAmendable::StatusNotNext { from: self.status.code(), to: next.status.code() }) }
    }
}
