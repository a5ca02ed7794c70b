//! *Organizations*: the hospitals, clinics and practices of a tenant (FHIR `Organization`), the facilities where they give care
//! (FHIR `Location`, physical type site) with their time zones, and the rooms in them (`Location`, physical type room).

mod add_room;
mod events;
#[cfg(test)]
mod examples;
mod facility;
mod open_facility;
mod register_organization;

pub use add_room::{AddRoom, AddRoomRejection};
pub use events::{FacilityOpened, OrganizationRegistered, OrganizationsEvent, RoomAdded};
pub use facility::FacilityStanding;
pub use open_facility::{OpenFacility, OpenFacilityRejection};
pub use register_organization::{RegisterOrganization, RegisterOrganizationRejection};
