//! `OpenAPI` 3.1 of the command API, from the same types that read the requests.

use schemars::generate::SchemaSettings;
use schemars::{SchemaGenerator, schema_for};
use serde_json::{Map, Value, json};

use crate::endpoint::Endpoint;
use crate::problem::Problem;

/// The description of these endpoints.
pub fn openapi(endpoints: &[Endpoint]) -> Value {
    let mut generator = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator();
    let paths: Map<String, Value> = endpoints.iter().map(|endpoint| (endpoint.path(), json!({ "post": operation(endpoint, &mut generator) }))).collect();
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".into(), without_meta(schema_for!(Problem).to_value()));
    schemas.insert("Accepted".into(), accepted());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Carelog commands",
            "version": "1",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "Each command appends events to the log, or is refused with a typed problem. A retry with the same Idempotency-Key gets the first answer.",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } } },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let body = (endpoint.body)(generator);
    let rejection = (endpoint.rejection)(generator);
    let description = definition_of(&body, generator).and_then(|schema| schema.get("description").cloned()).unwrap_or_default();
    let problem = |description: &str| json!({ "description": description, "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    json!({
        "operationId": format!("{}.{}", endpoint.context, endpoint.name),
        "tags": [endpoint.context],
        "summary": endpoint.name.replace('-', " "),
        "description": description,
        "x-permission": endpoint.permission,
        "parameters": [
            { "name": "Idempotency-Key", "in": "header", "required": false, "schema": { "type": "string", "format": "uuid" },
              "description": "Names the command; a retry with the same key and body gets the first answer." },
            { "name": "basedOn", "in": "query", "required": false, "schema": { "type": "integer", "minimum": 0 },
              "description": "The position that the caller's screen reflects; the command is refused as `stale` where what it depends on has changed since." },
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "200": { "description": "It holds from now on.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Accepted" } } } },
            "400": problem("The body, a header or a query parameter breaks a rule; `errors` names the fields."),
            "401": problem("No valid bearer token."),
            "403": problem("The caller may not do this."),
            "409": problem("`stale`: something has changed since `basedOn`."),
            "413": problem("The body is too large."),
            "415": problem("The body is not JSON."),
            "422": { "description": "Rejected, for one of these reasons, or the idempotency key was used with another body.",
                     "content": { "application/problem+json": { "schema": { "allOf": [{ "$ref": "#/components/schemas/Problem" }, rejection] } } } },
            "503": problem("Not available, or contended; a retry with the same Idempotency-Key is safe."),
        },
    })
}

fn definition_of(schema: &schemars::Schema, generator: &SchemaGenerator) -> Option<Value> {
    let name = schema.get("$ref")?.as_str()?.rsplit('/').next()?;
    generator.definitions().get(name).cloned()
}

fn accepted() -> Value {
    json!({
        "type": "object",
        "required": ["position", "eventIds", "subject", "events", "repeated"],
        "properties": {
            "position": { "type": "integer", "description": "A query that waits for this position sees what the command did." },
            "eventIds": { "type": "array", "items": { "type": "string", "format": "uuid" } },
            "subject": { "type": "string", "description": "Whose record it is, as `patient/<id>`." },
            "events": { "type": "array", "items": { "type": "string" }, "description": "The types of the events." },
            "repeated": { "type": "boolean", "description": "Whether this is the answer to an earlier request with the same key." },
        },
    })
}

fn without_meta(mut schema: Value) -> Value {
    // The definitions of Problem's parts are inlined by reference into our components.
    let definitions = schema.as_object_mut().and_then(|object| {
        object.remove("$schema");
        object.remove("$defs")
    });
    let field_error = definitions.and_then(|mut definitions| definitions.get_mut("FieldError").map(Value::take));
    if let (Some(field_error), Some(items)) = (field_error, schema.pointer_mut("/properties/errors/items")) {
        *items = field_error;
    }
    schema
}
