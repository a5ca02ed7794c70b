//! The committed schemas of commands and events: as the types say, and none too many or too few.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::Event;
use event_schemas::{CommandSchema, generated_files};

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
