//! The resource types of FHIR R4, and which of them Carelog has a place for.

use domain::records::FactKind;

use crate::facts::FACTS;

/// A resource type that Carelog keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ResourceType {
    /// <http://hl7.org/fhir/R4/organization.html>
    Organization,
    /// <http://hl7.org/fhir/R4/location.html>
    Location,
    /// <http://hl7.org/fhir/R4/practitioner.html>
    Practitioner,
    /// <http://hl7.org/fhir/R4/practitionerrole.html>
    PractitionerRole,
    /// <http://hl7.org/fhir/R4/patient.html>
    Patient,
    /// A clinical fact, named as its resource.
    Fact(FactKind),
    /// <http://hl7.org/fhir/R4/documentreference.html>: no fact, since it has a file beside it.
    DocumentReference,
}

impl ResourceType {
    /// Every type that is imported, in the order in which the references between them need it.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::Organization, Self::Location, Self::Practitioner, Self::PractitionerRole, Self::Patient];
        others.into_iter().chain(FACTS.iter().copied().map(Self::Fact)).chain([Self::DocumentReference])
    }

    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|known| known.name() == name)
    }

    /// FHIR's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Location => "Location",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::Patient => "Patient",
            Self::Fact(kind) => kind.resource_type(),
            Self::DocumentReference => "DocumentReference",
        }
    }
}

/// What a `resourceType` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// It is imported.
    Imported(ResourceType),
    /// It is a resource of FHIR R4 that Carelog has no place for yet.
    NotYet(&'static str),
}

/// Looks a `resourceType` up; `None` where FHIR R4 has no such type.
pub fn resource_type(name: &str) -> Option<Known> {
    ResourceType::named(name).map(Known::Imported).or_else(|| R4.binary_search(&name).ok().and_then(|place| R4.get(place)).map(|name| Known::NotYet(name)))
}

/// <http://hl7.org/fhir/R4/valueset-resource-types.html>, less the abstract ones, in order.
#[rustfmt::skip]
const R4: [&str; 146] = [
    "Account", "ActivityDefinition", "AdverseEvent", "AllergyIntolerance", "Appointment", "AppointmentResponse", "AuditEvent", "Basic", "Binary",
    "BiologicallyDerivedProduct", "BodyStructure", "Bundle", "CapabilityStatement", "CarePlan", "CareTeam", "CatalogEntry", "ChargeItem", "ChargeItemDefinition",
    "Claim", "ClaimResponse", "ClinicalImpression", "CodeSystem", "Communication", "CommunicationRequest", "CompartmentDefinition", "Composition", "ConceptMap",
    "Condition", "Consent", "Contract", "Coverage", "CoverageEligibilityRequest", "CoverageEligibilityResponse", "DetectedIssue", "Device", "DeviceDefinition",
    "DeviceMetric", "DeviceRequest", "DeviceUseStatement", "DiagnosticReport", "DocumentManifest", "DocumentReference", "EffectEvidenceSynthesis", "Encounter",
    "Endpoint", "EnrollmentRequest", "EnrollmentResponse", "EpisodeOfCare", "EventDefinition", "Evidence", "EvidenceVariable", "ExampleScenario",
    "ExplanationOfBenefit", "FamilyMemberHistory", "Flag", "Goal", "GraphDefinition", "Group", "GuidanceResponse", "HealthcareService", "ImagingStudy",
    "Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation", "ImplementationGuide", "InsurancePlan", "Invoice", "Library", "Linkage", "List",
    "Location", "Measure", "MeasureReport", "Media", "Medication", "MedicationAdministration", "MedicationDispense", "MedicationKnowledge", "MedicationRequest",
    "MedicationStatement", "MedicinalProduct", "MedicinalProductAuthorization", "MedicinalProductContraindication", "MedicinalProductIndication",
    "MedicinalProductIngredient", "MedicinalProductInteraction", "MedicinalProductManufactured", "MedicinalProductPackaged", "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect", "MessageDefinition", "MessageHeader", "MolecularSequence", "NamingSystem", "NutritionOrder", "Observation",
    "ObservationDefinition", "OperationDefinition", "OperationOutcome", "Organization", "OrganizationAffiliation", "Parameters", "Patient", "PaymentNotice",
    "PaymentReconciliation", "Person", "PlanDefinition", "Practitioner", "PractitionerRole", "Procedure", "Provenance", "Questionnaire",
    "QuestionnaireResponse", "RelatedPerson", "RequestGroup", "ResearchDefinition", "ResearchElementDefinition", "ResearchStudy", "ResearchSubject",
    "RiskAssessment", "RiskEvidenceSynthesis", "Schedule", "SearchParameter", "ServiceRequest", "Slot", "Specimen", "SpecimenDefinition", "StructureDefinition",
    "StructureMap", "Subscription", "Substance", "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein", "SubstanceReferenceInformation",
    "SubstanceSourceMaterial", "SubstanceSpecification", "SupplyDelivery", "SupplyRequest", "Task", "TerminologyCapabilities", "TestReport", "TestScript",
    "ValueSet", "VerificationResult", "VisionPrescription",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fact_is_imported_and_encounters_before_what_names_them() {
        assert_eq!(FACTS.len(), FactKind::ALL.len());
        assert!(FactKind::ALL.iter().all(|kind| FACTS.contains(kind)) && FACTS[0] == FactKind::Encounter);
    }

    #[test]
    fn the_list_is_in_order_and_holds_what_is_imported() {
        assert!(R4.is_sorted());
        assert!(ResourceType::all().all(|kind| R4.contains(&kind.name())));
    }

    #[test]
    fn a_type_is_imported_or_not_yet_or_none_of_fhir() {
        assert_eq!(resource_type("Patient"), Some(Known::Imported(ResourceType::Patient)));
        assert_eq!(resource_type("Encounter"), Some(Known::Imported(ResourceType::Fact(FactKind::Encounter))));
        assert_eq!(resource_type("DocumentReference"), Some(Known::Imported(ResourceType::DocumentReference)));
        assert_eq!(resource_type("CarePlan"), Some(Known::NotYet("CarePlan")));
        assert_eq!(resource_type("patient"), None);
        assert_eq!(resource_type("NutritionIntake"), None);
    }
}
