//! References inside of a resource: to what is in the input, by Carelog's ids.

use domain::InvalidValue;
use serde_json::{Map, Value};

use crate::element::{LeftOut, Notes, legible};
use crate::map::Imported;

/// Nothing in these is kept, so nothing in them is looked up.
const PASSED_OVER: [&str; 4] = ["contained", "extension", "modifierExtension", "text"];
/// What an entry of a list says nothing without: `Encounter.location.location`, `Procedure.performer.actor`.
const ESSENTIAL: [&str; 2] = ["location", "actor"];

/// Writes every literal reference as `Type/<Carelog's id>`. One that leads nowhere loses the literal and keeps its identifier and display; without either
/// it is left out.
pub(crate) fn rewrite(path: &str, fields: &mut Map<String, Value>, imported: &Imported<'_>, notes: &mut Notes) {
    rewrite_literal(path, fields, imported, notes);
    fields.retain(|field, value| PASSED_OVER.contains(&field.as_str()) || rewrite_value(&format!("{path}.{}", legible(field)), value, imported, notes));
}

/// Whether there is still something in it.
fn rewrite_value(path: &str, value: &mut Value, imported: &Imported<'_>, notes: &mut Notes) -> bool {
    match value {
        Value::Object(fields) => {
            let empty = fields.is_empty();
            rewrite(path, fields, imported, notes);
            empty || !fields.is_empty()
        }
        Value::Array(entries) => {
            let empty = entries.is_empty();
            entries.retain_mut(|entry| {
                let essential = essential(entry);
                rewrite_value(path, entry, imported, notes) && essential.is_none_or(|field| entry.get(field).is_some())
            });
            empty || !entries.is_empty()
        }
        _ => true,
    }
}

fn essential(entry: &Value) -> Option<&'static str> {
    ESSENTIAL.into_iter().find(|field| entry.get(field).is_some())
}

fn rewrite_literal(path: &str, fields: &mut Map<String, Value>, imported: &Imported<'_>, notes: &mut Notes) {
    let Some(literal) = fields.get("reference").and_then(Value::as_str) else { return };
    if let Some((resource_type, id)) = imported.index.resolve(literal, imported.server) {
        fields.insert("reference".to_owned(), format!("{}/{id}", resource_type.name()).into());
    } else {
        fields.remove("reference");
        if !["identifier", "display"].iter().any(|kept| fields.contains_key(*kept)) {
            fields.clear();
        }
        notes.left_out.push(LeftOut { path: format!("{path}.reference"), rule: InvalidValue("lead to one resource of the input") });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use domain::records::FactKind;

    use super::*;

    /// The schema of what an event says, with its definitions.
    fn schema(event: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../event-schemas/events/{event}.v1.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn definition<'schema>(schema: &'schema Value, of: &'schema Value) -> &'schema Value {
        of["$ref"].as_str().map_or(of, |place| schema.pointer(place.trim_start_matches('#')).unwrap())
    }

    /// The references that an entry of some list in this must have.
    fn required_references(schema: &Value) -> BTreeSet<&str> {
        let lists = schema["$defs"].as_object().unwrap().values().flat_map(|part| part["properties"].as_object().into_iter().flat_map(Map::values));
        let entries = lists.filter_map(|field| field.get("items")).map(|entry| definition(schema, entry));
        let required = entries.flat_map(|entry| {
            let names = entry["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            names.filter(|name| entry["properties"][*name]["$ref"] == "#/$defs/Reference")
        });
        required.collect()
    }

    #[test]
    fn what_an_entry_says_nothing_without_is_named_for_every_kind() {
        let events = FactKind::ALL.iter().map(|kind| format!("records.{}Recorded", kind.resource_type()));
        let schemas: Vec<Value> = events.chain(["documents.DocumentUploaded".to_owned()]).map(|event| schema(&event)).collect();
        let required: BTreeSet<&str> = schemas.iter().flat_map(required_references).collect();
        assert_eq!(required, ESSENTIAL.into_iter().collect());
    }
}
