//! What FHIR says of a fact in its resource and Carelog beside its content: whose it is, and that it was entered in error, which in Carelog is an event and no status.

use domain::records::FactKind;
use serde_json::{Map, Value, json};

/// FHIR's code for it.
pub(crate) const ENTERED_IN_ERROR: &str = "entered-in-error";

/// Where a kind of fact says what Carelog holds beside its content.
pub(crate) struct Header {
    /// What it calls the patient.
    pub(crate) patient: &'static str,
    in_error: Said,
}

/// Where a kind of fact says that it was entered in error.
enum Said {
    /// In its status, in whose place content has this one.
    Status(&'static str),
    /// In its verification status, a code of this code system; a clinical status beside it is not allowed (FHIR con-5, ait-2).
    Verification(&'static str),
}

/// What the resource type says: each kind has an answer of its own.
pub(crate) fn header(kind: FactKind) -> Header {
    let (patient, in_error) = match kind {
        FactKind::AllergyIntolerance => ("patient", Said::Verification("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification")),
        FactKind::Condition => ("subject", Said::Verification("http://terminology.hl7.org/CodeSystem/condition-ver-status")),
        FactKind::Device => ("patient", Said::Status("unknown")),
        FactKind::Encounter | FactKind::MedicationRequest | FactKind::Observation | FactKind::Procedure => ("subject", Said::Status("unknown")),
        // There is no "unknown": what says the least.
        FactKind::FamilyMemberHistory => ("patient", Said::Status("health-unknown")),
        FactKind::Immunization => ("patient", Said::Status("not-done")),
    };
    Header { patient, in_error }
}

/// Whether a resource says that it was entered in error; if so, it says so no longer.
pub(crate) fn take(kind: FactKind, fields: &mut Map<String, Value>) -> bool {
    match header(kind).in_error {
        Said::Status(other) => {
            let in_error = fields.get("status").is_some_and(|status| status == ENTERED_IN_ERROR);
            if in_error {
                fields.insert("status".to_owned(), other.into());
            }
            in_error
        }
        Said::Verification(system) => {
            let codings = fields.get("verificationStatus").and_then(|status| status.get("coding")).and_then(Value::as_array);
            let in_error = codings.is_some_and(|codings| codings.iter().any(|coding| coding["system"] == system && coding["code"] == ENTERED_IN_ERROR));
            if in_error {
                fields.remove("verificationStatus");
            }
            in_error
        }
    }
}

/// Says that a resource was entered in error.
pub(crate) fn put(kind: FactKind, fields: &mut Map<String, Value>) {
    match header(kind).in_error {
        Said::Status(_) => drop(fields.insert("status".to_owned(), ENTERED_IN_ERROR.into())),
        Said::Verification(system) => {
            fields.remove("clinicalStatus");
            fields.insert("verificationStatus".to_owned(), json!({ "coding": [{ "system": system, "code": ENTERED_IN_ERROR }] }));
        }
    }
}
