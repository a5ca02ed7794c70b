//! What Carelog decides, and nothing else: commands, the events they lead to, and the folds between them.
//!
//! This crate does no IO, reads no clock and draws no random number; time and ids enter as arguments.
//! A context is a folder: `events.rs` holds its facts, each other file one command or one fold.

#[macro_use]
mod named;
#[macro_use]
mod event;

pub mod access;
pub mod consents;
pub mod decision;
pub mod disclosures;
pub mod documents;
pub mod emergency;
pub mod fhir_values;
pub mod identity;
pub mod ids;
mod label;
pub mod organizations;
pub mod patients;
pub mod permission;
pub mod phi;
pub mod providers;
pub mod query;
pub mod records;
mod role;
pub mod scheduling;
pub mod terminology;
#[cfg(test)]
mod testing;
pub mod time;
pub mod value;

pub use decision::{Boundary, Circumstances, Command, Decision};
pub use event::{Context, DecodeError, Event, EventData, EventType, Label, Named, Subject};
pub use ids::{
    AppointmentId, BreakGlassId, ConsentId, DisclosureId, DocumentId, FacilityId, FactId, OrganizationId, PatientId, PractitionerId, RestrictionId, RoomId,
    ServerId, TenantId, UserId,
};
pub use permission::Permission;
pub use phi::{Phi, PhiOf, Protected};
pub use query::{Query, QueryItem, Tag};
pub use role::{Role, UnknownRole};
pub use value::InvalidValue;
