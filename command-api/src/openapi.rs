//! `OpenAPI` 3.1 of the command API, from the same types that read the requests.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::endpoint::Endpoint;
use crate::problem::Problem;

/// The description of these endpoints, and of the paths that are no plain commands: all definitions come from one generator, which gives two types of one name two
/// names.
pub fn openapi(endpoints: &[Endpoint], more: fn(&mut SchemaGenerator) -> Map<String, Value>) -> Value {
    let mut generator = SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator();
    let mut paths: Map<String, Value> = endpoints.iter().map(|endpoint| (endpoint.path(), json!({ "post": operation(endpoint, &mut generator) }))).collect();
    for (path, operations) in more(&mut generator) {
        add(&mut paths, &path, operations);
    }
    let mut schemas = generator.take_definitions(true);
    add(&mut schemas, "Problem", problem());
    add(&mut schemas, "Accepted", accepted());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Carelog commands",
            "version": "1",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "Each command appends events to the log, or is refused with a typed problem. A retry with the same Idempotency-Key gets the first answer.",
        },
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } } },
    })
}

/// Adds what is not there yet.
fn add(all: &mut Map<String, Value>, name: &str, value: Value) {
    let before = all.insert(name.to_owned(), value);
    assert!(before.is_none(), "{name} means two things in the description of the commands");
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

/// As it is written: what a problem leaves out where there is nothing to say is not required.
fn problem() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    settings.into_generator().into_root_schema_for::<Problem>().to_value()
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use domain::Permission;
    use domain::scheduling::{BookAppointmentRejection, NotPlaceable};
    use event_store::Position;
    use gate::Refusal;
    use uuid::Uuid;

    use super::*;
    use crate::problem::FieldError;

    /// One of every kind, whatever answers with it.
    fn problems() -> Vec<Problem> {
        let refused = |refusal: Refusal<BookAppointmentRejection>| Problem::from(refusal);
        vec![
            Problem::no_such_path(),
            Problem::method_not_allowed(),
            Problem::unauthenticated(),
            Problem::too_large(),
            Problem::unreadable(),
            Problem::unsupported_media_type(),
            Problem::invalid_request("basedOn", "must be a position"),
            Problem::invalid_body(vec![FieldError { field: "/patient".into(), rule: "must be given".into() }]),
            Problem { request_id: Some(Uuid::nil()), ..Problem::new(StatusCode::GATEWAY_TIMEOUT, "late", "Late.") },
            refused(Refusal::Forbidden(Permission::BookAppointments)),
            refused(Refusal::Stale { changed_at: Position(7) }),
            refused(Refusal::CommandMismatch),
            refused(Refusal::Contended),
        ]
    }

    #[test]
    fn every_kind_of_problem_is_as_the_schema_has_it() {
        let document = openapi(&crate::endpoints(), |_| Map::new());
        let valid = |schema: &Value, problem: &Problem| {
            // References in the schema are into the document's components.
            let whole = json!({ "components": document["components"], "allOf": [schema] });
            let validator = jsonschema::draft202012::new(&whole).unwrap();
            let problem = serde_json::to_value(problem).unwrap();
            let errors: Vec<_> = validator.iter_errors(&problem).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{problem}: {errors:?}");
        };
        for problem in problems() {
            valid(&json!({ "$ref": "#/components/schemas/Problem" }), &problem);
        }
        let responses = &document["paths"]["/v1/scheduling/book-appointment"]["post"]["responses"];
        let rejection = &responses["422"]["content"]["application/problem+json"]["schema"];
        let without_parameters = BookAppointmentRejection::AppointmentExists;
        let with_parameters = NotPlaceable::from(domain::patients::PatientUnusable::PatientMerged { survivor: domain::PatientId(Uuid::nil()) }).into();
        for problem in [without_parameters, with_parameters] {
            valid(rejection, &Problem::from(Refusal::Rejected(problem)));
        }
    }
}
