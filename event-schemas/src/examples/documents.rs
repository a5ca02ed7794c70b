use domain::documents::{DocumentRemoved, DocumentSuperseded, DocumentUploaded};
use serde_json::json;

use super::{DOCUMENT, Example, PATIENT, SCAN, VISIT, full, further, minimal};

pub(super) fn examples() -> Vec<Example> {
    let (address, fingerprint) = ("0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4));
    vec![
        full::<DocumentUploaded>(json!({
            "patient": PATIENT,
            "document": DOCUMENT,
            "address": address,
            "size": 48_213,
            "fingerprint": fingerprint,
            "content": {
                "identifier": [{ "system": "urn:example:letters", "value": "2026-0815" }],
                "status": "current",
                "docStatus": "final",
                "type": { "coding": [{ "system": "http://loinc.org", "code": "57133-1", "display": "Referral note" }] },
                "category": [{ "text": "Letters" }],
                "date": "2026-03-02T16:00:00Z",
                "author": [{ "display": "Dr. Blackwell" }],
                "custodian": { "display": "Lakeside Clinic" },
                "description": "Referral to cardiology",
                "attachment": { "contentType": "application/pdf", "title": "Referral", "creation": "2026-03-02" },
                "format": { "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode", "code": "urn:ihe:iti:xds-sd:pdf:2008" },
                "context": {
                    "encounter": [{ "reference": format!("Encounter/{VISIT}") }],
                    "period": { "start": "2026-03-02", "end": "2026-03-02" },
                    "related": [{ "display": "A call of the day before" }],
                },
            },
            "security": ["R"],
        })),
        minimal::<DocumentUploaded>(json!({
            "patient": PATIENT,
            "document": DOCUMENT,
            "address": address,
            "size": 0,
            "fingerprint": fingerprint,
            "content": { "status": "current", "attachment": { "contentType": "text/plain" } },
            "security": [],
        })),
        further::<DocumentUploaded>(json!({
            "patient": PATIENT,
            "document": DOCUMENT,
            "address": address,
            "size": 1,
            "fingerprint": fingerprint,
            "content": {
                "masterIdentifier": { "use": "official", "system": "urn:example:letters", "value": "2026-0816" },
                "status": "current",
                "type": { "coding": [{ "system": "http://loinc.org", "version": "2.78", "code": "57133-1" }] },
                "authenticator": { "identifier": { "system": "urn:example:staff", "value": "17" } },
                "attachment": { "contentType": "text/plain", "language": "en-US" },
                "context": {
                    "event": [{ "text": "Stress test" }],
                    "facilityType": { "text": "Outpatient clinic" },
                    "practiceSetting": { "text": "Cardiology" },
                    "sourcePatientInfo": { "display": "As the patient was called then" },
                },
            },
            "security": [],
        })),
        full::<DocumentSuperseded>(json!({ "patient": PATIENT, "document": DOCUMENT, "by": SCAN })),
        full::<DocumentRemoved>(json!({ "patient": PATIENT, "document": DOCUMENT, "reason": "Of another patient" })),
    ]
}
