use domain::access::{AccessRecorded, AnswersSent, PoliciesAdopted, ServingEnded, ServingStarted};
use serde_json::json;

use super::{DUPLICATE, Example, FACILITY, GRANTEE, PATIENT, PRACTITIONER, REQUEST, SERVER, full, further, minimal};

pub(super) fn examples() -> Vec<Example> {
    recorded().into_iter().chain(further_records()).chain(of_strangers_and_commands()).chain([adopted()]).chain(serving()).collect()
}

fn recorded() -> Vec<Example> {
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
    ]
}

fn further_records() -> Vec<Example> {
    vec![
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
        further::<AccessRecorded>(json!({
            "user": GRANTEE,
            "request": REQUEST,
            "operation": "query patient",
            "purpose": "BTG",
            "outcome": "shown",
            "kinds": ["chart"],
            "refused": [],
            "fields": ["ChartEntry.title"],
            "patients": [PATIENT],
            "count": 1,
            "origin": {},
            "policy": "0123456789abcdef",
            "decisions": [
                {
                    "action": "open",
                    "label": "ETH",
                    "outcome": "permitted",
                    "policies": ["open-through-broken-glass"],
                    "facts": [{ "kind": "own-record" }, { "kind": "broken-glass", "id": REQUEST }],
                    "count": 2,
                },
                { "action": "read-chart", "outcome": "masked", "policies": [], "facts": [], "count": 1 },
            ],
            "reflects": 41,
        })),
    ]
}

fn of_strangers_and_commands() -> Vec<Example> {
    vec![
        further::<AccessRecorded>(json!({
            "user": GRANTEE,
            "request": REQUEST,
            "operation": "authenticate",
            "purpose": "HOPERAT",
            "outcome": "refused",
            "kinds": ["demographics"],
            "refused": ["read-patients"],
            "fields": [],
            "patients": [],
            "count": 42,
            "origin": { "addresses": { "192.0.2.7": 40, "198.51.100.0/24": 2 } },
            "policy": "0123456789abcdef",
            "decisions": [],
            "reflects": 0,
        })),
        further::<AccessRecorded>(json!({
            "user": GRANTEE,
            "request": REQUEST,
            "operation": "command patients.change-contact-details",
            "purpose": "HOPERAT",
            "outcome": "carried-out",
            "kinds": ["demographics"],
            "refused": [],
            "fields": [],
            "patients": [PATIENT],
            "count": 1,
            "origin": {},
            "policy": "0123456789abcdef",
            "decisions": [
                {
                    "action": "manage-patients",
                    "outcome": "permitted",
                    "policies": ["front-desk"],
                    "facts": [{ "kind": "facility-role", "id": FACILITY }, { "kind": "operator" }],
                    "count": 1,
                },
            ],
            "reflects": 0,
            "server": SERVER,
        })),
    ]
}

fn serving() -> Vec<Example> {
    vec![
        full::<ServingStarted>(json!({ "server": SERVER, "version": "0.1.0" })),
        full::<AnswersSent>(json!({ "server": SERVER, "through": 17, "except": [{ "request": REQUEST, "first": 11, "last": 12 }] })),
        minimal::<AnswersSent>(json!({ "server": SERVER, "through": 0, "except": [{ "request": REQUEST, "first": 1 }] })),
        full::<ServingEnded>(json!({ "server": SERVER })),
    ]
}

fn adopted() -> Example {
    full::<PoliciesAdopted>(json!({
        "user": GRANTEE,
        "version": "0123456789abcdef",
        "schema": "entity Role;",
        "policies": "permit (principal, action, resource);",
    }))
}
