//! Ids that follow from what the source calls a resource, so that a second run names the same things.

use std::str::FromStr;

use domain::{FacilityId, OrganizationId, PatientId, PractitionerId, RoomId};
use uuid::Uuid;

use crate::resource_type::ResourceType;

/// What an operator calls the system that data comes from: ids are names within one source only, so that `Patient/1` of one hospital is not `Patient/1` of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceName(String);

impl SourceName {
    /// What everything was imported from before sources were told apart.
    const BEFORE_NAMES: &'static str = "import";

    /// What the vault derives the namespace of this source from, within a tenant.
    pub fn purpose(&self) -> String {
        if self.0 == Self::BEFORE_NAMES { "fhir import".to_owned() } else { format!("fhir import from {}", self.0) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceName {
    type Err = &'static str;

    /// One spelling only, so that a name is not taken for another's by case or by a space.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let ends = name.len() <= 64 && name.starts_with(|first: char| first.is_ascii_alphanumeric()) && !name.ends_with('-');
        if plain && ends { Ok(Self(name.to_owned())) } else { Err("must be of lower-case letters, digits and hyphens between them, at most 64") }
    }
}

/// Where the imported ids of one source of a tenant come from. It is random and secret: an id of the source may be a medical record number, and from
/// an id that anyone could derive from it, anyone could find out the number by trying.
#[derive(Clone, Copy)]
pub struct Namespace(Uuid);

impl Namespace {
    /// The namespace of a tenant's source, which the vault keeps.
    pub fn new(secret: Uuid) -> Self {
        Self(secret)
    }

    /// The id of a resource: the `UUIDv5` of `Patient/<id>`.
    pub fn resource(self, resource_type: ResourceType, id: &str) -> Uuid {
        Uuid::new_v5(&self.0, format!("{}/{id}", resource_type.name()).as_bytes())
    }

    /// The id of a command about a resource. It does not follow from the command's content, of which the log keeps only a keyed digest: the same content under
    /// the same id is a repetition, another content is a change, and the log tells the two apart.
    pub fn command(self, resource: Uuid, command: &str, part: &str) -> Uuid {
        Uuid::new_v5(&self.0, format!("{resource}/{command}/{part}").as_bytes())
    }

    /// What a logical reference is looked up by.
    pub(crate) fn identifier(self, resource_type: ResourceType, system: &str, value: &str) -> Uuid {
        Uuid::new_v5(&self.0, format!("{}?identifier={system}|{value}", resource_type.name()).as_bytes())
    }

    /// What a reference to a place in a bundle is looked up by.
    pub(crate) fn full_url(self, url: &str) -> Uuid {
        Uuid::new_v5(&self.0, url.as_bytes())
    }
}

/// A typed id of an imported resource.
pub(crate) trait ImportedId {
    /// The resource type that it names.
    const RESOURCE_TYPE: ResourceType;
    /// Around a derived id.
    fn of(id: Uuid) -> Self;
}

macro_rules! imported_ids {
    ($($name:ident $resource_type:ident,)*) => {$(
        impl ImportedId for $name {
            const RESOURCE_TYPE: ResourceType = ResourceType::$resource_type;
            fn of(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

imported_ids! {
    OrganizationId Organization,
    FacilityId Location,
    RoomId Location,
    PractitionerId Practitioner,
    PatientId Patient,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_one_spelling_and_a_purpose_of_its_own() {
        let source = |name: &str| name.parse::<SourceName>();
        let purposes = ["import", "north", "north-2"].map(|name| source(name).unwrap().purpose());
        assert_eq!(purposes, ["fhir import", "fhir import from north", "fhir import from north-2"], "what was imported before there were names is found again");
        assert!(["", "North", "north ", "-north", "north-", "nörd", &"n".repeat(65)].iter().all(|name| source(name).is_err()));
    }

    #[test]
    fn an_id_follows_from_the_namespace_the_type_and_the_sources_id() {
        let (here, there) = (Namespace::new(Uuid::from_u128(1)), Namespace::new(Uuid::from_u128(2)));
        let id = here.resource(ResourceType::Patient, "7");
        assert_eq!(id, here.resource(ResourceType::Patient, "7"));
        assert!(
            [there.resource(ResourceType::Patient, "7"), here.resource(ResourceType::Practitioner, "7"), here.resource(ResourceType::Patient, "8")]
                .iter()
                .all(|other| *other != id)
        );
    }
}
