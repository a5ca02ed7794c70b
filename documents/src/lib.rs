//! Documents over HTTP: uploading one as a stream, downloading it or a part of it, links that open one once; where the sealed bytes are kept; and
//! what collects those that no event names.

mod collect;
mod download;
mod incoming;
mod kind;
mod links;
mod markup;
mod open;
mod openapi;
mod problem;
mod range;
mod storage;
mod take;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use command_api::{BodySchema, Problem};
use domain::documents::DocumentMetadata;
use event_store::EventStore;
use gate::Gate;
use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};
use tokio::sync::Semaphore;

pub use collect::{CollectError, Collected, collect};
pub use kind::{AllowedTypes, WrongType};
pub use openapi::describe;
pub use storage::{Blob, Storage, StorageError, objects};
pub use take::NotTaken;

/// What the routes stand on. Cheap to clone.
#[derive(Clone)]
pub struct Documents {
    /// Who may, and what is carried out.
    pub gate: Gate,
    /// The log, its vault and its clock.
    pub store: EventStore,
    /// The log's database, in which links wait to be used.
    pub links: PgPool,
    /// Where the sealed bytes are.
    pub storage: Storage,
    /// What may be uploaded.
    pub rules: Arc<Rules>,
}

/// What may be uploaded.
pub struct Rules {
    /// The most bytes that a document may have.
    pub limit: u64,
    /// The media types.
    pub types: AllowedTypes,
    metadata: BodySchema,
    /// Who uploads at this moment.
    uploads: Arc<Semaphore>,
}

/// How many upload at once: each holds some megabytes, however slowly it comes.
const UPLOADS_AT_ONCE: usize = 32;

impl Rules {
    /// Documents of these types and at most so many bytes.
    pub fn new(limit: u64, types: AllowedTypes) -> Self {
        Self { limit, types, metadata: BodySchema::of::<DocumentMetadata>(), uploads: Arc::new(Semaphore::new(UPLOADS_AT_ONCE)) }
    }
}

/// The routes; the commands that carry no bytes are the command API's.
pub fn router(documents: Documents) -> Router {
    Router::new()
        .route("/v1/documents/upload", post(upload::upload))
        .route("/v1/documents/{document}", get(download::download))
        .route("/v1/documents/{document}/link", post(links::make))
        // To look at a link with HEAD would use it up.
        .route("/v1/documents/links/{token}", get(links::follow).head(|| std::future::ready(Problem::method_not_allowed())))
        .with_state(documents)
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Prepares the documents' own schema in the log's database.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut migrator: Migrator = sqlx::migrate!("../migrations/documents");
    // The log's migrations are counted in the same database, apart.
    migrator.create_schema("documents");
    migrator.dangerous_set_table_name("documents.migration");
    migrator.run(pool).await
}
