//! Allergies and intolerances, and that none is known.

use crate::event::EventType;
use crate::records::chart::Chart;
use crate::records::elements::{Annotation, CodeableConcept, Coding, FactIdentifier, FhirDateTime, Reference, Text};
use crate::records::fact::Fact;
use crate::records::screening::{SCREENED, Screening, active_allergies, screen_allergy};
use crate::terminology::Terminology;

const SNOMED_CT: &str = "http://snomed.info/sct";
/// *No known allergy*: a fact of its own, which differs from never having asked.
const NO_KNOWN_ALLERGY: &str = "716186003";
/// *No known drug allergy*.
const NO_KNOWN_DRUG_ALLERGY: &str = "409137002";
/// The concepts beneath *No known allergy*, which FHIR's value set `allergyintolerance-code` and IPS's `allergies-intolerances-uv-ips` take in as its
/// descendants: environment, food, latex, insects, animals.
const NO_KNOWN_OTHER_ALLERGY: [&str; 5] = ["428607008", "429625007", "1003774007", "428197003", "716220001"];
/// What SNOMED CT has retired and older records say: *No known allergies*, which FHIR's value set of DSTU2 has, and *No known latex allergy*.
const NO_KNOWN_ALLERGY_BEFORE: &str = "160244002";
const NO_KNOWN_LATEX_ALLERGY_BEFORE: &str = "716184000";
const CLINICAL_STATUS: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFICATION_STATUS: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

fhir_codes! {
    /// FHIR `allergy-intolerance-type`.
    AllergyIntoleranceType {
        Allergy "allergy",
        Intolerance "intolerance",
    }
}

fhir_codes! {
    /// FHIR `allergy-intolerance-category`.
    AllergyIntoleranceCategory {
        Food "food",
        Medication "medication",
        Environment "environment",
        Biologic "biologic",
    }
}

fhir_codes! {
    /// FHIR `allergy-intolerance-criticality`.
    AllergyIntoleranceCriticality {
        Low "low",
        High "high",
        UnableToAssess "unable-to-assess",
    }
}

fhir_codes! {
    /// FHIR `reaction-event-severity`.
    ReactionSeverity {
        Mild "mild",
        Moderate "moderate",
        Severe "severe",
    }
}

fhir_type! {
    /// FHIR `AllergyIntolerance`.
    AllergyIntolerance {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// Active, inactive or resolved; active unless said.
        clinical_status: optional CodeableConcept,
        /// Unconfirmed, confirmed or refuted.
        verification_status: optional CodeableConcept,
        /// By what mechanism.
        r#type: optional AllergyIntoleranceType,
        /// Against what sort of substance.
        category: list AllergyIntoleranceCategory,
        /// How dangerous.
        criticality: optional AllergyIntoleranceCriticality,
        /// Against what.
        code: optional CodeableConcept,
        /// During which encounter it was stated.
        encounter: optional Reference,
        /// When it began.
        onset_date_time: optional FhirDateTime,
        /// When it began, in words.
        onset_string: optional Text,
        /// When it was first written down.
        recorded_date: optional FhirDateTime,
        /// Who wrote it down.
        recorder: optional Reference,
        /// Who says so.
        asserter: optional Reference,
        /// When it last showed.
        last_occurrence: optional FhirDateTime,
        /// What else there is to say.
        note: list Annotation,
        /// How it showed.
        reaction: list AllergyReaction,
    }
}

fhir_type! {
    /// FHIR `AllergyIntolerance.reaction`.
    AllergyReaction {
        /// To what, more exactly.
        substance: optional CodeableConcept,
        /// How.
        manifestation: list CodeableConcept,
        /// In words.
        description: optional Text,
        /// When.
        onset: optional FhirDateTime,
        /// How severe.
        severity: optional ReactionSeverity,
        /// By what way of exposure.
        exposure_route: optional CodeableConcept,
        /// What else there is to say.
        note: list Annotation,
    }
}

impl AllergyIntolerance {
    /// Whether it says that no allergy of any sort is known.
    pub fn is_no_known_allergy(&self) -> bool {
        self.is_absence() && (self.says(NO_KNOWN_ALLERGY) || self.says(NO_KNOWN_ALLERGY_BEFORE))
    }

    /// Whether it is no allergy, but says that none is known, be it of one sort. With a code of anything else beside, it is an allergy against that.
    pub fn is_absence(&self) -> bool {
        let codes = self.code.as_ref().map(|code| code.coding.as_slice()).unwrap_or_default();
        let none_known = |code: &str| {
            [NO_KNOWN_ALLERGY, NO_KNOWN_ALLERGY_BEFORE, NO_KNOWN_DRUG_ALLERGY, NO_KNOWN_LATEX_ALLERGY_BEFORE].contains(&code)
                || NO_KNOWN_OTHER_ALLERGY.contains(&code)
        };
        let absence = |coding: &Coding| {
            coding.system.as_ref().is_some_and(|system| system.as_str() == SNOMED_CT) && coding.code.as_ref().is_some_and(|code| none_known(code.as_str()))
        };
        !codes.is_empty() && codes.iter().all(absence)
    }

    fn says(&self, snomed: &str) -> bool {
        self.code.as_ref().is_some_and(|code| code.has(SNOMED_CT, snomed))
    }

    /// Whether it holds at present.
    pub fn is_active(&self) -> bool {
        let says = |concept: &Option<CodeableConcept>, system, codes: &[&str]| {
            concept.as_ref().is_some_and(|concept| codes.iter().any(|code| concept.has(system, code)))
        };
        !says(&self.clinical_status, CLINICAL_STATUS, &["inactive", "resolved"]) && !says(&self.verification_status, VERIFICATION_STATUS, &["refuted"])
    }

    /// Whether it may be an allergy against a medication: it says so, or does not say what else.
    pub fn may_be_of_medication(&self) -> bool {
        self.category.is_empty()
            || self.category.iter().any(|category| matches!(category, AllergyIntoleranceCategory::Medication | AllergyIntoleranceCategory::Biologic))
    }
}

impl Fact for AllergyIntolerance {
    fn title(&self) -> Option<&str> {
        self.code.as_ref().and_then(CodeableConcept::display)
    }

    fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        self.onset_date_time.as_ref().or(self.recorded_date.as_ref()).map(FhirDateTime::earliest)
    }

    fn encounter(&self) -> Option<&Reference> {
        self.encounter.as_ref()
    }

    fn asserter(&self) -> Option<&Reference> {
        self.asserter.as_ref().or(self.recorder.as_ref())
    }

    fn depends_on(&self) -> &'static [EventType] {
        if self.is_active() { SCREENED } else { &[] }
    }

    fn is_contradicted_by(&self, chart: &Chart) -> bool {
        let denies = |known: &Self| {
            let of_medication = known.category.contains(&AllergyIntoleranceCategory::Medication);
            self.is_no_known_allergy() || self.is_absence() && self.says(NO_KNOWN_DRUG_ALLERGY) && of_medication
        };
        self.is_active() && active_allergies(chart).any(|(_, known)| denies(known))
    }

    const IS_SCREENED: bool = true;

    /// Recording an allergy is never refused: what it meets is flagged.
    fn screen(&self, chart: &Chart, terminology: &Terminology) -> Option<Screening> {
        screen_allergy(self, chart, terminology)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn coded(system: &str, code: &str) -> AllergyIntolerance {
        serde_json::from_value(json!({ "code": { "coding": [{ "system": system, "code": code }] } })).unwrap()
    }

    #[test]
    fn that_none_is_known_is_told_from_an_allergy_and_of_all_sorts_from_one_sort() {
        for code in ["716186003", "160244002"] {
            let none = coded(SNOMED_CT, code);
            assert!(none.is_absence() && none.is_no_known_allergy(), "{code}");
        }
        for code in ["409137002", "428607008", "429625007", "1003774007", "716184000", "428197003", "716220001"] {
            let none = coded(SNOMED_CT, code);
            assert!(none.is_absence() && !none.is_no_known_allergy(), "{code}");
        }
        // Allergy to substance; the right number in another system.
        for (system, code) in [(SNOMED_CT, "419199007"), ("http://loinc.org", "716186003")] {
            let known = coded(system, code);
            assert!(!known.is_absence() && !known.is_no_known_allergy(), "{code}");
        }
    }
}
