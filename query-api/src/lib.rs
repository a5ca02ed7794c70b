//! The GraphQL API: `/graphql` over HTTP, `/graphql/ws` over `graphql-transport-ws`.
//!
//! One operation is one read through the gate, on one snapshot. Each context is a file of objects and the SQL that reads them; what a
//! resolver reads goes through [`reads`], which asks for a permission first.

#![expect(clippy::unused_async, reason = "async-graphql wants every resolver to be async, also one that has nothing to wait for")]

mod access;
mod actions;
mod batches;
mod calendar;
mod connection;
mod consents;
mod disclosures;
mod document;
mod documents;
mod emergency;
mod errors;
mod follow;
mod history;
mod http;
mod ids;
mod media;
mod node;
mod operation;
mod organizations;
mod paging;
mod patients;
mod providers;
mod reads;
mod records;
mod scalars;
mod scheduling;
mod subscriptions;
mod values;
mod viewer;
mod websocket;
mod wording;

use std::sync::Arc;

use async_graphql::{EmptyMutation, MergedObject, SDLExportOptions};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing;
use event_store::Clock;
use gate::Gate;
use tokio::sync::{Semaphore, watch};

pub use errors::Code;
pub use websocket::Patience;

use operation::OnlyOnASnapshot;
use subscriptions::Subscriptions;

/// How deep a document may nest; standard introspection needs 13.
const MOST_DEPTH: usize = 16;
/// How much a document may ask for: a field counts as one, what is asked of a page's rows as many times as there can be rows.
const MOST_COMPLEXITY: usize = 20_000;
/// How many directives a field may carry.
const MOST_DIRECTIVES: usize = 5;

/// The root of every query.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub struct Query(
    viewer::ViewerQuery,
    node::NodeQuery,
    patients::PatientQueries,
    providers::ProviderQueries,
    organizations::OrganizationQueries,
    scheduling::SchedulingQueries,
    access::AccessQueries,
    consents::RestrictionQueries,
    emergency::EmergencyQueries,
    access::AccessQuestions,
);

/// The schema: no mutations, because commands have an API of their own.
pub type Schema = async_graphql::Schema<Query, EmptyMutation, Subscriptions>;

/// The schema with its limits.
pub fn schema() -> Schema {
    async_graphql::Schema::build(Query::default(), EmptyMutation, Subscriptions)
        .limit_depth(MOST_DEPTH)
        .limit_complexity(MOST_COMPLEXITY)
        .limit_directives(MOST_DIRECTIVES)
        .extension(OnlyOnASnapshot)
        .finish()
}

/// The schema in the schema definition language, always in the same order.
pub fn sdl() -> String {
    schema().sdl_with_options(SDLExportOptions::new().prefer_single_line_descriptions())
}

/// What the handlers share.
#[derive(Clone)]
pub struct QueryApi {
    gate: Gate,
    schema: Schema,
    clock: Clock,
    shutdown: watch::Receiver<bool>,
    patience: Patience,
    /// The reads that subscriptions may have under way at once.
    turns: Arc<Semaphore>,
}

/// How many reads of subscriptions run at once, in the whole process.
const FOLLOWING_READS: usize = 8;

impl QueryApi {
    /// The API over a gate. Connections are closed once `shutdown` holds true.
    pub fn new(gate: Gate, clock: Clock, shutdown: watch::Receiver<bool>) -> Self {
        Self { gate, schema: schema(), clock, shutdown, patience: Patience::default(), turns: Arc::new(Semaphore::new(FOLLOWING_READS)) }
    }

    /// The same, with other times to wait on a WebSocket.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }
}

/// `/graphql` and `/graphql/ws`.
pub fn router(api: QueryApi) -> Router {
    Router::new()
        .route("/graphql", routing::post(http::post).get(http::get))
        .route("/graphql/ws", routing::get(websocket::upgrade))
        .layer(DefaultBodyLimit::max(document::MOST_BYTES))
        .with_state(api)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

    #[test]
    fn every_object_and_field_is_described() {
        let mut silent = Vec::new();
        for definition in parse_schema(super::sdl()).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.to_string();
            let TypeKind::Object(object) = definition.node.kind else { continue };
            let described = definition.node.description.is_some() || name.ends_with("Connection") || name == "Subscription";
            silent.extend((!described).then(|| name.clone()));
            silent.extend(object.fields.iter().filter(|field| field.node.description.is_none()).map(|field| format!("{name}.{}", field.node.name)));
        }
        assert!(silent.is_empty(), "{silent:?}");
    }
}
