//! The committed schemas of commands and events: as the types say, and none too many or too few.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::Event;
use event_schemas::{CommandSchema, generated_files};
use serde_json::{Map, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join("event-schemas").join(folder)).expect("the folder is committed");
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn commands() -> Vec<CommandSchema> {
    let endpoints = command_api::endpoints();
    endpoints.iter().map(|endpoint| CommandSchema { context: endpoint.context, name: endpoint.name, schema: endpoint.root_schema() }).collect()
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (path, content) in generated_files(&commands()) {
        let committed = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
        assert!(committed == content, "{} is not what `make generate` writes", path.display());
    }
}

#[test]
fn every_command_has_a_schema_and_every_schema_a_command() {
    let expected: BTreeSet<String> = commands().iter().map(|command| format!("{}.{}.json", command.context, command.name)).collect();
    assert_eq!(names("commands"), expected);
}

#[test]
fn every_event_version_ever_stored_has_its_schema() {
    let versions = |event_type: domain::EventType| (1..=event_type.version).map(move |version| format!("{event_type}.v{version}.json"));
    let expected: BTreeSet<String> = Event::types().into_iter().flat_map(versions).collect();
    assert_eq!(names("events"), expected);
}

/// A schema with each reference in its document replaced by what it leads to.
fn resolved(schema: &Value, document: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let target =
                fields.get("$ref").and_then(Value::as_str).map(|place| document.pointer(place.trim_start_matches('#')).expect("a reference leads somewhere"));
            let mut all = match target.map(|target| resolved(target, document)) {
                Some(Value::Object(all)) => all,
                _ => Map::new(),
            };
            let own = fields.iter().filter(|(name, _)| *name != "$ref");
            all.extend(own.map(|(name, value)| (name.clone(), resolved(value, document))));
            all.into()
        }
        Value::Array(entries) => entries.iter().map(|entry| resolved(entry, document)).collect(),
        other => other.clone(),
    }
}

fn read(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join(path)).expect("the file is committed")).expect("the file is JSON")
}

#[test]
fn the_committed_description_means_the_same_bodies_as_the_schemas_of_the_commands() {
    let description = read("docs/reference/openapi.json");
    let mut different = Vec::new();
    for CommandSchema { context, name, .. } in commands() {
        let schema = read(&format!("event-schemas/commands/{context}.{name}.json"));
        let mut expected = resolved(&schema, &schema);
        for of_the_file in ["$schema", "$defs", "title", "$id"] {
            expected.as_object_mut().expect("a schema is an object").remove(of_the_file);
        }
        let body = &description["paths"][format!("/v1/{context}/{name}")]["post"]["requestBody"]["content"]["application/json"]["schema"];
        if resolved(body, &description) != expected {
            different.push(format!("{context}.{name}"));
        }
    }
    assert!(different.is_empty(), "openapi.json describes another body of {different:?}");
}
