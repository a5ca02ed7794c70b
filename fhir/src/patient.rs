//! <http://hl7.org/fhir/R4/patient.html>

use chrono::DateTime;
use domain::PatientId;
use domain::fhir_values::{Code, PartialDate};
use domain::patients::{Contact, DeactivatePatient, DeathTime, Demographics, RecordDeath, RegisterPatient};
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::NotUnderstood;
use crate::values::{addresses, code_of, identifiers, imported_reason, names, telecom};

/// The code system of `Patient.maritalStatus`.
const MARITAL_STATUS: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
/// The code system of `Patient.communication.language`.
const LANGUAGE: &str = "urn:ietf:bcp:47";

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid) -> Result<Vec<ImportCommand>, NotUnderstood> {
    let patient = PatientId(id);
    let register = RegisterPatient {
        patient,
        // `Patient.identifier`
        identifiers: identifiers(resource)?.into(),
        demographics: demographics(resource).into(),
        // `Patient.telecom`, `Patient.address`
        contact: Contact { telecom: telecom(resource), address: addresses(resource) }.into(),
        accept_known_identifiers: Some(imported_reason()?.into()),
    };
    let mut commands = vec![register.into()];
    if let Some(deceased) = deceased(resource) {
        commands.push(RecordDeath { patient, deceased: deceased.into() }.into());
    }
    // `Patient.active`: what is registered is active until it is deactivated.
    if resource.boolean("active") == Some(false) {
        commands.push(DeactivatePatient { patient, reason: imported_reason()?.into() }.into());
    }
    Ok(commands)
}

fn demographics(resource: &mut Element<'_>) -> Demographics {
    Demographics {
        // `Patient.name`
        name: names(resource),
        // `Patient.gender`
        gender: resource.code("gender"),
        // `Patient.birthDate`
        birth_date: resource.value("birthDate"),
        // `Patient.maritalStatus.coding.code`
        marital_status: resource.part("maritalStatus").and_then(|concept| code_of(concept, MARITAL_STATUS)),
        language: languages(resource),
    }
}

/// `Patient.communication.language.coding.code`, the one whose `preferred` is true first.
fn languages(resource: &mut Element<'_>) -> Vec<Code> {
    let mut languages: Vec<(bool, Code)> = Vec::new();
    for mut part in resource.parts("communication") {
        let preferred = part.boolean("preferred") == Some(true);
        if let Some(language) = part.part("language").and_then(|concept| code_of(concept, LANGUAGE)) {
            languages.push((preferred, language));
        }
    }
    languages.sort_by_key(|(preferred, _)| !preferred);
    languages.into_iter().map(|(_, language)| language).collect()
}

/// `Patient.deceasedDateTime`, `Patient.deceasedBoolean`. A broken date still says that the person died.
fn deceased(resource: &mut Element<'_>) -> Option<DeathTime> {
    let died = resource.boolean("deceasedBoolean") == Some(true);
    if !resource.has("deceasedDateTime") {
        return died.then_some(DeathTime::Unknown);
    }
    let time = resource.text("deceasedDateTime").and_then(|text| match DateTime::parse_from_rfc3339(&text) {
        Ok(time) => Some(DeathTime::At(time)),
        Err(_) => PartialDate::try_from(text).map_or_else(|rule| resource.left_out("deceasedDateTime", rule), |date| Some(DeathTime::On(date))),
    });
    Some(time.unwrap_or(DeathTime::Unknown))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::NotUnderstood;
    use crate::resource_type::ResourceType;
    use crate::testing::{bodies, id, left_out, not_kept, only, read};

    fn patient(fields: &Value) -> Value {
        let mut resource = json!({ "resourceType": "Patient", "id": "1" });
        resource.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        resource
    }

    fn language(code: &str, preferred: bool) -> Value {
        json!({ "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": code }] }, "preferred": preferred })
    }

    #[test]
    fn a_patient_is_registered_with_all_that_carelog_keeps() {
        let resource = patient(&json!({
            "active": true, "text": {}, "gender": "female", "birthDate": "1927-05", "multipleBirthBoolean": false, "deceasedBoolean": false,
            "extension": [{ "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race" }],
            "identifier": [
                { "system": "urn:s", "value": "1" },
                { "system": "urn:m", "value": "2", "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }] } },
            ],
            "name": [{ "use": "official", "family": "A" }, { "use": "maiden", "family": "B", "given": ["C"] }],
            "telecom": [{ "system": "phone", "value": "1", "use": "home" }], "address": [{ "city": "E" }],
            "maritalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M" }] },
            "communication": [language("es", false), language("en-US", true)],
        }));
        let (body, notes) = only(read(&resource));
        let expected = json!({
            "patient": id(ResourceType::Patient, "1"),
            "identifiers": [{ "system": "urn:s", "value": "1" }, { "system": "urn:m", "value": "2", "type": "MR" }],
            "demographics": {
                "name": [{ "use": "official", "family": "A" }, { "use": "maiden", "family": "B", "given": ["C"] }],
                "gender": "female", "birthDate": "1927-05", "maritalStatus": "M", "language": ["en-US", "es"],
            },
            "contact": { "telecom": [{ "system": "phone", "value": "1", "use": "home" }], "address": [{ "city": "E" }] },
            "acceptKnownIdentifiers": "imported from FHIR R4",
        });
        assert_eq!(body, expected);
        assert_eq!(not_kept(&notes), ["Patient.extension[us-core-race]", "Patient.multipleBirthBoolean", "Patient.text"]);
    }

    #[test]
    fn a_death_is_recorded_with_its_own_date_as_far_as_it_is_known() {
        let deceased = |fields: Value| {
            let (bodies, notes) = bodies(read(&patient(&fields)));
            (bodies.into_iter().find(|(name, _)| *name == "record-death").map(|(_, body)| body["deceased"].clone()), notes)
        };
        assert_eq!(deceased(json!({ "deceasedDateTime": "1989-05-09T20:35:22-04:00" })).0, Some(json!({ "at": "1989-05-09T20:35:22-04:00" })));
        assert_eq!(deceased(json!({ "deceasedDateTime": "1989-05" })).0, Some(json!({ "on": "1989-05" })));
        assert_eq!(deceased(json!({ "deceasedBoolean": true })).0, Some(json!("unknown")));
        assert_eq!(deceased(json!({ "deceasedBoolean": false })).0, None);
        let (broken, notes) = deceased(json!({ "deceasedDateTime": "last May" }));
        assert_eq!(broken, Some(json!("unknown")), "the date is broken, the death is not");
        assert_eq!(left_out(&notes)[0].0, "Patient.deceasedDateTime");
    }

    #[test]
    fn one_that_is_not_active_is_registered_and_deactivated() {
        let (bodies, notes) = bodies(read(&patient(&json!({ "active": false, "deceasedBoolean": true }))));
        assert_eq!(bodies.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["register-patient", "record-death", "deactivate-patient"]);
        assert!(notes.not_kept.is_empty());
    }

    #[test]
    fn broken_values_are_left_out_and_the_person_is_registered_all_the_same() {
        let resource =
            patient(&json!({ "gender": "F", "birthDate": "21.5.1927", "name": [{ "text": "Ada Lovelace" }], "maritalStatus": { "text": "Married" } }));
        let (body, notes) = only(read(&resource));
        assert_eq!(body["demographics"], json!({}));
        let expected = [
            ("Patient.name", "have a family name or a given name"),
            ("Patient.gender", "be a code of its value set"),
            ("Patient.birthDate", "be a date as YYYY, YYYY-MM or YYYY-MM-DD, from 1800 on"),
        ];
        assert_eq!(left_out(&notes), expected);
        assert_eq!(not_kept(&notes), ["Patient.maritalStatus"]);
    }

    #[test]
    fn a_modifier_that_is_not_understood_refuses_the_whole_resource() {
        let modified = patient(&json!({ "modifierExtension": [{ "url": "http://example.org/not-a-patient" }] }));
        assert_eq!(read(&modified).err(), Some(NotUnderstood::ModifierNotUnderstood { path: "Patient.modifierExtension".into() }));
    }

    #[test]
    fn the_same_resource_gets_the_same_command_ids_and_another_gets_others() {
        let ids =
            |id: &str| read(&json!({ "resourceType": "Patient", "id": id, "deceasedBoolean": true })).map(|read| read.steps.iter().map(|s| s.id).collect());
        let (first, again, other): (Vec<_>, Vec<_>, Vec<_>) = (ids("1").unwrap(), ids("1").unwrap(), ids("2").unwrap());
        assert!(first == again && first.iter().all(|id| !other.contains(id)) && first[0] != first[1]);
    }
}
