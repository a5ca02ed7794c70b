use domain::providers::{
    AvailabilityExceptionSet, AvailabilitySet, PractitionerOnboarded, PractitionerRetired, QualificationAdded, RoleAssigned, TimeBlocked, TimeUnblocked,
};
use serde_json::{Value, json};

use super::{BLOCK, Example, FACILITY, ORGANIZATION, PRACTITIONER, ROLE, full, minimal};

pub(super) fn examples() -> Vec<Example> {
    [persons(), calendars()].into_iter().flatten().collect()
}

fn family_medicine() -> Value {
    json!({ "system": "http://nucc.org/provider-taxonomy", "code": "207Q00000X", "display": "Family Medicine Physician" })
}

fn persons() -> Vec<Example> {
    vec![
        full::<PractitionerOnboarded>(json!({
            "practitioner": PRACTITIONER,
            "name": [{ "use": "official", "family": "Brambleworth", "given": ["Cornelius"], "prefix": ["Dr."], "suffix": ["MD"] }],
            "gender": "male",
            "identifiers": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999984", "type": "NPI" }],
            "telecom": [{ "system": "phone", "value": "+1 312 555 0142", "use": "mobile" }],
            "address": [{ "line": ["22 Foxglove Court"], "city": "Oak Park", "state": "IL", "postalCode": "60302", "country": "US" }],
            "unverifiedNpiAccepted": "Issued last week, not in the registry yet",
        })),
        minimal::<PractitionerOnboarded>(json!({
            "practitioner": PRACTITIONER, "name": [], "gender": null, "identifiers": [], "telecom": [], "address": [], "unverifiedNpiAccepted": null,
        })),
        full::<QualificationAdded>(json!({
            "practitioner": PRACTITIONER,
            "code": { "system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "MD", "display": "Doctor of Medicine" },
            "issuer": "Example State Medical School",
            "validFrom": "1999-06-30",
            "validUntil": "2029-06-30",
        })),
        minimal::<QualificationAdded>(json!({
            "practitioner": PRACTITIONER,
            "code": { "system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "MD" },
            "issuer": null,
            "validFrom": null,
            "validUntil": null,
        })),
        full::<RoleAssigned>(json!({
            "practitioner": PRACTITIONER,
            "role": ROLE,
            "organization": ORGANIZATION,
            "facilities": [FACILITY],
            "code": [family_medicine()],
            "specialty": [family_medicine()],
            "telecom": [{ "system": "pager", "value": "555 0142 ext 9", "use": "work" }],
        })),
        minimal::<RoleAssigned>(json!({
            "practitioner": PRACTITIONER, "role": ROLE, "organization": ORGANIZATION, "facilities": [], "code": [], "specialty": [], "telecom": [],
        })),
        full::<PractitionerRetired>(json!({ "practitioner": PRACTITIONER, "from": "2027-01-01", "reason": "Moves abroad" })),
        minimal::<PractitionerRetired>(json!({ "practitioner": PRACTITIONER, "from": "2027-01-01", "reason": null })),
    ]
}

fn calendars() -> Vec<Example> {
    let time = json!({ "start": "2026-03-02T08:00:00", "end": "2026-03-02T10:00:00", "zone": "America/Chicago" });
    vec![
        full::<AvailabilitySet>(json!({
            "practitioner": PRACTITIONER,
            "facility": FACILITY,
            "zone": "America/Chicago",
            "from": "2026-01-01",
            "until": "2026-12-31",
            "weekly": [
                { "day": "mon", "hours": { "start": "08:00:00", "end": "12:00:00" } },
                { "day": "fri", "hours": { "start": "18:00:00", "end": "00:00:00" } },
            ],
            "slot": 20,
        })),
        minimal::<AvailabilitySet>(json!({
            "practitioner": PRACTITIONER, "facility": FACILITY, "zone": "America/Chicago", "from": "2026-01-01", "until": null, "weekly": [], "slot": 20,
        })),
        full::<AvailabilityExceptionSet>(json!({
            "practitioner": PRACTITIONER, "facility": FACILITY, "date": "2026-07-03", "hours": [{ "start": "09:00:00", "end": "11:30:00" }],
        })),
        minimal::<AvailabilityExceptionSet>(json!({ "practitioner": PRACTITIONER, "facility": FACILITY, "date": "2026-07-03", "hours": [] })),
        full::<TimeBlocked>(json!({ "practitioner": PRACTITIONER, "block": BLOCK, "time": time, "reason": "A private appointment" })),
        minimal::<TimeBlocked>(json!({ "practitioner": PRACTITIONER, "block": BLOCK, "time": time, "reason": null })),
        full::<TimeUnblocked>(json!({ "practitioner": PRACTITIONER, "block": BLOCK, "time": time })),
    ]
}
