use domain::disclosures::{DisclosureMade, DisclosureRetracted};
use serde_json::json;

use super::{DISCLOSURE, Example, PATIENT, full, minimal};

pub(super) fn examples() -> Vec<Example> {
    vec![
        full::<DisclosureMade>(json!({
            "disclosure": DISCLOSURE,
            "patient": PATIENT,
            "madeAt": "2026-03-02T16:30:00Z",
            "recipient": {
                "name": "Cook County Department of Public Health",
                "address": { "line": ["10220 S 76th Ave"], "city": "Bridgeview", "state": "IL", "postalCode": "60455", "country": "US" },
            },
            "what": "A positive test for measles, with name and telephone number",
            "kinds": ["demographics", "chart"],
            "basis": "public-health",
            "purpose": "Measles are to be reported",
            "purposeOfUse": "PUBHLTH",
            "suspendedUntil": "2026-04-01T00:00:00Z",
            "source": "by-hand",
        })),
        minimal::<DisclosureMade>(json!({
            "disclosure": DISCLOSURE,
            "patient": PATIENT,
            "madeAt": "2026-03-02T16:30:00Z",
            "recipient": { "name": "Lakeside Clinic" },
            "what": "The letter of the day before",
            "kinds": [],
            "basis": "treatment",
            "source": "system",
        })),
        full::<DisclosureRetracted>(json!({ "disclosure": DISCLOSURE, "patient": PATIENT, "reason": "It was another patient's" })),
    ]
}
