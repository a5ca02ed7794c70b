//! What a resource says and its typed content does not: whatever did not survive being read is noted by its path.

use serde_json::{Map, Value};

use crate::element::Notes;

/// Notes what is in `stated` and not in `kept`.
pub(crate) fn compare(path: &str, stated: &Map<String, Value>, kept: &Map<String, Value>, notes: &mut Notes) {
    for (field, value) in stated {
        match kept.get(field) {
            Some(kept) => compare_value(path, field, value, kept, notes),
            None => notes.field(path, field, value),
        }
    }
}

fn compare_value(path: &str, field: &str, stated: &Value, kept: &Value, notes: &mut Notes) {
    let inner = format!("{path}.{field}");
    match (stated, kept) {
        (Value::Object(stated), Value::Object(kept)) => compare(&inner, stated, kept, notes),
        (Value::Array(stated), Value::Array(kept)) if stated.len() == kept.len() => {
            for (stated, kept) in stated.iter().zip(kept) {
                match (stated, kept) {
                    (Value::Object(stated), Value::Object(kept)) => compare(&inner, stated, kept, notes),
                    (stated, kept) if stated == kept => {}
                    (stated, _) => notes.field(path, field, stated),
                }
            }
        }
        (stated, kept) if stated == kept => {}
        (stated, _) => notes.field(path, field, stated),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compared(stated: &Value, kept: &Value) -> Notes {
        let mut notes = Notes::default();
        compare("Observation", stated.as_object().unwrap(), kept.as_object().unwrap(), &mut notes);
        notes
    }

    #[test]
    fn what_survived_is_not_noted_and_what_did_not_is_at_any_depth() {
        let stated = json!({
            "status": "final", "text": {}, "_status": {}, "note": [{ "text": "a" }, { "text": "b", "authorReference": {} }],
            "code": { "coding": [{ "code": "1", "userSelected": true, "extension": [{ "url": "http://e/ordinal" }] }] }, "component": [{}, {}],
        });
        let kept = json!({ "status": "final", "note": [{ "text": "a" }, { "text": "b" }], "code": { "coding": [{ "code": "1" }] } });
        let expected = [
            "Observation._status",
            "Observation.code.coding.extension[ordinal]",
            "Observation.code.coding.userSelected",
            "Observation.component",
            "Observation.component",
            "Observation.note.authorReference",
            "Observation.text",
        ];
        let mut noted = compared(&stated, &kept).not_kept;
        noted.sort_unstable();
        assert_eq!(noted, expected);
    }

    #[test]
    fn a_value_that_came_out_as_another_is_noted() {
        assert_eq!(compared(&json!({ "a": 1, "b": ["x", "y"], "c": [1] }), &json!({ "a": 2, "b": ["x", "z"], "c": [] })).not_kept.len(), 3);
        assert!(compared(&json!({ "a": 1.0, "b": ["x"] }), &json!({ "a": 1.0, "b": ["x"], "c": 1 })).not_kept.is_empty());
    }

    #[test]
    fn a_modifier_is_told_from_what_can_be_passed_over() {
        let modified = compared(&json!({ "component": [{ "modifierExtension": [{}] }] }), &json!({ "component": [{}] }));
        assert_eq!(modified.modifier.as_deref(), Some("Observation.component.modifierExtension"));
    }
}
