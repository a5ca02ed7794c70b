//! How FHIR says that a fact was entered in error, and how that is read and written. In Carelog it is an event of its own and no status.

use domain::records::FactKind;
use serde_json::{Map, Value, json};

/// FHIR's code for it.
pub(crate) const ENTERED_IN_ERROR: &str = "entered-in-error";

/// Where a kind of fact says it.
enum Said {
    /// In its status, in whose place content has this one.
    Status(&'static str),
    /// In its verification status, a code of this code system; a clinical status beside it is not allowed (FHIR con-5, ait-2).
    Verification(&'static str),
}

fn said(kind: FactKind) -> Said {
    match kind {
        FactKind::Condition => Said::Verification("http://terminology.hl7.org/CodeSystem/condition-ver-status"),
        FactKind::AllergyIntolerance => Said::Verification("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"),
        // There is no "unknown": what says the least.
        FactKind::Immunization => Said::Status("not-done"),
        FactKind::FamilyMemberHistory => Said::Status("health-unknown"),
        _ => Said::Status("unknown"),
    }
}

/// Whether a resource says that it was entered in error; if so, it says so no longer.
pub(crate) fn take(kind: FactKind, fields: &mut Map<String, Value>) -> bool {
    match said(kind) {
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
    match said(kind) {
        Said::Status(_) => drop(fields.insert("status".to_owned(), ENTERED_IN_ERROR.into())),
        Said::Verification(system) => {
            fields.remove("clinicalStatus");
            fields.insert("verificationStatus".to_owned(), json!({ "coding": [{ "system": system, "code": ENTERED_IN_ERROR }] }));
        }
    }
}
