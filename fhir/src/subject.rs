//! Whose fact a resource is: `subject`, in some types called `patient`.

use std::collections::HashMap;

use domain::PatientId;
use domain::patients::RegisterPatient;
use serde_json::Value;
use uuid::Uuid;

use crate::element::Element;
use crate::index::{Address, Found, system_and_value};
use crate::map::{Imported, NotUnderstood};
use crate::resource_type::ResourceType;
use crate::stand_in::unidentified;

/// What to do about patients who are not in the input.
#[derive(Clone, Default)]
pub struct Patients {
    /// Who is meant by a reference, as it stands in the input.
    pub given: HashMap<String, PatientId>,
    /// Whether others are registered as unidentified patients.
    pub register_missing: bool,
}

/// Whose it is, and that they are to be registered first.
pub(crate) type Whose = (PatientId, Option<RegisterPatient>);

/// The patient that `subject` or `patient` leads to.
pub(crate) fn whose(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Whose, NotUnderstood> {
    let field = if resource.has("subject") { "subject" } else { "patient" };
    let contained = resource.peek("contained").cloned().unwrap_or_default();
    let mut part = resource.part(field).ok_or_else(|| resource.missing(field))?;
    let literal = part.text("reference");
    let logical = part.part("identifier").and_then(|mut identifier| Some((identifier.text("system")?, identifier.text("value")?)));
    if let Some(given) = literal.as_ref().and_then(|literal| imported.patients.given.get(literal)) {
        return Ok((*given, None));
    }
    let index = imported.index;
    let unresolved = || NotUnderstood::ReferenceUnresolved { path: resource.path_of(field) };
    let by_identifier = |(system, value): (&str, &str)| Address::Elsewhere(index.namespace().identifier(ResourceType::Patient, system, value));
    let address = match &literal {
        Some(literal) if literal.starts_with('#') => {
            let patient = contained_patient(&contained, literal.trim_start_matches('#')).ok_or_else(unresolved)?;
            let identifier = patient.get("identifier").and_then(|identifiers| identifiers.get(0)).and_then(system_and_value);
            // Without an identifier it is nobody whom another resource could name.
            identifier.map_or_else(|| Address::Elsewhere(index.namespace().resource(ResourceType::Patient, &format!("{id}{literal}"))), by_identifier)
        }
        Some(literal) => index.address(ResourceType::Patient, literal, imported.server).ok_or_else(unresolved)?,
        None => logical.as_ref().map(|(system, value)| by_identifier((system, value))).ok_or_else(unresolved)?,
    };
    let (patient, may_be_known) = match address {
        Address::Resource(patient) if index.has(ResourceType::Patient, patient) => return Ok((PatientId(patient), None)),
        // An earlier import may have brought it.
        Address::Resource(patient) => (patient, true),
        Address::Elsewhere(address) => match index.find(address) {
            Found::One(patient) => return Ok((PatientId(patient), None)),
            Found::Nothing => (address, false),
            Found::Several => return Err(unresolved()),
        },
    };
    match imported.patients.register_missing {
        true => Ok((PatientId(patient), Some(unidentified(PatientId(patient))))),
        false if may_be_known => Ok((PatientId(patient), None)),
        false => Err(unresolved()),
    }
}

fn contained_patient<'contained>(contained: &'contained Value, id: &str) -> Option<&'contained Value> {
    contained.as_array()?.iter().find(|resource| resource["resourceType"] == "Patient" && resource["id"] == id)
}
