//! A command as the API offers it: its path, its permission, the schemas of what it takes and how it is rejected, and its route.

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use domain::{Command, Permission};
use gate::Gate;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};

use crate::body::BodySchema;
use crate::handler::handle;

/// The commands of a context, or of all of them.
pub type Endpoints = Vec<Endpoint>;

/// One command.
pub struct Endpoint {
    /// The context, such as `scheduling`.
    pub context: &'static str,
    /// The command, such as `book-appointment`.
    pub name: &'static str,
    /// What a caller needs to ask for it at all.
    pub permission: Permission,
    /// The schema of its body, with definitions left to the generator.
    pub body: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of its rejections: `code` and `parameters`.
    pub rejection: fn(&mut SchemaGenerator) -> Schema,
    root: fn() -> Schema,
    route: fn(Router<Gate>, &str) -> Router<Gate>,
}

impl Endpoint {
    /// The endpoint of a command.
    pub fn of<C: Command>() -> Self {
        Self {
            context: C::CONTEXT,
            name: C::NAME,
            permission: C::PERMISSION,
            body: SchemaGenerator::subschema_for::<C>,
            rejection: SchemaGenerator::subschema_for::<C::Rejection>,
            root: || SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<C>(),
            route: |router, path| {
                let schema = Arc::new(BodySchema::of::<C>());
                router.route(path, post(move |gate, headers, options, body| handle::<C>(schema, gate, headers, options, body)))
            },
        }
    }

    /// `/v1/scheduling/book-appointment`.
    pub fn path(&self) -> String {
        format!("/v1/{}/{}", self.context, self.name)
    }

    /// The schema of its body with all definitions, as it is committed.
    pub fn root_schema(&self) -> Schema {
        (self.root)()
    }

    pub(crate) fn add_to(&self, router: Router<Gate>) -> Router<Gate> {
        (self.route)(router, &self.path())
    }
}
