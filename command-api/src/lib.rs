//! The command API: `POST /v1/<context>/<command>`. A context is a table of its commands; one generic handler serves them all.

mod body;
mod endpoint;
mod handler;
mod number;
mod openapi;
mod problem;
mod rule;

mod consents;
mod disclosures;
mod documents;
mod emergency;
mod identity;
mod organizations;
mod patients;
mod providers;
mod records;
mod scheduling;

use axum::Router;
use gate::Gate;

pub use body::BodySchema;
pub use endpoint::{Endpoint, Endpoints};
pub use handler::uuid_header;
pub use openapi::openapi;
pub use problem::{FieldError, Problem};

/// The most that a command's body may take, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// Every command there is, context by context.
pub fn endpoints() -> Endpoints {
    let contexts = [
        organizations::endpoints(),
        patients::endpoints(),
        providers::endpoints(),
        scheduling::endpoints(),
        records::endpoints(),
        documents::endpoints(),
        consents::endpoints(),
        emergency::endpoints(),
        disclosures::endpoints(),
        identity::endpoints(),
    ];
    contexts.into_iter().flatten().collect()
}

/// The routes of every command.
pub fn router(gate: Gate) -> Router {
    endpoints().iter().fold(Router::new(), |router, endpoint| endpoint.add_to(router)).layer(axum::extract::DefaultBodyLimit::max(BODY_LIMIT)).with_state(gate)
}
