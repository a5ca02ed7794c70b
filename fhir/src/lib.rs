//! FHIR R4 resources as commands: pure, and in one place per resource, with the FHIR path of each field.
//!
//! A resource is read by taking it apart ([`map`]): what Carelog has a place for becomes commands, the rest is noted by its path. References are resolved
//! in the [`Index`] that a first pass over the input fills. The way back is [`export`]: rows of the read models as resources.

mod command;
mod compare;
mod document;
mod element;
pub mod export;
mod fact;
mod facts;
mod index;
mod literal;
mod location;
mod map;
mod namespace;
mod organization;
mod patient;
mod practitioner;
mod practitioner_role;
mod references;
mod resource_type;
mod stand_in;
mod subject;
mod taken_back;
#[cfg(test)]
mod testing;
mod values;

pub use command::{ImportCommand, Upload, Visitor};
pub use element::{LeftOut, Notes};
pub use index::{Glance, Index};
pub use map::{Imported, Mapped, NotUnderstood, Step, Turn, map};
pub use namespace::{Namespace, SourceName};
pub use resource_type::{Known, ResourceType, resource_type};
pub use stand_in::StandIn;
pub use subject::Patients;
