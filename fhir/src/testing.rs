//! Resources in, the bodies of commands out, as a caller would send them.

use domain::time::Zone;
use domain::{Command, phi};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command::{ImportCommand, Upload, Visitor};
use crate::element::Notes;
use crate::index::{Glance, Index};
use crate::map::{Imported, Mapped, NotUnderstood, map};
use crate::namespace::Namespace;
use crate::resource_type::ResourceType;
use crate::subject::Patients;

pub const NAMESPACE: Uuid = Uuid::from_u128(1);

/// The id that a resource of the tests gets.
pub fn id(resource_type: ResourceType, id: &str) -> Uuid {
    Namespace::new(NAMESPACE).resource(resource_type, id)
}

/// Reads a resource that is alone in the world.
pub fn read(resource: &Value) -> Result<Mapped, NotUnderstood> {
    read_among(&[], resource)
}

/// Reads a resource that may refer to others.
pub fn read_among(others: &[Value], resource: &Value) -> Result<Mapped, NotUnderstood> {
    read_with(&Patients::default(), others, resource)
}

/// Reads a resource whose patient may have to be found otherwise.
pub fn read_with(patients: &Patients, others: &[Value], resource: &Value) -> Result<Mapped, NotUnderstood> {
    let mut index = Index::new(Namespace::new(NAMESPACE));
    for other in others {
        index.add(other.to_string().as_bytes(), None)?;
    }
    let json = resource.to_string();
    let Glance::Imported(resource_type, id) = index.add(json.as_bytes(), None)? else { panic!("not a resource to import") };
    map(json.as_bytes(), id, resource_type, &Imported::new(&index, Zone(chrono_tz::America::Chicago), patients))
}

/// The commands' names and bodies, and what was noted.
pub fn bodies(mapped: Result<Mapped, NotUnderstood>) -> (Vec<(&'static str, Value)>, Notes) {
    let mapped = mapped.unwrap_or_else(|error| panic!("{error}"));
    (mapped.steps.iter().map(|step| (step.command.name(), body(&step.command))).collect(), mapped.notes)
}

/// The one command's body.
pub fn only(mapped: Result<Mapped, NotUnderstood>) -> (Value, Notes) {
    let (mut bodies, notes) = bodies(mapped);
    assert_eq!(bodies.len(), 1);
    (bodies.remove(0).1, notes)
}

fn body(command: &ImportCommand) -> Value {
    struct Body;
    impl Visitor for Body {
        type Output = Value;
        fn visit<C: Command + Clone + Into<ImportCommand>>(self, command: &C) -> Value {
            let (clear, protected) = phi::split(command).unwrap();
            filled(clear, &protected.into_known().unwrap())
        }
        fn upload(self, upload: &Upload) -> Value {
            let (clear, protected) = phi::split(&upload.metadata).unwrap();
            let mut body = filled(clear, &protected.into_known().unwrap());
            body["bytes"] = std::str::from_utf8(&upload.content).unwrap().into();
            body
        }
    }
    command.visit(Body)
}

fn filled(clear: Value, protected: &[Value]) -> Value {
    match clear {
        Value::Object(fields) => match fields.get("phi").and_then(Value::as_u64) {
            Some(place) => protected[usize::try_from(place).unwrap()].clone(),
            None => fields.into_iter().map(|(name, value)| (name, filled(value, protected))).collect(),
        },
        Value::Array(entries) => entries.into_iter().map(|entry| filled(entry, protected)).collect(),
        other => other,
    }
}

/// What everyone in the tests is known by.
pub fn identifier(value: &str) -> Value {
    json!({ "system": "urn:source", "value": value })
}

/// The paths that were noted as not kept.
pub fn not_kept(notes: &Notes) -> Vec<&str> {
    notes.not_kept.iter().map(String::as_str).collect()
}

/// The paths and rules of what was left out.
pub fn left_out(notes: &Notes) -> Vec<(&str, &'static str)> {
    notes.left_out.iter().map(|left| (left.path.as_str(), left.rule.0)).collect()
}
