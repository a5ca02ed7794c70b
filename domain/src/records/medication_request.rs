//! Medication requests: what was prescribed.

use crate::event::EventType;
use crate::records::chart::Chart;
use crate::records::elements::{Annotation, CodeableConcept, Count, Decimal, FactIdentifier, FhirDateTime, Period, Quantity, Range, Reference, Text};
use crate::records::fact::Fact;
use crate::records::screening::{SCREENED, Screening, screen_medication};
use crate::terminology::Terminology;

fhir_codes! {
    /// FHIR `medicationrequest-status`.
    MedicationRequestStatus {
        Active "active",
        OnHold "on-hold",
        Cancelled "cancelled",
        Completed "completed",
        Stopped "stopped",
        Draft "draft",
        Unknown "unknown",
    }
}

fhir_codes! {
    /// FHIR `medicationrequest-intent`.
    MedicationRequestIntent {
        Proposal "proposal",
        Plan "plan",
        Order "order",
        OriginalOrder "original-order",
        ReflexOrder "reflex-order",
        FillerOrder "filler-order",
        InstanceOrder "instance-order",
        Option "option",
    }
}

fhir_codes! {
    /// FHIR `request-priority`.
    RequestPriority {
        Routine "routine",
        Urgent "urgent",
        Asap "asap",
        Stat "stat",
    }
}

fhir_codes! {
    /// FHIR `units-of-time`: UCUM's units of time.
    UnitOfTime {
        Second "s",
        Minute "min",
        Hour "h",
        Day "d",
        Week "wk",
        Month "mo",
        Year "a",
    }
}

fhir_type! {
    /// FHIR `MedicationRequest`.
    MedicationRequest {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// How far it is.
        status: required MedicationRequestStatus,
        /// Why it is so.
        status_reason: optional CodeableConcept,
        /// A proposal, a plan, an order …
        intent: required MedicationRequestIntent,
        /// Where it is to be taken.
        category: list CodeableConcept,
        /// How urgent it is.
        priority: optional RequestPriority,
        /// Whether the medication is *not* to be taken.
        do_not_perform: optional bool,
        /// The medication.
        medication_codeable_concept: required CodeableConcept,
        /// During which encounter.
        encounter: optional Reference,
        /// When it was written.
        authored_on: optional FhirDateTime,
        /// Who wants it.
        requester: optional Reference,
        /// Who wrote it down.
        recorder: optional Reference,
        /// Why, coded.
        reason_code: list CodeableConcept,
        /// Why, by the facts that say so.
        reason_reference: list Reference,
        /// What else there is to say.
        note: list Annotation,
        /// How to take it.
        dosage_instruction: list Dosage,
        /// What is to be handed out.
        dispense_request: optional DispenseRequest,
    }
}

fhir_type! {
    /// FHIR `Dosage`.
    Dosage {
        /// The place in the order of instructions.
        sequence: optional Count,
        /// In words.
        text: optional Text,
        /// Warnings and the like.
        additional_instruction: list CodeableConcept,
        /// In words for the patient.
        patient_instruction: optional Text,
        /// When.
        timing: optional Timing,
        /// Whether only as needed.
        as_needed_boolean: optional bool,
        /// When it is needed.
        as_needed_codeable_concept: optional CodeableConcept,
        /// Where in the body.
        site: optional CodeableConcept,
        /// By what way.
        route: optional CodeableConcept,
        /// How.
        method: optional CodeableConcept,
        /// How much.
        dose_and_rate: list DoseAndRate,
    }
}

fhir_type! {
    /// FHIR `Timing`.
    Timing {
        /// At these times.
        event: list FhirDateTime,
        /// How often.
        repeat: optional TimingRepeat,
        /// As a code, such as `BID`.
        code: optional CodeableConcept,
    }
}

fhir_type! {
    /// FHIR `Timing.repeat`.
    TimingRepeat {
        /// From when to when.
        bounds_period: optional Period,
        /// How many times in all.
        count: optional Count,
        /// How long each time.
        duration: optional Decimal,
        /// In which unit.
        duration_unit: optional UnitOfTime,
        /// How many times in a period.
        frequency: optional Count,
        /// At most so many times.
        frequency_max: optional Count,
        /// The period.
        period: optional Decimal,
        /// At most so long a period.
        period_max: optional Decimal,
        /// In which unit.
        period_unit: optional UnitOfTime,
    }
}

fhir_type! {
    /// FHIR `Dosage.doseAndRate`.
    DoseAndRate {
        /// Ordered or calculated.
        r#type: optional CodeableConcept,
        /// How much.
        dose_quantity: optional Quantity,
        /// From how much to how much.
        dose_range: optional Range,
        /// How fast.
        rate_quantity: optional Quantity,
    }
}

fhir_type! {
    /// FHIR `MedicationRequest.dispenseRequest`.
    DispenseRequest {
        /// While it may be handed out.
        validity_period: optional Period,
        /// How many times more.
        number_of_repeats_allowed: optional Count,
        /// How much each time.
        quantity: optional Quantity,
    }
}

impl MedicationRequest {
    /// Whether the medication may be being taken by it: so it is where nobody knows how far it is.
    pub fn is_active(&self) -> bool {
        use MedicationRequestStatus::{Active, OnHold, Unknown};
        matches!(self.status, Active | OnHold | Unknown) && self.do_not_perform != Some(true)
    }
}

impl Fact for MedicationRequest {
    fn title(&self) -> Option<&str> {
        self.medication_codeable_concept.display()
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        self.authored_on.as_ref().map(FhirDateTime::earliest)
    }

    fn encounter(&self) -> Option<&Reference> {
        self.encounter.as_ref()
    }

    fn asserter(&self) -> Option<&Reference> {
        self.requester.as_ref().or(self.recorder.as_ref())
    }

    fn depends_on(&self) -> &'static [EventType] {
        if self.is_active() { SCREENED } else { &[] }
    }

    fn screen(&self, chart: &Chart, terminology: &Terminology) -> Option<Screening> {
        screen_medication(self, chart, terminology)
    }

    const IS_SCREENED: bool = true;
    const CONFLICTS_ARE_REFUSED: bool = true;
}
