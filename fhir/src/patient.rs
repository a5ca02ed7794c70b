//! <http://hl7.org/fhir/R4/patient.html>

use chrono::DateTime;
use domain::fhir_values::{Code, PartialDate};
use domain::patients::{Contact, DeactivatePatient, DeathTime, Demographics, RecordDeath, RegisterPatient};
use domain::PatientId;
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
