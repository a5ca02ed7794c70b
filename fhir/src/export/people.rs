//! Patients, practitioners and their roles.

use domain::fhir_values::{Address, Coding, ContactPoint, HumanName, Identifier};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Resource, coded, concept, concepts, identifiers, reference};
use crate::resource_type::ResourceType;

const MARITAL_STATUS: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
const LANGUAGE: &str = "urn:ietf:bcp:47";

/// A row of `patient`, with the records that were merged into it.
#[derive(Deserialize)]
pub struct PatientRow {
    /// The record.
    pub patient_id: Uuid,
    active: bool,
    merged_into: Option<Uuid>,
    replaces: Vec<Uuid>,
    name: Vec<HumanName>,
    gender: Option<String>,
    birth_date: Option<String>,
    marital_status: Option<String>,
    language: Vec<String>,
    telecom: Vec<ContactPoint>,
    address: Vec<Address>,
    identifiers: Vec<Identifier>,
    deceased: bool,
    deceased_date_time: Option<String>,
    changed_at: String,
    position: i64,
}

impl PatientRow {
    /// The resource.
    pub fn resource(self) -> Value {
        let link = |kind: &str, other: Uuid| json!({ "other": reference(ResourceType::Patient, other), "type": kind });
        let into = self.merged_into.map(|survivor| link("replaced-by", survivor));
        let links: Vec<Value> = into.into_iter().chain(self.replaces.iter().map(|merged| link("replaces", *merged))).collect();
        let resource = Resource::new(ResourceType::Patient, self.patient_id, self.position, Some(&self.changed_at))
            .with("active", self.active)
            .with("identifier", identifiers(&self.identifiers))
            .with("name", json!(self.name))
            .with("gender", self.gender)
            .with("birthDate", self.birth_date)
            .with("telecom", json!(self.telecom))
            .with("address", json!(self.address))
            .with("maritalStatus", coded(MARITAL_STATUS, self.marital_status.as_deref()))
            .with("communication", communication(&self.language))
            .with("link", links);
        match self.deceased_date_time {
            Some(time) => resource.with("deceasedDateTime", time),
            None if self.deceased => resource.with("deceasedBoolean", true),
            None => resource,
        }
        .finish()
    }
}

/// The first of several is the preferred one.
fn communication(languages: &[String]) -> Vec<Value> {
    let one = |(place, code): (usize, &String)| {
        let language = json!({ "language": coded(LANGUAGE, Some(code)) });
        if place == 0 && languages.len() > 1 { json!({ "language": language["language"], "preferred": true }) } else { language }
    };
    languages.iter().enumerate().map(one).collect()
}

/// A row of `practitioner`, with their qualifications.
#[derive(Deserialize)]
pub struct PractitionerRow {
    practitioner_id: Uuid,
    active: bool,
    name: Vec<HumanName>,
    gender: Option<String>,
    identifiers: Vec<Identifier>,
    telecom: Vec<ContactPoint>,
    address: Vec<Address>,
    qualifications: Vec<QualificationRow>,
    position: i64,
}

#[derive(Deserialize)]
struct QualificationRow {
    code: Coding,
    issuer: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
}

impl PractitionerRow {
    /// The resource.
    pub fn resource(self) -> Value {
        Resource::new(ResourceType::Practitioner, self.practitioner_id, self.position, None)
            .with("active", self.active)
            .with("identifier", identifiers(&self.identifiers))
            .with("name", json!(self.name))
            .with("telecom", json!(self.telecom))
            .with("address", json!(self.address))
            .with("gender", self.gender)
            .with("qualification", self.qualifications.into_iter().map(QualificationRow::part).collect::<Vec<_>>())
            .finish()
    }
}

impl QualificationRow {
    fn part(self) -> Value {
        let period = Resource(serde_json::Map::new()).with("start", self.valid_from).with("end", self.valid_until);
        Resource(serde_json::Map::new())
            .with("code", concept(&self.code))
            .with("issuer", self.issuer.map(|issuer| json!({ "display": issuer })))
            .with("period", period.0)
            .finish()
    }
}

/// A row of `practitioner_role`.
#[derive(Deserialize)]
pub struct RoleRow {
    role_id: Uuid,
    practitioner_id: Uuid,
    organization_id: Uuid,
    facilities: Vec<Uuid>,
    code: Vec<Coding>,
    specialty: Vec<Coding>,
    telecom: Vec<ContactPoint>,
    position: i64,
}

impl RoleRow {
    /// The resource.
    pub fn resource(self) -> Value {
        Resource::new(ResourceType::PractitionerRole, self.role_id, self.position, None)
            .with("practitioner", reference(ResourceType::Practitioner, self.practitioner_id))
            .with("organization", reference(ResourceType::Organization, self.organization_id))
            .with("code", concepts(&self.code))
            .with("specialty", concepts(&self.specialty))
            .with("location", self.facilities.iter().map(|facility| reference(ResourceType::Location, *facility)).collect::<Vec<_>>())
            .with("telecom", json!(self.telecom))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(fields: &Value) -> Value {
        let mut row = json!({
            "patient_id": Uuid::from_u128(1), "active": true, "replaces": [], "name": [], "language": [], "telecom": [], "address": [], "identifiers": [],
            "deceased": false, "changed_at": "2026-01-02T03:04:05Z", "position": 7,
        });
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value::<PatientRow>(row).unwrap().resource()
    }

    #[test]
    fn an_unidentified_patient_is_a_resource_that_says_little() {
        let meta = json!({ "versionId": "7", "lastUpdated": "2026-01-02T03:04:05Z" });
        assert_eq!(patient(&json!({})), json!({ "resourceType": "Patient", "id": Uuid::from_u128(1), "meta": meta, "active": true }));
    }

    #[test]
    fn a_death_is_said_as_far_as_it_is_known() {
        assert_eq!(patient(&json!({ "deceased": true }))["deceasedBoolean"], true);
        let dated = patient(&json!({ "deceased": true, "deceased_date_time": "1989-05" }));
        assert_eq!((&dated["deceasedDateTime"], dated.get("deceasedBoolean")), (&json!("1989-05"), None));
    }

    #[test]
    fn merged_records_name_each_other() {
        let other = Uuid::from_u128(2);
        let link = |kind: &str| json!([{ "other": { "reference": format!("Patient/{other}") }, "type": kind }]);
        assert_eq!(patient(&json!({ "merged_into": other, "active": false }))["link"], link("replaced-by"));
        assert_eq!(patient(&json!({ "replaces": [other] }))["link"], link("replaces"));
    }

    #[test]
    fn the_first_of_several_languages_is_preferred() {
        let languages = patient(&json!({ "language": ["en", "es"] }))["communication"].clone();
        assert_eq!((&languages[0]["preferred"], languages[1].get("preferred")), (&json!(true), None));
        assert_eq!(patient(&json!({ "language": ["en"] }))["communication"][0].get("preferred"), None);
    }
}
