//! The data types that resources share, each with its FHIR paths.

use domain::InvalidValue;
use domain::fhir_values::{Address, Code, Coding, ContactPoint, HumanName, Identifier, IdentifierValue, Identifiers, SystemUri};
use domain::value::{Line, Reason};
use serde_json::Value;

use crate::element::Element;
use crate::index::{Address as ReferenceAddress, Found};
use crate::map::Imported;
use crate::map::NotUnderstood;
use crate::namespace::ImportedId;

/// The code system of `Identifier.type`.
const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// `identifier`: `system`, `value`, `type.coding.code` of the code system v2-0203. One that lacks a system names nothing and is left out, as is one named twice.
pub(crate) fn identifiers(resource: &mut Element<'_>) -> Result<Identifiers, NotUnderstood> {
    let mut identifiers: Vec<Identifier> = Vec::new();
    for mut part in resource.parts("identifier") {
        let r#type = part.part("type").and_then(|concept| code_of(concept, IDENTIFIER_TYPE));
        let (Some(system), Some(value)) = (part.value::<SystemUri>("system"), part.value::<IdentifierValue>("value")) else {
            part.give_up(InvalidValue("have a system and a value"));
            continue;
        };
        if identifiers.iter().any(|known| known.system == system && known.value == value) {
            part.give_up(InvalidValue("be named once"));
        } else {
            identifiers.push(Identifier { system, value, r#type });
        }
    }
    Ok(Identifiers::try_from(identifiers)?)
}

/// Why what a person would have been asked about is let pass.
pub(crate) fn imported_reason() -> Result<Reason, NotUnderstood> {
    Ok(Reason::try_from("imported from FHIR R4")?)
}

/// `name`: `use`, `family`, `given`, `prefix`, `suffix`. One with neither a family nor a given name is left out, whatever its `text`.
pub(crate) fn names(resource: &mut Element<'_>) -> Vec<HumanName> {
    let mut names = Vec::new();
    for mut part in resource.parts("name") {
        let name = HumanName {
            r#use: part.code("use").unwrap_or_default(),
            family: part.value("family"),
            given: part.values("given"),
            prefix: part.values("prefix"),
            suffix: part.values("suffix"),
        };
        if name.family.is_none() && name.given.is_empty() {
            part.give_up(InvalidValue("have a family name or a given name"));
        } else {
            names.push(name);
        }
    }
    names
}

/// `telecom`: `system`, `value`, `use`.
pub(crate) fn telecom(resource: &mut Element<'_>) -> Vec<ContactPoint> {
    let mut telecom = Vec::new();
    for mut part in resource.parts("telecom") {
        let (Some(system), Some(value)) = (part.code("system"), part.value("value")) else {
            part.give_up(InvalidValue("have a system and a value"));
            continue;
        };
        telecom.push(ContactPoint { system, value, r#use: part.code("use") });
    }
    telecom
}

/// `address` of a resource that has several.
pub(crate) fn addresses(resource: &mut Element<'_>) -> Vec<Address> {
    resource.parts("address").into_iter().filter_map(address).collect()
}

/// An address: `line`, `city`, `state`, `postalCode`, `country`. One that holds nothing of these is left out.
pub(crate) fn address(mut part: Element<'_>) -> Option<Address> {
    let address = Address {
        line: part.values("line"),
        city: part.value("city"),
        state: part.value("state"),
        postal_code: part.value("postalCode"),
        country: part.value("country"),
    };
    let parts = [&address.city, &address.state, &address.postal_code, &address.country];
    if address.line.is_empty() && parts.iter().all(|part| part.is_none()) {
        part.give_up(InvalidValue("have a line, a city, a state, a postal code or a country"));
        return None;
    }
    Some(address)
}

/// The concepts of a field, each by its first coding that has a system and a code.
pub(crate) fn codings(resource: &mut Element<'_>, field: &str) -> Vec<Coding> {
    resource.parts(field).into_iter().filter_map(coding).collect()
}

/// A concept, by its first coding that has a system and a code: `coding.system`, `coding.code`, `coding.display`.
pub(crate) fn coding(mut concept: Element<'_>) -> Option<Coding> {
    let mut part = concept.parts("coding").into_iter().find(|coding| coding.has("system") && coding.has("code"))?;
    Some(Coding { system: part.value::<SystemUri>("system")?, code: part.value::<Code>("code")?, display: part.value::<Line>("display") })
}

/// A concept, by its code in one code system.
pub(crate) fn code_of(mut concept: Element<'_>, system: &str) -> Option<Code> {
    let mut coding = concept.parts("coding").into_iter().find(|coding| coding.says("system", system))?;
    coding.granted("system", system);
    coding.value("code")
}

/// A reference: `reference` in any literal form, or `identifier`. One that does not lead to one resource of the right type is left out.
pub(crate) fn reference<T: ImportedId>(mut part: Element<'_>, imported: &Imported<'_>) -> Option<T> {
    let index = imported.index;
    part.granted("type", Value::from(T::RESOURCE_TYPE.name()));
    let literal = part.text("reference").and_then(|reference| match index.address(T::RESOURCE_TYPE, &reference, imported.server)? {
        ReferenceAddress::Resource(resource) => Some(Found::One(resource)),
        ReferenceAddress::Elsewhere(address) => Some(index.find(address)),
    });
    let logical = part.part("identifier").and_then(|mut identifier| {
        let (system, value) = (identifier.text("system")?, identifier.text("value")?);
        Some(index.find(index.namespace().identifier(T::RESOURCE_TYPE, &system, &value)))
    });
    let mut several = false;
    for found in [literal, logical].into_iter().flatten() {
        match found {
            Found::One(resource) => return Some(T::of(resource)),
            Found::Several => several = true,
            Found::Nothing => {}
        }
    }
    part.give_up(InvalidValue(if several { "lead to one resource, not to several" } else { "lead to a resource of the right type" }));
    None
}
