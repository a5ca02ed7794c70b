//! What this server does (<http://hl7.org/fhir/R4/capabilitystatement.html>).

use fhir::ResourceType;
use serde_json::{Value, json};

use crate::audit_search::PARAMETERS;
use crate::everything::PARAMETERS as PARAMETERS_OF_EVERYTHING;

/// The day on which what it says last changed.
const CHANGED: &str = "2026-11-22";

/// The `CapabilityStatement`.
pub fn capability_statement() -> Value {
    let resource = |resource_type: ResourceType| {
        let mut resource = json!({ "type": resource_type.name(), "interaction": [{ "code": "read" }], "versioning": "versioned" });
        if resource_type == ResourceType::Patient {
            let definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything";
            resource["operation"] = json!([{ "name": "everything", "definition": definition, "documentation": PARAMETERS_OF_EVERYTHING }]);
        }
        resource
    };
    json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": CHANGED, "kind": "instance", "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"], "software": { "name": "Carelog", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Carelog's read models as FHIR resources; what is to be changed is sent as a command to /v1" },
        "rest": [{
            "mode": "server",
            "security": { "description": "A bearer token (RFC 6750), as for every other path. What a caller may not read is not found." },
            "resource": ResourceType::all().map(resource).chain([audit_events()]).collect::<Vec<_>>(),
        }],
    })
}

/// Who saw what of whom.
fn audit_events() -> Value {
    let parameters: Vec<Value> = PARAMETERS.iter().map(|(name, kind, text)| json!({ "name": name, "type": kind, "documentation": text })).collect();
    let patterns = ["PatientRead", "Read", "PatientQuery", "Query"];
    json!({
        "type": "AuditEvent", "interaction": [{ "code": "read" }, { "code": "search-type" }], "versioning": "versioned", "searchParam": parameters,
        "supportedProfile": patterns.map(|name| format!("https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{name}")),
    })
}
