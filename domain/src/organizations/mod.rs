//! *Organizations*: the hospitals, clinics and practices of a tenant (FHIR `Organization`), the facilities where they give care
//! (FHIR `Location`, physical type site) with their time zones, and the rooms in them (`Location`, physical type room).

mod events;
mod facility;

pub use events::{FacilityOpened, OrganizationRegistered, OrganizationsEvent, RoomAdded};
pub use facility::FacilityStanding;
