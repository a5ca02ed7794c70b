//! Two organizations and a facility with a room, for the tests of this context.

use serde_json::json;
use uuid::Uuid;

use crate::event::Event;
use crate::fhir_values::{Address, Coding, ContactPoint, Identifier};
use crate::ids::{FacilityId, OrganizationId, RoomId};
use crate::organizations::{FacilityOpened, OrganizationRegistered, RoomAdded};
use crate::time::Zone;
use crate::value::Line;

pub const GROUP: OrganizationId = OrganizationId(Uuid::from_u128(1));
pub const CLINIC: OrganizationId = OrganizationId(Uuid::from_u128(2));
pub const FACILITY: FacilityId = FacilityId(Uuid::from_u128(3));
pub const OTHER_FACILITY: FacilityId = FacilityId(Uuid::from_u128(4));
pub const ROOM: RoomId = RoomId(Uuid::from_u128(5));
pub const CHICAGO: Zone = Zone(chrono_tz::America::Chicago);

/// A value as it arrives.
pub fn read<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> T {
    serde_json::from_value(json).unwrap()
}

pub fn name(name: &str) -> Line {
    name.try_into().unwrap()
}

pub fn identifier(value: &str) -> Identifier {
    read(json!({ "system": "urn:registry", "value": value }))
}

pub fn telecom() -> Vec<ContactPoint> {
    read(json!([{ "system": "phone", "value": "555-0100", "use": "work" }]))
}

pub fn address() -> Address {
    read(json!({ "line": ["1 Main Street"], "city": "Chicago", "country": "US" }))
}

pub fn provider() -> Coding {
    read(json!({ "system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov", "display": "Healthcare Provider" }))
}

pub fn registered(organization: OrganizationId) -> Event {
    let (identifiers, telecom, address) = (vec![], vec![], vec![]);
    OrganizationRegistered { organization, name: name("Clinic"), part_of: None, r#type: vec![], identifiers, telecom, address }.into()
}

pub fn opened(facility: FacilityId) -> Event {
    let (identifiers, telecom, address) = (vec![], vec![], None);
    FacilityOpened { facility, organization: None, name: name("Main"), time_zone: CHICAGO, identifiers, telecom, address }.into()
}

pub fn added(room: RoomId, facility: FacilityId) -> Event {
    RoomAdded { room, facility, name: name("Room 1") }.into()
}
