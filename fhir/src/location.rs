//! <http://hl7.org/fhir/R4/location.html>: a room of another location, or else a facility.

use domain::fhir_values::Code;
use domain::organizations::{AddRoom, OpenFacility};
use domain::{FacilityId, RoomId};
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::{Imported, NotUnderstood};
use crate::values::{address, code_of, identifiers, reference, telecom};

/// The code system of `Location.physicalType`.
const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
    // `Location.status`, `Location.mode`: what is opened is taken for active, and for a place rather than a kind of place.
    resource.granted("status", "active");
    resource.granted("mode", "instance");
    // `Location.name`; else `Location.description`, by which a location without a name is shown
    let name = if resource.has("name") { resource.value("name") } else { resource.value("description") };
    let name = name.ok_or_else(|| resource.missing("name"))?;
    // `Location.physicalType`: `ro` is a room, `si` a site
    let physical_type = resource.part("physicalType").and_then(|concept| code_of(concept, PHYSICAL_TYPE));
    match physical_type.as_ref().map(Code::as_str) {
        Some("ro") => {
            // `Location.partOf`
            let facility: Option<FacilityId> = resource.part("partOf").and_then(|part| reference(part, imported));
            let facility = facility.ok_or_else(|| NotUnderstood::ReferenceUnresolved { path: resource.path_of("partOf") })?;
            return Ok(vec![AddRoom { room: RoomId(id), facility, name }.into()]);
        }
        Some("si") | None => {}
        Some(_) => resource.not_kept("physicalType"),
    }
    let open = OpenFacility {
        facility: FacilityId(id),
        // `Location.managingOrganization`
        organization: resource.part("managingOrganization").and_then(|part| reference(part, imported)),
        name,
        time_zone: imported.zone,
        // `Location.identifier`
        identifiers: identifiers(resource)?,
        // `Location.telecom`
        telecom: telecom(resource),
        // `Location.address`
        address: resource.part("address").and_then(address),
    };
    Ok(vec![open.into()])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::NotUnderstood;
    use crate::resource_type::ResourceType;
    use crate::testing::{id, identifier, left_out, not_kept, only, read, read_among};

    fn physical_type(code: &str) -> Value {
        json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": code }] })
    }

    #[test]
    fn a_location_is_a_facility_in_the_zone_given() {
        let resource = json!({
            "resourceType": "Location", "id": "1", "status": "active", "mode": "instance", "name": "Main", "physicalType": physical_type("si"),
            "identifier": [identifier("1")], "telecom": [{ "system": "phone", "value": "1" }], "address": { "city": "A" },
            "position": { "longitude": -95.7, "latitude": 38.2 }, "managingOrganization": { "reference": "Organization/7" },
        });
        let (body, notes) = only(read(&resource));
        let expected = json!({
            "facility": id(ResourceType::Location, "1"), "organization": id(ResourceType::Organization, "7"), "name": "Main", "timeZone": "America/Chicago",
            "identifiers": [identifier("1")], "telecom": [{ "system": "phone", "value": "1" }], "address": { "city": "A" },
        });
        assert_eq!(body, expected);
        assert_eq!(not_kept(&notes), ["Location.position"]);
    }

    #[test]
    fn one_that_nobody_manages_or_whose_manager_is_not_there_belongs_to_no_organization() {
        let (body, notes) = only(read(&json!({ "resourceType": "Location", "id": "1", "name": "Main" })));
        assert!(body.get("organization").is_none() && notes.left_out.is_empty());
        let manager = json!({ "resourceType": "Location", "id": "1", "name": "Main", "managingOrganization": { "identifier": identifier("nobody") } });
        let (body, notes) = only(read(&manager));
        assert!(body.get("organization").is_none());
        assert_eq!(left_out(&notes), [("Location.managingOrganization", "lead to a resource of the right type")]);
    }

    #[test]
    fn a_room_is_a_room_of_the_facility_that_it_is_part_of() {
        let mut room =
            json!({ "resourceType": "Location", "id": "r", "name": "101", "physicalType": physical_type("ro"), "partOf": { "reference": "Location/1" } });
        let (body, _) = only(read(&room));
        assert_eq!(body, json!({ "room": id(ResourceType::Location, "r"), "facility": id(ResourceType::Location, "1"), "name": "101" }));
        room.as_object_mut().unwrap().remove("partOf");
        assert_eq!(read(&room).err(), Some(NotUnderstood::ReferenceUnresolved { path: "Location.partOf".into() }));
    }

    #[test]
    fn one_without_a_name_goes_by_its_description_and_one_without_either_is_not_understood() {
        let home = json!({ "resourceType": "Location", "id": "h", "description": "Patient's Home", "mode": "kind" });
        let (body, notes) = only(read(&home));
        assert_eq!((&body["name"], not_kept(&notes)), (&json!("Patient's Home"), vec!["Location.mode"]));
        assert_eq!(read(&json!({ "resourceType": "Location", "id": "h" })).err(), Some(NotUnderstood::ValueMissing { path: "Location.name".into() }));
    }

    #[test]
    fn another_physical_type_is_a_facility_and_noted() {
        let wing = json!({ "resourceType": "Location", "id": "w", "name": "West", "status": "suspended", "physicalType": physical_type("wi"), "partOf": {} });
        let (body, notes) = only(read_among(&[], &wing));
        assert_eq!(body["name"], "West");
        let mut paths = not_kept(&notes);
        paths.sort_unstable();
        assert_eq!(paths, ["Location.partOf", "Location.physicalType", "Location.status"]);
    }
}
