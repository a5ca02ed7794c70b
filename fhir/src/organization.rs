//! <http://hl7.org/fhir/R4/organization.html>

use domain::OrganizationId;
use domain::organizations::RegisterOrganization;
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::{Imported, NotUnderstood};
use crate::values::{addresses, codings, identifiers, reference, telecom};

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
    // `Organization.active`: what is registered is taken for active.
    resource.granted("active", true);
    let register = RegisterOrganization {
        organization: OrganizationId(id),
        // `Organization.name`
        name: resource.value("name").ok_or_else(|| resource.missing("name"))?,
        // `Organization.partOf`
        part_of: resource.part("partOf").and_then(|part| reference(part, imported)),
        // `Organization.type`
        r#type: codings(resource, "type"),
        // `Organization.identifier`
        identifiers: identifiers(resource)?,
        // `Organization.telecom`
        telecom: telecom(resource),
        // `Organization.address`
        address: addresses(resource),
    };
    Ok(vec![register.into()])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::NotUnderstood;
    use crate::resource_type::ResourceType;
    use crate::testing::{id, identifier, left_out, not_kept, only, read, read_among};

    #[test]
    fn an_organization_is_registered_with_all_that_it_says_and_the_rest_is_noted() {
        let resource = json!({
            "resourceType": "Organization", "id": "1", "active": true, "name": "North", "alias": ["N"], "meta": { "profile": ["p"] },
            "extension": [{ "url": "http://e/beds", "valueInteger": 1 }],
            "identifier": [{ "system": "urn:source", "value": "1", "use": "official" }],
            "type": [{ "coding": [{ "system": "urn:t", "code": "prov", "display": "Provider", "version": "2" }, { "system": "urn:t", "code": "other" }], "text": "P" }],
            "telecom": [{ "system": "phone", "value": "1", "use": "work", "rank": 1 }],
            "address": [{ "line": ["1 Main St"], "city": "A", "state": "KS", "postalCode": "6", "country": "US", "district": "D" }],
            "partOf": { "identifier": identifier("whole"), "display": "Whole" },
        });
        let whole = json!({ "resourceType": "Organization", "id": "w", "name": "Whole", "identifier": [identifier("whole")] });
        let (body, notes) = only(read_among(&[whole], &resource));
        let expected = json!({
            "organization": id(ResourceType::Organization, "1"), "name": "North", "partOf": id(ResourceType::Organization, "w"),
            "type": [{ "system": "urn:t", "code": "prov", "display": "Provider" }],
            "identifiers": [identifier("1")],
            "telecom": [{ "system": "phone", "value": "1", "use": "work" }],
            "address": [{ "line": ["1 Main St"], "city": "A", "state": "KS", "postalCode": "6", "country": "US" }],
        });
        assert_eq!(body, expected);
        let mut paths = not_kept(&notes);
        paths.sort_unstable();
        let expected = [
            "Organization.address.district",
            "Organization.alias",
            "Organization.extension[beds]",
            "Organization.identifier.use",
            "Organization.meta",
            "Organization.partOf.display",
            "Organization.telecom.rank",
            "Organization.type.coding",
            "Organization.type.coding.version",
            "Organization.type.text",
        ];
        assert_eq!(paths, expected);
        assert!(notes.left_out.is_empty());
    }

    #[test]
    fn one_without_a_name_is_not_understood() {
        let missing = Some(NotUnderstood::ValueMissing { path: "Organization.name".into() });
        assert_eq!(read(&json!({ "resourceType": "Organization", "id": "1" })).err(), missing);
        assert_eq!(read(&json!({ "resourceType": "Organization", "id": "1", "name": "" })).err(), missing);
    }

    #[test]
    fn what_breaks_a_rule_is_left_out_and_said() {
        let resource = json!({
            "resourceType": "Organization", "id": "1", "name": "North", "active": false, "partOf": { "reference": "Patient/1" },
            "identifier": [{ "value": "1" }, identifier("2"), identifier("2")], "telecom": [{ "system": "carrier pigeon", "value": "1" }], "address": [{ "use": "work" }],
        });
        let (body, notes) = only(read(&resource));
        assert_eq!((&body["identifiers"], &body["telecom"], &body["address"]), (&json!([identifier("2")]), &json!([]), &json!([])));
        assert_eq!(body.get("partOf"), None);
        let expected = [
            ("Organization.partOf", "lead to a resource of the right type"),
            ("Organization.identifier", "have a system and a value"),
            ("Organization.identifier", "be named once"),
            ("Organization.telecom.system", "be a code of its value set"),
            ("Organization.telecom", "have a system and a value"),
            ("Organization.address", "have a line, a city, a state, a postal code or a country"),
        ];
        assert_eq!(left_out(&notes), expected);
        assert_eq!(not_kept(&notes), ["Organization.active"]);
    }

    #[test]
    fn more_than_a_command_takes_is_refused_before_it_is_sent() {
        let telecom: Vec<_> = (0..21).map(|number| json!({ "system": "phone", "value": number.to_string() })).collect();
        let read = read(&json!({ "resourceType": "Organization", "id": "1", "name": "North", "telecom": telecom }));
        assert!(matches!(read.err(), Some(NotUnderstood::RuleBroken { rule }) if rule.starts_with("must hold fewer entries")));
    }
}
