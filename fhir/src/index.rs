//! Which resources there are and by what they are referred to: what a first pass over the input finds out.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use domain::records::FactKind;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::NotUnderstood;
use crate::literal::{Literal, base_of};
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
    /// The server that the source is, where that was stated.
    stated: Option<String>,
    /// The servers that full URLs name.
    servers: Vec<String>,
    /// What was read.
    read: HashMap<Uuid, Read>,
    /// What two resources of the input that differ are called: neither is taken, and neither can be referred to.
    contradicted: HashSet<Uuid>,
    hasher: RandomState,
    /// What can be referred to.
    resources: HashMap<Uuid, ResourceType>,
    /// By identifier or full URL; `None` where two resources share it.
    addresses: HashMap<Uuid, Option<Uuid>>,
    /// What an organization or a location is part of.
    part_of: HashMap<Uuid, (ResourceType, PartOf)>,
}

/// A resource that was read.
struct Read {
    /// A hash of what it says.
    content: u64,
    /// The server that its full URL names, by its place in the list.
    server: Option<usize>,
}

/// A `partOf`, before everything it may name is known.
enum PartOf {
    Literal(String),
    Identifier(Uuid),
}

impl Index {
    /// Of an empty input.
    pub fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            stated: None,
            servers: Vec::new(),
            read: HashMap::new(),
            contradicted: HashSet::new(),
            hasher: RandomState::new(),
            resources: HashMap::new(),
            addresses: HashMap::new(),
            part_of: HashMap::new(),
        }
    }

    /// Of an empty input from the server at this base.
    #[must_use]
    pub fn from_server(self, base: Option<&str>) -> Self {
        Self { stated: base.map(|base| base.trim_end_matches('/').to_owned()), ..self }
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
        self.compare(resource, json, Self::server(resource_type, head.id.as_str(), full_url))?;
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

    /// Takes note of what a resource says, and whether another of that name had said something else, or had been of another server.
    fn compare(&mut self, resource: Uuid, json: &[u8], server: Option<String>) -> Result<(), NotUnderstood> {
        let server = server.map(|server| {
            self.servers.iter().position(|known| *known == server).unwrap_or_else(|| {
                self.servers.push(server);
                self.servers.len() - 1
            })
        });
        // As it is written again, so that neither spaces nor the order of fields count.
        let mut value: Value = serde_json::from_slice(json).map_err(|_| NotUnderstood::NotJson)?;
        value.sort_all_objects();
        let content = self.hasher.hash_one(value.to_string());
        match self.read.entry(resource) {
            Entry::Vacant(vacant) => drop(vacant.insert(Read { content, server })),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                let elsewhere = known.server.zip(server).is_some_and(|(known, server)| known != server);
                if known.content != content || elsewhere {
                    self.contradicted.insert(resource);
                }
                known.server = known.server.or(server);
            }
        }
        Ok(())
    }

    /// The server that a full URL names.
    fn server(resource_type: ResourceType, id: Option<&str>, full_url: Option<&str>) -> Option<String> {
        base_of(full_url?, resource_type.name(), id?).map(str::to_owned)
    }

    /// The id of a resource: by its own id, or by its place in a bundle where it has none or is of another server than the source.
    pub(crate) fn id(&self, resource_type: ResourceType, id: Option<&str>, full_url: Option<&str>) -> Option<Uuid> {
        let server = Self::server(resource_type, id, full_url);
        let elsewhere = self.stated.as_ref().zip(server).is_some_and(|(stated, server)| *stated != server);
        let id = id.filter(|id| !id.is_empty() && !elsewhere).or(full_url)?;
        Some(self.namespace.resource(resource_type, id))
    }

    /// Whether it was there when the input was looked through.
    pub fn knows(&self, resource: Uuid) -> bool {
        self.read.contains_key(&resource)
    }

    /// Whether two resources of the input that differ are called so.
    pub(crate) fn is_contradicted(&self, resource: Uuid) -> bool {
        self.contradicted.contains(&resource)
    }

    /// The server whose resources are named by their ids: the one that was stated, or else the only one that full URLs name.
    fn own_server(&self) -> Option<&str> {
        self.stated.as_deref().or(match self.servers.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }

    /// The server that a resource is on, as its full URL says.
    pub(crate) fn server_of(&self, resource: Uuid) -> Option<&str> {
        self.servers.get(self.read.get(&resource)?.server?).map(String::as_str)
    }

    /// Takes note that a resource did not come in, so that nothing refers to it.
    pub fn forget(&mut self, resource: Uuid) {
        self.resources.remove(&resource);
    }

    /// Whether a resource of this type is there to be referred to.
    pub(crate) fn has(&self, resource_type: ResourceType, resource: Uuid) -> bool {
        self.resources.get(&resource) == Some(&resource_type) && !self.is_contradicted(resource)
    }

    /// The one resource that a literal reference to anything leads to, from a resource on a server.
    pub(crate) fn resolve(&self, reference: &str, server: Option<&str>) -> Option<(ResourceType, Uuid)> {
        let address = match Literal::of(reference)?.name() {
            Some(name) => self.address(ResourceType::named(name)?, reference, server)?,
            None => Address::Elsewhere(self.namespace.full_url(reference)),
        };
        let resource = match address {
            Address::Resource(resource) => resource,
            Address::Elsewhere(address) => match self.find(address) {
                Found::One(resource) => resource,
                Found::Nothing | Found::Several => return None,
            },
        };
        let resource_type = *self.resources.get(&resource)?;
        (!self.is_contradicted(resource)).then_some((resource_type, resource))
    }

    /// How many others must be there before an organization or a location can be: those that it is part of.
    pub fn depth(&self, resource: Uuid) -> usize {
        let mut depth = 0;
        let mut part = resource;
        while let (Some((of_type, part_of)), true) = (self.part_of.get(&part), depth < DEEPEST) {
            let address = match part_of {
                PartOf::Literal(literal) => self.address(*of_type, literal, self.server_of(part)),
                PartOf::Identifier(address) => Some(Address::Elsewhere(*address)),
            };
            let whole = match address {
                Some(Address::Resource(whole)) => whole,
                Some(Address::Elsewhere(address)) => match self.addresses.get(&address) {
                    Some(Some(whole)) => *whole,
                    _ => break,
                },
                None => break,
            };
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
            Some(Some(resource)) if self.is_contradicted(*resource) => Found::Several,
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
        let of_type = |literal: &&str| Literal::of(literal).is_some_and(|literal| literal.name().is_none_or(|name| name == resource_type.name()));
        let identifier = |(system, value)| PartOf::Identifier(self.namespace.identifier(resource_type, system, value));
        literal.filter(of_type).map(|literal| PartOf::Literal(literal.to_owned())).or_else(|| logical.map(identifier))
    }

    /// What a literal reference to a resource of this type names, from a resource on a server; `None` where it is of another type, is contained in the resource that
    /// refers to it, or where nobody knows which of several resources it means.
    ///
    /// An id is a name on one server only. What is relative is on the server of the resource that refers to it; what is on the source's own server goes by its id,
    /// and everything else by its full URL alone.
    pub(crate) fn address(&self, resource_type: ResourceType, reference: &str, server: Option<&str>) -> Option<Address> {
        let literal = Literal::of(reference)?;
        if literal.name().is_some_and(|name| name != resource_type.name()) {
            return None;
        }
        let (base, id) = match literal {
            Literal::Urn(urn) => return Some(Address::Elsewhere(self.namespace.full_url(urn))),
            Literal::Identified { system, value, .. } => return Some(Address::Elsewhere(self.namespace.identifier(resource_type, system, value))),
            Literal::Resource { base, id, .. } => (base.or(server), id),
        };
        let own = self.own_server();
        let elsewhere = |base: &str| Some(Address::Elsewhere(self.namespace.full_url(&format!("{base}/{}/{id}", resource_type.name()))));
        match base {
            Some(base) if own != Some(base) => return elsewhere(base),
            // Several servers, and none of them is known to be meant.
            None if own.is_none() && !self.servers.is_empty() => return None,
            _ => {}
        }
        let resource = self.namespace.resource(resource_type, id);
        if self.is_contradicted(resource) {
            return None;
        }
        Some(Address::Resource(resource))
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

    fn leads_to(index: &Index, reference: &str, server: Option<&str>) -> Option<Uuid> {
        index.resolve(reference, server).map(|(_, resource)| resource)
    }

    #[test]
    fn a_relative_reference_names_the_resource_of_that_id_and_an_absolute_one_needs_the_server() {
        let json = br#"{"resourceType":"Patient","id":"7"}"#;
        let with = |stated: Option<&str>, full_url: Option<&str>| {
            let mut index = Index::new(Namespace::new(Uuid::from_u128(1))).from_server(stated);
            let Ok(Glance::Imported(_, id)) = index.add(json, full_url) else { panic!("not imported") };
            (index, Some(id))
        };
        let absolute = "https://example.org/fhir/Patient/7";
        let (index, id) = with(None, None);
        for reference in ["Patient/7", "Patient/7/_history/3"] {
            assert_eq!(leads_to(&index, reference, None), id, "{reference}");
        }
        assert_eq!(leads_to(&index, absolute, None), None, "nobody said that this is the server");
        assert!(["Practitioner/7", "#contained", "7", "Patient/", "Patient?name=a"].iter().all(|other| leads_to(&index, other, None).is_none()));
        let (stated, full_url) = (with(Some("https://example.org/fhir/"), None), with(None, Some(absolute)));
        for (index, id) in [stated, full_url] {
            for reference in ["Patient/7", absolute, "https://example.org/fhir/Patient/7/_history/3"] {
                assert_eq!(leads_to(&index, reference, None), id, "{reference}");
            }
            assert_eq!(leads_to(&index, "https://elsewhere.example/fhir/Patient/7", None), None);
            assert_eq!(leads_to(&index, "Patient/7", Some("https://elsewhere.example/fhir")), None, "what is relative is on the server of what refers to it");
        }
    }

    #[test]
    fn two_resources_of_two_servers_that_have_one_id_are_referred_to_by_nobody() {
        let patient = br#"{"resourceType":"Patient","id":"1"}"#;
        let (a, b) = ("https://a.example/fhir/Patient/1", "https://b.example/fhir/Patient/1");
        let mut index = Index::new(Namespace::new(Uuid::from_u128(1)));
        let ids = [a, b].map(|url| index.add(patient, Some(url)).unwrap());
        let Glance::Imported(_, id) = ids[0] else { panic!("not imported") };
        assert!(index.is_contradicted(id) && ids[0] == ids[1]);
        assert!(["Patient/1", a, b].iter().all(|reference| leads_to(&index, reference, None).is_none()));
        assert_eq!(leads_to(&index, "Patient/1", Some("https://b.example/fhir")), None);
    }

    #[test]
    fn where_the_server_is_stated_those_of_another_have_names_of_their_own() {
        let patient = br#"{"resourceType":"Patient","id":"1"}"#;
        let (a, b) = ("https://a.example/fhir/Patient/1", "https://b.example/fhir/Patient/1");
        let mut index = Index::new(Namespace::new(Uuid::from_u128(1))).from_server(Some("https://a.example/fhir"));
        let ids = [a, b].map(|url| match index.add(patient, Some(url)) {
            Ok(Glance::Imported(_, id)) => Some(id),
            other => panic!("{other:?}"),
        });
        assert_ne!(ids[0], ids[1]);
        assert_eq!([a, b].map(|url| leads_to(&index, url, None)), ids);
        assert_eq!([None, Some("https://b.example/fhir")].map(|server| leads_to(&index, "Patient/1", server)), ids);
    }

    #[test]
    fn two_resources_that_share_type_and_id_and_differ_are_referred_to_by_nobody() {
        let patient = |family: &str| {
            format!(r#"{{"resourceType":"Patient","id":"1","identifier":[{{"system":"urn:s","value":"{family}"}}],"name":[{{"family":"{family}"}}]}}"#)
        };
        let again = r#"{ "name":[{"family":"a"}], "identifier":[{"value":"a","system":"urn:s"}], "id":"1", "resourceType":"Patient" }"#;
        let (same, _) = index(&[&patient("a"), again]);
        let (other, _) = index(&[&patient("a"), &patient("b")]);
        for reference in ["Patient/1", "Patient?identifier=urn:s|a"] {
            assert!(leads_to(&same, reference, None).is_some() && leads_to(&other, reference, None).is_none(), "{reference}");
        }
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
