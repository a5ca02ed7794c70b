//! The JSON Schemas that are committed here: generated from the types, and compared with them by `carelog generate --check`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::Event;
use domain::access::Authority;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The JSON Schema of a command's body.
pub struct CommandSchema {
    /// The context, such as `scheduling`.
    pub context: &'static str,
    /// The command in kebab case, such as `book-appointment`.
    pub name: &'static str,
    /// Draft 2020-12; a protected field carries `x-phi: true`.
    pub schema: Schema,
}

/// Every file to commit, by its path from the checkout's root. Only events' present versions: a file of an older version stays as it was committed.
pub fn generated_files(commands: &[CommandSchema]) -> BTreeMap<PathBuf, String> {
    let events = Event::schemas().into_iter().map(|event| {
        let path = format!("event-schemas/events/{}.v{}.json", event.event_type, event.event_type.version);
        (PathBuf::from(path), text(&event.schema))
    });
    let commands = commands.iter().map(|command| {
        let path = format!("event-schemas/commands/{}.{}.json", command.context, command.name);
        (PathBuf::from(path), text(&command.schema))
    });
    let authority = (PathBuf::from("event-schemas/authority.json"), text(&authority()));
    events.chain(commands).chain([authority]).collect()
}

/// What stands beside an event and says by what authority it was appended.
fn authority() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Authority>()
}

/// Indented, with the fields of every object in the order of their names: so that a difference is one of meaning.
pub fn ordered(mut value: Value) -> String {
    value.sort_all_objects();
    format!("{value:#}\n")
}

fn text(schema: &Schema) -> String {
    ordered(schema.as_value().clone())
}
