//! The organization, its facilities and their rooms.

use domain::organizations::{AddRoom, OpenFacility, RegisterOrganization};
use serde_json::json;

use super::Clinic;
use super::ids::{EAST, FACILITY, ORGANIZATION, room};

pub async fn open(clinic: &mut Clinic) -> anyhow::Result<()> {
    let organization = json!({
        "organization": ORGANIZATION, "name": "Prairie & Harbor Clinics",
        "type": [{ "system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov", "display": "Healthcare Provider" }],
        "telecom": [{ "system": "phone", "value": "+1-312-555-0100", "use": "work" }],
    });
    clinic.send::<RegisterOrganization>("1", organization).await?;
    let facilities = [
        (
            FACILITY,
            "Prairie Clinic Chicago",
            "America/Chicago",
            json!({ "line": ["100 W Demo St"], "city": "Chicago", "state": "IL", "postalCode": "60601", "country": "US" }),
        ),
        (
            EAST,
            "Harbor Clinic New York",
            "America/New_York",
            json!({ "line": ["200 Demo Ave"], "city": "New York", "state": "NY", "postalCode": "10001", "country": "US" }),
        ),
    ];
    for (facility, name, zone, address) in facilities {
        let body = json!({ "facility": facility, "organization": ORGANIZATION, "name": name, "timeZone": zone, "address": address });
        clinic.send::<OpenFacility>(name, body).await?;
    }
    let rooms = [(1, FACILITY, "Exam 1"), (2, FACILITY, "Exam 2"), (3, FACILITY, "Procedure"), (4, EAST, "Exam A"), (5, EAST, "Exam B")];
    for (number, facility, name) in rooms {
        clinic.send::<AddRoom>(&number.to_string(), json!({ "room": room(number), "facility": facility, "name": name })).await?;
    }
    Ok(())
}
