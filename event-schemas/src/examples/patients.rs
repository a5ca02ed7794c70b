use domain::patients::{
    ContactDetailsChanged, DeathRecorded, DeathReversed, DemographicsCorrected, IdentifierAssigned, PatientAccessGranted, PatientAccessRevoked,
    PatientDeactivated, PatientMergeUndone, PatientRegistered, PatientsMerged,
};
use serde_json::{Value, json};

use super::{DUPLICATE, Example, GRANTEE, PATIENT, full, further, minimal};

pub(super) fn examples() -> Vec<Example> {
    [registration(), changes(), deaths(), links()].into_iter().flatten().collect()
}

fn name() -> Value {
    json!({ "use": "official", "family": "Quillfeather", "given": ["Ottoline", "Maeve"], "prefix": ["Dr."], "suffix": ["III"] })
}

fn contact() -> Value {
    json!({
        "telecom": [{ "system": "email", "value": "ottoline@quillfeather.example", "use": "home" }],
        "address": [{ "line": ["7 Thimblewood Lane"], "city": "Evanston", "state": "IL", "postalCode": "60201", "country": "US" }],
    })
}

fn registration() -> Vec<Example> {
    vec![
        full::<PatientRegistered>(json!({
            "patient": PATIENT,
            "identifiers": [{ "system": "urn:example:records", "value": "MRN-0048151", "type": "MR" }],
            "demographics": {
                "name": [name()],
                "gender": "female",
                "birthDate": "1950-02-09",
                "maritalStatus": "W",
                "language": ["en-US", "fr"],
            },
            "contact": contact(),
            "knownIdentifierAccepted": "The card was reissued to a namesake",
        })),
        minimal::<PatientRegistered>(json!({
            "patient": PATIENT, "identifiers": [], "demographics": {}, "contact": {}, "knownIdentifierAccepted": null,
        })),
        full::<IdentifierAssigned>(json!({
            "patient": PATIENT,
            "identifier": { "system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-55-0173", "type": "SS" },
            "knownIdentifierAccepted": "Seen on the original card",
        })),
        minimal::<IdentifierAssigned>(json!({
            "patient": PATIENT, "identifier": { "system": "urn:example:licences", "value": "Q-2290-5571" }, "knownIdentifierAccepted": null,
        })),
    ]
}

fn changes() -> Vec<Example> {
    vec![
        full::<DemographicsCorrected>(json!({
            "patient": PATIENT,
            "correction": { "name": [name()], "gender": "other", "birthDate": "1950-02", "maritalStatus": "M", "language": ["en-GB"] },
            "reason": "Misspelt on the transfer form",
        })),
        minimal::<DemographicsCorrected>(json!({ "patient": PATIENT, "correction": { "birthDate": "1950" }, "reason": null })),
        full::<ContactDetailsChanged>(json!({ "patient": PATIENT, "contact": contact() })),
        minimal::<ContactDetailsChanged>(json!({ "patient": PATIENT, "contact": {} })),
        full::<PatientDeactivated>(json!({ "patient": PATIENT, "reason": "Registered by mistake" })),
    ]
}

fn deaths() -> Vec<Example> {
    vec![
        full::<DeathRecorded>(json!({ "patient": PATIENT, "deceased": { "at": "2026-03-01T22:15:00-06:00" } })),
        minimal::<DeathRecorded>(json!({ "patient": PATIENT, "deceased": "unknown" })),
        further::<DeathRecorded>(json!({ "patient": PATIENT, "deceased": { "on": "2026-03" } })),
        full::<DeathReversed>(json!({ "patient": PATIENT, "reason": "The certificate was another person's" })),
    ]
}

fn links() -> Vec<Example> {
    vec![
        full::<PatientsMerged>(json!({ "survivor": PATIENT, "merged": DUPLICATE, "reason": "Same passport on both records" })),
        full::<PatientMergeUndone>(json!({ "survivor": PATIENT, "merged": DUPLICATE, "reason": "They turned out to be twins" })),
        full::<PatientAccessGranted>(json!({
            "patient": PATIENT, "grantee": GRANTEE,
            "granteeName": { "of": format!("user/{GRANTEE}"), "value": { "family": "Quillfeather", "given": ["Rosa"], "prefix": ["Dr."], "suffix": ["RN"] } },
            "scope": { "relationship": "PRN", "kinds": ["appointments", "chart"], "labels": ["SEX"], "ends": "2028-02-09T00:00:00Z", "untilMajority": true },
        })),
        minimal::<PatientAccessGranted>(json!({ "patient": PATIENT, "grantee": GRANTEE, "scope": {} })),
        full::<PatientAccessRevoked>(json!({ "patient": PATIENT, "grantee": GRANTEE })),
    ]
}
