//! <http://hl7.org/fhir/R4/practitionerrole.html>

use domain::ids::PractitionerRoleId;
use domain::providers::AssignRole;
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::{Imported, NotUnderstood};
use crate::namespace::ImportedId;
use crate::values::{codings, reference, telecom};

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
    // `PractitionerRole.active`: a role that is assigned is taken for active.
    resource.granted("active", true);
    let assign = AssignRole {
        // `PractitionerRole.practitioner`
        practitioner: required(resource, "practitioner", imported)?,
        role: PractitionerRoleId(id),
        // `PractitionerRole.organization`
        organization: required(resource, "organization", imported)?,
        // `PractitionerRole.location`
        facilities: resource.parts("location").into_iter().filter_map(|part| reference(part, imported)).collect(),
        // `PractitionerRole.code`
        code: codings(resource, "code"),
        // `PractitionerRole.specialty`
        specialty: codings(resource, "specialty"),
        // `PractitionerRole.telecom`
        telecom: telecom(resource).into(),
    };
    Ok(vec![assign.into()])
}

fn required<T: ImportedId>(resource: &mut Element<'_>, field: &str, imported: &Imported<'_>) -> Result<T, NotUnderstood> {
    let found = resource.part(field).and_then(|part| reference(part, imported));
    found.ok_or_else(|| NotUnderstood::ReferenceUnresolved { path: resource.path_of(field) })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::NotUnderstood;
    use crate::resource_type::ResourceType;
    use crate::testing::{id, identifier, left_out, not_kept, only, read_among};

    fn others() -> [Value; 3] {
        ["Practitioner", "Organization", "Location"].map(|kind| json!({ "resourceType": kind, "id": kind, "name": "x", "identifier": [identifier("1")] }))
    }

    fn role() -> Value {
        json!({
            "resourceType": "PractitionerRole", "id": "r", "practitioner": { "identifier": identifier("1"), "display": "Dr. A" },
            "organization": { "identifier": identifier("1"), "type": "Organization" }, "location": [{ "identifier": identifier("1") }, { "reference": "Location/gone" }],
            "code": [{ "coding": [{ "system": "urn:c", "code": "gp" }] }], "specialty": [{ "coding": [{ "system": "urn:c", "code": "im" }] }, { "text": "only text" }],
            "telecom": [{ "system": "phone", "value": "1" }], "availableTime": [{}],
        })
    }

    #[test]
    fn a_role_connects_what_it_refers_to_by_identifier() {
        let (body, notes) = only(read_among(&others(), &role()));
        let expected = json!({
            "practitioner": id(ResourceType::Practitioner, "Practitioner"), "role": id(ResourceType::PractitionerRole, "r"),
            "organization": id(ResourceType::Organization, "Organization"),
            "facilities": [id(ResourceType::Location, "Location"), id(ResourceType::Location, "gone")],
            "code": [{ "system": "urn:c", "code": "gp" }], "specialty": [{ "system": "urn:c", "code": "im" }], "telecom": [{ "system": "phone", "value": "1" }],
        });
        assert_eq!(body, expected);
        let mut paths = not_kept(&notes);
        paths.sort_unstable();
        assert_eq!(paths, ["PractitionerRole.availableTime", "PractitionerRole.practitioner.display", "PractitionerRole.specialty"]);
    }

    #[test]
    fn without_its_practitioner_or_with_two_that_it_could_mean_it_is_not_understood() {
        let [_, organization, location] = others();
        let unresolved = Some(NotUnderstood::ReferenceUnresolved { path: "PractitionerRole.practitioner".into() });
        assert_eq!(read_among(&[organization, location], &role()).err(), unresolved);
        let twin = json!({ "resourceType": "Practitioner", "id": "twin", "identifier": [identifier("1")] });
        assert_eq!(read_among(&[&others()[..], &[twin]].concat(), &role()).err(), unresolved);
    }

    #[test]
    fn a_facility_that_is_not_there_is_left_out() {
        let mut role = role();
        role["location"] = json!([{ "identifier": identifier("gone") }]);
        let (body, notes) = only(read_among(&others(), &role));
        assert_eq!(body["facilities"], json!([]));
        assert_eq!(left_out(&notes), [("PractitionerRole.location", "lead to a resource of the right type")]);
    }
}
