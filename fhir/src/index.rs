//! Which resources there are and by what they are referred to: what a first pass over the input finds out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::records::FactKind;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::NotUnderstood;
use crate::namespace::Namespace;
use crate::resource_type::{Known, ResourceType, resource_type};
use crate::taken_back::ENTERED_IN_ERROR;

/// How deep `partOf` may nest before it is taken for a circle.
const DEEPEST: usize = 32;

/// The types whose resources are part of others of their type, which must be there before.
const NESTED: [ResourceType; 3] = [ResourceType::Organization, ResourceType::Location, ResourceType::Fact(FactKind::Encounter)];

/// As much of a resource as the first pass reads; the rest of its JSON is only checked for being JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    resource_type: Value,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    identifier: Value,
    #[serde(default)]
    part_of: Value,
    #[serde(default)]
    status: Value,
}

impl Head {
    fn of(json: &[u8]) -> Result<Self, NotUnderstood> {
        // A struct also reads from a JSON array; a resource does not.
        if json.trim_ascii_start().first() == Some(&b'{') {
            return serde_json::from_slice(json).map_err(|_| NotUnderstood::NotJson);
        }
        Err(if serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok() { NotUnderstood::NotAnObject } else { NotUnderstood::NotJson })
    }
}

/// What a resource is, as far as the first pass goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Glance {
    /// Imported, under this id.
    Imported(ResourceType, Uuid),
    /// Of a type that is imported, but without anything to be named by.
    Unnamed(ResourceType),
    /// A resource that Carelog has no place for yet.
    NotYet(&'static str),
}

/// What the resources of an input are referred to by.
pub struct Index {
    namespace: Namespace,
    /// What can be referred to.
    resources: HashMap<Uuid, ResourceType>,
    /// By identifier or full URL; `None` where two resources share it.
    addresses: HashMap<Uuid, Option<Uuid>>,
    /// What an organization or a location is part of.
    part_of: HashMap<Uuid, (ResourceType, PartOf)>,
}

/// A `partOf`, before everything it may name is known.
enum PartOf {
    Resource(Uuid),
    Address(Uuid),
}

impl Index {
    /// Of an empty input.
    pub fn new(namespace: Namespace) -> Self {
        Self { namespace, resources: HashMap::new(), addresses: HashMap::new(), part_of: HashMap::new() }
    }

    /// The namespace that its ids are from.
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// What one resource is, and what it is called, from its JSON text and where a bundle says it is.
    pub fn glance(&self, json: &[u8], full_url: Option<&str>) -> Result<Glance, NotUnderstood> {
        self.place(&Head::of(json)?, full_url)
    }

    fn place(&self, head: &Head, full_url: Option<&str>) -> Result<Glance, NotUnderstood> {
        let name = head.resource_type.as_str().ok_or(NotUnderstood::NoResourceType)?;
        Ok(match resource_type(name).ok_or(NotUnderstood::UnknownResourceType)? {
            Known::NotYet(name) => Glance::NotYet(name),
            Known::Imported(resource_type) => match self.id(resource_type, head.id.as_str(), full_url) {
                Some(resource) => Glance::Imported(resource_type, resource),
                None => Glance::Unnamed(resource_type),
            },
        })
    }

    /// Takes note of one resource.
    pub fn add(&mut self, json: &[u8], full_url: Option<&str>) -> Result<Glance, NotUnderstood> {
        let head = Head::of(json)?;
        let glance = self.place(&head, full_url)?;
        let Glance::Imported(resource_type, resource) = glance else { return Ok(glance) };
        // Nothing can be stated during an encounter that was entered in error.
        if resource_type != ResourceType::Fact(FactKind::Encounter) || head.status != ENTERED_IN_ERROR {
            self.resources.insert(resource, resource_type);
        }
        if let Some(url) = full_url {
            self.learn(self.namespace.full_url(url), resource);
        }
        for (system, value) in head.identifier.as_array().into_iter().flatten().filter_map(system_and_value) {
            self.learn(self.namespace.identifier(resource_type, system, value), resource);
        }
        if let (Some(part_of), true) = (self.part_of(resource_type, &head.part_of), NESTED.contains(&resource_type)) {
            self.part_of.insert(resource, (resource_type, part_of));
        }
        Ok(glance)
    }

    /// The id of a resource: by its own id, or by its place in a bundle.
    pub(crate) fn id(&self, resource_type: ResourceType, id: Option<&str>, full_url: Option<&str>) -> Option<Uuid> {
        let id = id.filter(|id| !id.is_empty()).or(full_url)?;
        Some(self.namespace.resource(resource_type, id))
    }

    /// Takes note that a resource did not come in, so that nothing refers to it.
    pub fn forget(&mut self, resource: Uuid) {
        self.resources.remove(&resource);
    }

    /// Whether a resource of this type is there to be referred to.
    pub(crate) fn has(&self, resource_type: ResourceType, resource: Uuid) -> bool {
        self.resources.get(&resource) == Some(&resource_type)
    }

    /// The one resource that a literal reference to anything leads to.
    pub(crate) fn resolve(&self, reference: &str) -> Option<(ResourceType, Uuid)> {
        let address =
            if reference.starts_with("urn:") { Address::Elsewhere(self.namespace.full_url(reference)) } else { self.address(type_of(reference)?, reference)? };
        let resource = match address {
            Address::Resource(resource) => resource,
            Address::Elsewhere(address) => match self.find(address) {
                Found::One(resource) => resource,
                Found::Nothing | Found::Several => return None,
            },
        };
        Some((*self.resources.get(&resource)?, resource))
    }

    /// How many others must be there before an organization or a location can be: those that it is part of.
    pub fn depth(&self, resource: Uuid) -> usize {
        let mut depth = 0;
        let mut part = resource;
        while let (Some((_, part_of)), true) = (self.part_of.get(&part), depth < DEEPEST) {
            let whole = match part_of {
                PartOf::Resource(whole) => Some(*whole),
                PartOf::Address(address) => self.addresses.get(address).copied().flatten(),
            };
            let Some(whole) = whole else { break };
            part = whole;
            depth += 1;
        }
        depth
    }

    /// The greatest depth of a resource of this type.
    pub fn deepest(&self, resource_type: ResourceType) -> usize {
        let parts = self.part_of.iter().filter(|(_, (of_type, _))| *of_type == resource_type);
        parts.map(|(resource, _)| self.depth(*resource)).max().unwrap_or_default()
    }

    /// The resource that an identifier or a full URL names: none, one, or nobody knows which.
    pub(crate) fn find(&self, address: Uuid) -> Found {
        match self.addresses.get(&address) {
            None => Found::Nothing,
            Some(None) => Found::Several,
            Some(Some(resource)) => Found::One(*resource),
        }
    }

    fn learn(&mut self, address: Uuid, resource: Uuid) {
        match self.addresses.entry(address) {
            Entry::Vacant(vacant) => drop(vacant.insert(Some(resource))),
            Entry::Occupied(mut taken) if *taken.get() != Some(resource) => drop(taken.insert(None)),
            Entry::Occupied(_) => {}
        }
    }

    fn part_of(&self, resource_type: ResourceType, reference: &Value) -> Option<PartOf> {
        let literal = reference.get("reference").and_then(Value::as_str);
        let logical = reference.get("identifier").and_then(system_and_value);
        match literal.and_then(|literal| self.address(resource_type, literal)) {
            Some(Address::Resource(resource)) => Some(PartOf::Resource(resource)),
            Some(Address::Elsewhere(address)) => Some(PartOf::Address(address)),
            None => logical.map(|(system, value)| PartOf::Address(self.namespace.identifier(resource_type, system, value))),
        }
    }

    /// What a literal reference to a resource of this type names; `None` where it is of another type or is contained in the resource that refers to it.
    pub(crate) fn address(&self, resource_type: ResourceType, reference: &str) -> Option<Address> {
        if reference.starts_with("urn:") {
            return Some(Address::Elsewhere(self.namespace.full_url(reference)));
        }
        if let Some((of_type, query)) = reference.split_once('?') {
            let (system, value) = query.strip_prefix("identifier=")?.split_once('|')?;
            return (of_type == resource_type.name()).then(|| Address::Elsewhere(self.namespace.identifier(resource_type, system, value)));
        }
        let path = reference.split_once("/_history/").map_or(reference, |(path, _)| path);
        let mut parts = path.rsplit('/');
        let (id, of_type) = (parts.next()?, parts.next()?);
        (of_type == resource_type.name() && !id.is_empty()).then(|| Address::Resource(self.namespace.resource(resource_type, id)))
    }
}

/// What a literal reference says.
pub(crate) enum Address {
    /// A resource by its type and id.
    Resource(Uuid),
    /// Something to be looked up.
    Elsewhere(Uuid),
}

/// What an address leads to.
pub(crate) enum Found {
    /// One resource.
    One(Uuid),
    /// None of this input.
    Nothing,
    /// More than one.
    Several,
}

/// The type that a literal reference names: `Patient/7`, `https://example.org/Patient/7`, `Patient?identifier=…`.
fn type_of(reference: &str) -> Option<ResourceType> {
    if let Some((name, _)) = reference.split_once('?') {
        return ResourceType::named(name);
    }
    let path = reference.split_once("/_history/").map_or(reference, |(path, _)| path);
    ResourceType::named(path.rsplit('/').nth(1)?)
}

pub(crate) fn system_and_value(identifier: &Value) -> Option<(&str, &str)> {
    Some((identifier.get("system")?.as_str()?, identifier.get("value")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(resources: &[&str]) -> (Index, Vec<Uuid>) {
        let mut index = Index::new(Namespace::new(Uuid::from_u128(1)));
        let ids = resources.iter().map(|json| match index.add(json.as_bytes(), None) {
            Ok(Glance::Imported(_, id)) => id,
            other => panic!("{other:?}"),
        });
        let ids = ids.collect();
        (index, ids)
    }

    #[test]
    fn what_is_part_of_another_comes_after_it_however_it_refers_to_it() {
        let (index, ids) = index(&[
            r#"{"resourceType":"Organization","id":"leaf","partOf":{"identifier":{"system":"urn:s","value":"middle"}}}"#,
            r#"{"resourceType":"Organization","id":"m","identifier":[{"system":"urn:s","value":"middle"}],"partOf":{"reference":"Organization/root"}}"#,
            r#"{"resourceType":"Organization","id":"root"}"#,
        ]);
        assert_eq!(ids.into_iter().map(|id| index.depth(id)).collect::<Vec<_>>(), [2, 1, 0]);
    }

    #[test]
    fn a_circle_ends() {
        let (index, ids) = index(&[r#"{"resourceType":"Location","id":"a","partOf":{"reference":"Location/a"}}"#]);
        assert_eq!(index.depth(ids[0]), DEEPEST);
    }

    #[test]
    fn an_identifier_of_two_resources_names_neither_and_one_named_twice_still_names_it() {
        let patient = |id: &str, value: &str| format!(r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"urn:s","value":"{value}"}}]}}"#);
        let (index, _) = index(&[&patient("1", "a"), &patient("2", "a"), &patient("3", "b"), &patient("3", "b")]);
        let find = |value| index.find(index.namespace.identifier(ResourceType::Patient, "urn:s", value));
        assert!(matches!((find("a"), find("b"), find("c")), (Found::Several, Found::One(_), Found::Nothing)));
    }

    #[test]
    fn every_form_of_a_literal_reference_names_the_same_resource() {
        let (index, ids) = index(&[r#"{"resourceType":"Patient","id":"7"}"#]);
        for reference in ["Patient/7", "Patient/7/_history/3", "https://example.org/fhir/Patient/7"] {
            assert!(matches!(index.address(ResourceType::Patient, reference), Some(Address::Resource(id)) if id == ids[0]), "{reference}");
        }
        assert!(["Practitioner/7", "#contained", "7", "Patient/", "Patient?name=a"].iter().all(|other| index.address(ResourceType::Patient, other).is_none()));
    }

    #[test]
    fn what_is_no_resource_is_told_apart() {
        let add = |json: &str| Index::new(Namespace::new(Uuid::nil())).add(json.as_bytes(), None);
        assert_eq!(add("{"), Err(NotUnderstood::NotJson));
        assert_eq!(add("[]"), Err(NotUnderstood::NotAnObject));
        assert_eq!(add("\"Patient\""), Err(NotUnderstood::NotAnObject));
        assert_eq!(add("{}"), Err(NotUnderstood::NoResourceType));
        assert_eq!(add(r#"{"resourceType":7}"#), Err(NotUnderstood::NoResourceType));
        assert_eq!(add(r#"{"resourceType":"Pacient"}"#), Err(NotUnderstood::UnknownResourceType));
        assert_eq!(add(r#"{"resourceType":"Patient"}"#), Ok(Glance::Unnamed(ResourceType::Patient)));
        assert_eq!(add(r#"{"resourceType":"CarePlan"}"#), Ok(Glance::NotYet("CarePlan")));
    }
}
