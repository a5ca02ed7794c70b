use domain::organizations::{FacilityOpened, OrganizationRegistered, RoomAdded};
use serde_json::json;

use super::{Example, FACILITY, NETWORK, ORGANIZATION, ROOM, full, further, minimal};

pub(super) fn examples() -> Vec<Example> {
    vec![
        full::<OrganizationRegistered>(json!({
            "organization": ORGANIZATION,
            "name": "Lakeside Family Practice",
            "partOf": NETWORK,
            "type": [{ "system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov", "display": "Healthcare Provider" }],
            "identifiers": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893", "type": "NPI" }],
            "telecom": [{ "system": "phone", "value": "+1 312 555 0100", "use": "work" }],
            "address": [{ "line": ["1 Shore Drive", "Suite 2"], "city": "Chicago", "state": "IL", "postalCode": "60601", "country": "US" }],
        })),
        minimal::<OrganizationRegistered>(json!({
            "organization": ORGANIZATION, "name": "Lakeside Family Practice", "partOf": null, "type": [], "identifiers": [], "telecom": [], "address": [],
        })),
        full::<FacilityOpened>(json!({
            "facility": FACILITY,
            "organization": ORGANIZATION,
            "name": "Lakeside North",
            "timeZone": "America/Chicago",
            "identifiers": [{ "system": "urn:example:facilities", "value": "north" }],
            "telecom": [{ "system": "fax", "value": "+1 312 555 0101", "use": "work" }],
            "address": { "line": ["1 Shore Drive"], "city": "Chicago", "state": "IL", "postalCode": "60601", "country": "US" },
        })),
        minimal::<FacilityOpened>(json!({
            "facility": FACILITY, "organization": null, "name": "Lakeside North", "timeZone": "America/Chicago", "identifiers": [], "telecom": [], "address": null,
        })),
        further::<FacilityOpened>(json!({
            "facility": FACILITY, "organization": null, "name": "Lakeside North", "timeZone": "America/Chicago", "telecom": [], "address": null,
            "identifiers": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893", "type": "NPI" }],
        })),
        full::<RoomAdded>(json!({ "room": ROOM, "facility": FACILITY, "name": "Room 12" })),
    ]
}
