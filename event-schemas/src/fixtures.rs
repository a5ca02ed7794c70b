//! What is committed of every event version ever stored: `fixtures/<context>.<Name>.v<version>.json`, added once and never edited.

use std::collections::BTreeSet;
use std::path::PathBuf;

use domain::{Event, EventType, Phi};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::examples::{Example, examples};

/// The examples of one event version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    examples: Vec<Entry>,
}

/// What one example is stored as, before it is sealed, and what it means.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    clear: Value,
    protected: Vec<Value>,
    meaning: Meaning,
}

/// What the system sees of an event, whatever version it was stored in.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meaning {
    subject: String,
    labels: Vec<String>,
    occurred: Option<String>,
    /// The plain event, in the shape of the version that the fixture is of.
    event: Value,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn path(event_type: EventType) -> PathBuf {
    folder().join(format!("{event_type}.v{}.json", event_type.version))
}

fn split(event: &Event) -> (Value, Vec<Value>) {
    let (clear, protected) = event.split().unwrap();
    (clear, protected.into_known().unwrap())
}

/// The clear payload with every protected value back in its place.
fn plain(clear: &Value, protected: &[Value]) -> Value {
    match clear {
        Value::Object(fields) => match fields.get("phi").and_then(Value::as_u64) {
            Some(index) if fields.len() == 1 => protected[usize::try_from(index).unwrap()].clone(),
            _ => fields.iter().map(|(name, value)| (name.clone(), plain(value, protected))).collect::<serde_json::Map<_, _>>().into(),
        },
        Value::Array(items) => items.iter().map(|item| plain(item, protected)).collect(),
        other => other.clone(),
    }
}

fn meaning(event: &Event) -> Meaning {
    let (clear, protected) = split(event);
    Meaning {
        subject: event.subject().to_string(),
        labels: event.labels().iter().map(|label| label.code().to_owned()).collect(),
        occurred: event.occurred().map(|time| time.to_rfc3339()),
        event: plain(&clear, &protected),
    }
}

/// With the fields of every object in the order of their names, so that a difference is one of meaning.
fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

fn fixture(event_type: EventType) -> String {
    let of_type = examples().into_iter().filter(|example| example.event.event_type() == event_type);
    let entry = |Example { name, event }: Example| {
        let (clear, protected) = split(&event);
        let Meaning { event: plain, .. } = meaning(&event);
        let meaning = Meaning { event: sorted(plain), ..meaning(&event) };
        Entry { name: name.to_owned(), clear: sorted(clear), protected: protected.into_iter().map(sorted).collect(), meaning }
    };
    let fixture = Fixture { examples: of_type.map(entry).collect() };
    serde_json::to_string_pretty(&fixture).unwrap() + "\n"
}

/// Every committed fixture: the stored type's name, its version and the examples.
fn committed() -> Vec<(String, u16, Vec<Entry>)> {
    let mut fixtures = Vec::new();
    for file in std::fs::read_dir(folder()).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let (event_type, version) = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once(".v")).unwrap();
        let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
        fixtures.push((event_type.to_owned(), version.parse().unwrap(), fixture.examples));
    }
    fixtures
}

fn decode(event_type: &str, version: u16, entry: &Entry) -> Event {
    let protected = Phi::Known(entry.protected.clone());
    Event::decode(event_type, version, entry.clear.clone(), protected).unwrap_or_else(|error| panic!("{event_type} v{version} {}: {error}", entry.name))
}

/// The schema of what is stored: a placeholder wherever the plain schema has a protected field.
fn with_placeholders(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) if fields.get("x-phi") == Some(&Value::Bool(true)) => serde_json::json!({
            "type": "object", "properties": { "phi": { "type": "integer" } }, "required": ["phi"], "additionalProperties": false,
        }),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), with_placeholders(value))).collect::<serde_json::Map<_, _>>().into(),
        Value::Array(items) => items.iter().map(with_placeholders).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_event_has_an_example() {
    let given = examples().iter().map(|example| example.event.event_type()).collect::<std::collections::BTreeSet<_>>();
    for event_type in Event::types() {
        assert!(given.contains(&event_type), "add an example of {event_type} to event-schemas/src/examples");
    }
}

#[test]
fn no_fixture_of_an_earlier_version_is_gone() {
    let committed: Vec<(String, u16)> = committed().into_iter().map(|(name, version, _)| (name, version)).collect();
    for event_type in Event::types() {
        for version in 1..event_type.version {
            assert!(committed.contains(&(event_type.to_string(), version)), "{event_type}.v{version}.json was there once");
        }
    }
}

#[test]
fn every_event_has_a_fixture_of_its_present_version() {
    for event_type in Event::types() {
        let path = path(event_type);
        assert!(path.exists(), "commit this file:\n{}\n{}", path.display(), fixture(event_type));
    }
}

/// A fixture is added to, and never edited: what was stored once is read for ever.
#[test]
fn every_example_is_in_the_fixture_of_its_event() {
    let committed = committed();
    for Example { name, event } in examples() {
        let (event_type, (clear, protected)) = (event.event_type(), split(&event));
        let of_type = committed.iter().filter(|(name, version, _)| *name == event_type.to_string() && *version == event_type.version);
        let there = of_type.flat_map(|(_, _, entries)| entries).any(|entry| entry.name == name && entry.clear == clear && entry.protected == protected);
        assert!(there, "append the example `{name}` to this file:\n{}\n{}", path(event_type).display(), fixture(event_type));
    }
}

/// The properties that a schema has, by the definition that they are in, less what `examples` give a value to.
fn never_given(schema: &Value, examples: &[Value]) -> BTreeSet<(String, String)> {
    let mut properties = BTreeSet::new();
    declared(schema, "", &mut properties);
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    definitions.for_each(|(name, definition)| declared(definition, name, &mut properties));
    let mut given = BTreeSet::new();
    for example in examples {
        visit(schema, schema, example, "", &mut given);
    }
    properties.difference(&given).cloned().collect()
}

fn declared(schema: &Value, place: &str, found: &mut BTreeSet<(String, String)>) {
    for (keyword, value) in schema.as_object().into_iter().flatten().filter(|(keyword, _)| *keyword != "$defs") {
        match value {
            Value::Object(properties) if keyword == "properties" => properties.iter().for_each(|(name, property)| {
                found.insert((place.to_owned(), name.clone()));
                declared(property, place, found);
            }),
            Value::Array(alternatives) => alternatives.iter().for_each(|alternative| declared(alternative, place, found)),
            other => declared(other, place, found),
        }
    }
}

fn visit(document: &Value, schema: &Value, value: &Value, place: &str, given: &mut BTreeSet<(String, String)>) {
    if value.is_null() {
        return;
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/")) {
        visit(document, &document["$defs"][name], value, name, given);
    }
    for alternatives in ["anyOf", "oneOf", "allOf"] {
        schema[alternatives].as_array().into_iter().flatten().for_each(|alternative| visit(document, alternative, value, place, given));
    }
    value.as_array().into_iter().flatten().for_each(|entry| visit(document, &schema["items"], entry, place, given));
    for (name, field) in value.as_object().into_iter().flatten() {
        if let Some(property) = schema["properties"].get(name) {
            given.insert((place.to_owned(), name.clone()));
            visit(document, property, field, place, given);
        }
    }
}

#[test]
fn every_property_of_an_event_has_a_value_in_some_example() {
    let mut never = Vec::new();
    for schema in Event::schemas() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("events/{}.v{}.json", schema.event_type, schema.event_type.version));
        let committed: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let of_type = examples().into_iter().filter(|example| example.event.event_type() == schema.event_type);
        let plain: Vec<Value> = of_type.map(|example| meaning(&example.event).event).collect();
        never.extend(never_given(&committed, &plain).into_iter().map(|missing| (schema.event_type, missing)));
    }
    assert!(never.is_empty(), "give a value in a further example of event-schemas/src/examples: {never:?}");
}

#[test]
fn every_fixture_still_reads_and_means_the_same() {
    for (event_type, version, entries) in committed() {
        for entry in entries {
            let event = decode(&event_type, version, &entry);
            let (clear, protected) = split(&event);
            let now = meaning(&event);
            let names = format!("{event_type} v{version} {}", entry.name);
            assert!(now.subject == entry.meaning.subject, "{names}: another subject");
            assert!(now.labels == entry.meaning.labels, "{names}: other labels");
            assert!(now.occurred == entry.meaning.occurred, "{names}: occurred at another time");
            if version == event.event_type().version {
                assert!(now.event == entry.meaning.event, "{names}: reads differently");
                assert!(clear == entry.clear && protected == entry.protected, "{names}: is stored differently; raise the version instead");
            }
        }
    }
}

#[test]
fn every_fixture_reads_without_its_protected_values() {
    for (event_type, version, entries) in committed() {
        for entry in entries {
            let erased = Event::decode(&event_type, version, entry.clear.clone(), Phi::Erased);
            assert!(erased.is_ok(), "{event_type} v{version} {}", entry.name);
        }
    }
}

#[test]
fn plain_and_stored_forms_have_the_committed_schema() {
    for schema in Event::schemas() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("events/{}.v{}.json", schema.event_type, schema.event_type.version));
        let committed: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {}", path.display()))).unwrap();
        let plain_form = jsonschema::draft202012::new(&committed).unwrap();
        let stored_form = jsonschema::draft202012::new(&with_placeholders(&committed)).unwrap();
        for example in examples().iter().filter(|example| example.event.event_type() == schema.event_type) {
            let (clear, protected) = split(&example.event);
            let names = format!("{} {}", schema.event_type, example.name);
            assert!(plain_form.is_valid(&plain(&clear, &protected)), "{names}: the plain form is not as its schema says");
            assert!(stored_form.is_valid(&clear), "{names}: the schema's `x-phi` does not mark exactly what is sealed");
        }
    }
}
