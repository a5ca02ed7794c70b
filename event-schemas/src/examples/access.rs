use domain::access::AccessRecorded;
use serde_json::json;

use super::{DUPLICATE, Example, GRANTEE, PATIENT, PRACTITIONER, REQUEST, full, further, minimal};

pub(super) fn examples() -> Vec<Example> {
    vec![
        full::<AccessRecorded>(json!({
            "user": GRANTEE,
            "request": REQUEST,
            "operation": "query patients",
            "purpose": "TREAT",
            "outcome": "shown",
            "kinds": ["demographics", "chart"],
            "refused": ["read-documents"],
            "fields": ["ChartEntry.title", "Patient.birthDate"],
            "patients": [PATIENT, DUPLICATE],
            "count": 3,
            "criteria": "[{\"patients\":{\"search\":{\"name\":\"lovel\"}}}]",
            "origin": { "address": "192.0.2.7", "agent": "Mozilla/5.0" },
            "policy": "0123456789abcdef",
            "reflects": 41,
        })),
        minimal::<AccessRecorded>(json!({
            "user": GRANTEE,
            "request": REQUEST,
            "operation": "fhir read Patient",
            "purpose": "PATRQT",
            "outcome": "nothing-found",
            "kinds": ["demographics"],
            "refused": [],
            "fields": [],
            "patients": [],
            "count": 0,
            "origin": {},
            "policy": "0123456789abcdef",
            "reflects": 0,
        })),
        further::<AccessRecorded>(json!({
            "user": GRANTEE,
            "request": REQUEST,
            "operation": "query patient",
            "purpose": "TREAT",
            "outcome": "shown",
            "kinds": ["demographics"],
            "refused": [],
            "fields": ["Patient.birthDate"],
            "patients": [PATIENT],
            "count": 1,
            "origin": {},
            "policy": "0123456789abcdef",
            "reflects": 41,
            "ownPatient": DUPLICATE,
            "practitioner": PRACTITIONER,
        })),
    ]
}
