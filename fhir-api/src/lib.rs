//! FHIR R4 out: what the read models hold, as resources. Every answer goes through [`gate::Gate::read`].

mod answer;
mod audit;
mod audit_search;
mod everything;
mod http;
mod metadata;
mod read;
mod tables;

pub use audit::audit_event;
pub use http::router;
pub use read::{Failure, Page, Place, one, page};
