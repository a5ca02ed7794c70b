//! Organizations, facilities and rooms.

use domain::fhir_values::{Address, Coding, ContactPoint, Identifier};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Resource, coded, concepts, identifiers, reference};
use crate::resource_type::ResourceType;

const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";

/// A row of `organization`.
#[derive(Deserialize)]
pub struct OrganizationRow {
    organization_id: Uuid,
    name: String,
    part_of: Option<Uuid>,
    r#type: Vec<Coding>,
    identifiers: Vec<Identifier>,
    telecom: Vec<ContactPoint>,
    address: Vec<Address>,
    position: i64,
}

impl OrganizationRow {
    /// The resource.
    pub fn resource(self) -> Value {
        Resource::new(ResourceType::Organization, self.organization_id, self.position, None)
            .with("active", true)
            .with("identifier", identifiers(&self.identifiers))
            .with("type", concepts(&self.r#type))
            .with("name", self.name)
            .with("telecom", json!(self.telecom))
            .with("address", json!(self.address))
            .with("partOf", self.part_of.map(|whole| reference(ResourceType::Organization, whole)))
            .finish()
    }
}

/// A row of `facility`. FHIR R4 has no place for its time zone.
#[derive(Deserialize)]
pub struct FacilityRow {
    facility_id: Uuid,
    organization_id: Option<Uuid>,
    name: String,
    identifiers: Vec<Identifier>,
    telecom: Vec<ContactPoint>,
    address: Option<Address>,
    position: i64,
}

impl FacilityRow {
    /// The resource.
    pub fn resource(self) -> Value {
        Resource::new(ResourceType::Location, self.facility_id, self.position, None)
            .with("status", "active")
            .with("mode", "instance")
            .with("identifier", identifiers(&self.identifiers))
            .with("name", self.name)
            .with("telecom", json!(self.telecom))
            .with("address", json!(self.address))
            .with("managingOrganization", self.organization_id.map(|organization| reference(ResourceType::Organization, organization)))
            .finish()
    }
}

/// A row of `room`.
#[derive(Deserialize)]
pub struct RoomRow {
    room_id: Uuid,
    facility_id: Uuid,
    name: String,
    position: i64,
}

impl RoomRow {
    /// The resource.
    pub fn resource(self) -> Value {
        Resource::new(ResourceType::Location, self.room_id, self.position, None)
            .with("status", "active")
            .with("mode", "instance")
            .with("name", self.name)
            .with("physicalType", coded(PHYSICAL_TYPE, Some("ro")))
            .with("partOf", reference(ResourceType::Location, self.facility_id))
            .finish()
    }
}
