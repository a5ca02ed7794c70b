use domain::consents::{ConsentGranted, ConsentRevoked, RestrictionAgreed, RestrictionDeclined, RestrictionEnded, RestrictionRequested};
use serde_json::json;

use super::{CONSENT, DOCUMENT, Example, FACILITY, GRANTEE, PATIENT, RESTRICTION, full, further, minimal};

pub(super) fn examples() -> Vec<Example> {
    [consents(), restrictions()].into_iter().flatten().collect()
}

fn consents() -> Vec<Example> {
    let granted = |provision| json!({ "patient": PATIENT, "consent": CONSENT, "decision": "deny", "provision": provision, "signed": null, "note": null });
    vec![
        full::<ConsentGranted>(json!({
            "patient": PATIENT,
            "consent": CONSENT,
            "decision": "permit",
            "provision": {
                "recipient": { "user": GRANTEE },
                "purposes": ["TREAT", "HRESCH"],
                "kinds": ["chart", "documents"],
                "labels": ["PSY", "HIV"],
                "period": { "start": "2026-03-01T00:00:00Z", "end": "2027-03-01T00:00:00Z" },
            },
            "signed": DOCUMENT,
            "note": "Signed at the desk, with a passport",
        })),
        minimal::<ConsentGranted>(granted(json!({ "recipient": "anyone" }))),
        further::<ConsentGranted>(granted(json!({ "recipient": { "role": "front-desk" } }))),
        further::<ConsentGranted>(granted(json!({ "recipient": { "facility": FACILITY } }))),
        full::<ConsentRevoked>(json!({ "patient": PATIENT, "consent": CONSENT, "reason": "Changed their mind" })),
    ]
}

fn restrictions() -> Vec<Example> {
    vec![
        full::<RestrictionRequested>(json!({
            "patient": PATIENT,
            "restriction": RESTRICTION,
            "provision": {
                "recipient": { "role": "front-desk" },
                "purposes": ["HPAYMT"],
                "kinds": ["chart"],
                "labels": ["PSY"],
                "period": { "start": "2026-03-01T00:00:00Z", "end": "2027-03-01T00:00:00Z" },
            },
            "reason": "The plan is the employer's",
            "paidInFull": true,
        })),
        minimal::<RestrictionRequested>(json!({
            "patient": PATIENT, "restriction": RESTRICTION, "provision": { "recipient": "anyone" }, "reason": null, "paidInFull": false,
        })),
        further::<RestrictionRequested>(json!({
            "patient": PATIENT, "restriction": RESTRICTION, "provision": { "recipient": { "user": GRANTEE } }, "reason": null, "paidInFull": false,
        })),
        further::<RestrictionRequested>(json!({
            "patient": PATIENT, "restriction": RESTRICTION, "provision": { "recipient": { "facility": FACILITY } }, "reason": null, "paidInFull": false,
        })),
        full::<RestrictionAgreed>(json!({ "patient": PATIENT, "restriction": RESTRICTION })),
        full::<RestrictionDeclined>(json!({ "patient": PATIENT, "restriction": RESTRICTION, "reason": "Care could not be given" })),
        full::<RestrictionEnded>(json!({ "patient": PATIENT, "restriction": RESTRICTION, "by": "patient-wish", "reason": "The employer was left" })),
        further::<RestrictionEnded>(json!({ "patient": PATIENT, "restriction": RESTRICTION, "by": "notice", "reason": "It cannot be kept any longer" })),
    ]
}
