//! A resource is read by taking it apart: what is still there in the end is what was not kept.

use std::cell::RefCell;

use domain::InvalidValue;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::map::NotUnderstood;

/// What was noted while a resource was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Notes {
    /// The FHIR paths that Carelog has no place for, once for each occurrence.
    pub not_kept: Vec<String>,
    /// The values that Carelog has a place for and could not take.
    pub left_out: Vec<LeftOut>,
    /// The values that were taken though they break a rule, because nobody could be asked.
    pub flagged: Vec<LeftOut>,
    /// An element that changes the meaning of others and is not understood.
    pub(crate) modifier: Option<String>,
}

/// A value that breaks a rule. It names the rule and never repeats the value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// Its FHIR path.
    pub path: String,
    /// The rule.
    pub rule: InvalidValue,
}

/// An object of a resource. Reading a field takes it out; when the element is dropped, what is left in it is noted as not kept.
pub(crate) struct Element<'notes> {
    path: String,
    fields: Map<String, Value>,
    touched: bool,
    notes: &'notes RefCell<Notes>,
}

/// Elements that change the meaning of what stands beside them (FHIR R4, section 2.5.1 and `Resource.implicitRules`).
const MODIFIERS: [&str; 2] = ["modifierExtension", "implicitRules"];

impl<'notes> Element<'notes> {
    pub(crate) fn new(path: String, fields: Map<String, Value>, notes: &'notes RefCell<Notes>) -> Self {
        Self { path, fields, touched: false, notes }
    }

    /// The path of a field, `Patient.birthDate`.
    pub(crate) fn path_of(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// Whether a field holds this very text; nothing is taken.
    pub(crate) fn says(&self, field: &str, text: &str) -> bool {
        self.fields.get(field).and_then(Value::as_str) == Some(text)
    }

    /// Whether a field is there; nothing is taken.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Takes a field whose value says nothing beyond what Carelog takes for granted; any other value stays, and so is noted.
    pub(crate) fn granted(&mut self, field: &str, value: impl Into<Value>) {
        if self.fields.get(field) == Some(&value.into()) {
            self.take(field);
        }
    }

    /// A text as it stands.
    pub(crate) fn text(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) => Some(text),
            _ => self.left_out(field, InvalidValue("be a JSON string")),
        }
    }

    /// A text that its type parses.
    pub(crate) fn value<T: TryFrom<String, Error = InvalidValue>>(&mut self, field: &str) -> Option<T> {
        let text = self.text(field)?;
        T::try_from(text).map_or_else(|rule| self.left_out(field, rule), Some)
    }

    /// A list of texts that their type parses; `null` stands where there is only an extension, which is noted by itself.
    pub(crate) fn values<T: TryFrom<String, Error = InvalidValue>>(&mut self, field: &str) -> Vec<T> {
        let list = self.list(field).into_iter().filter(|entry| !entry.is_null());
        let parsed = list.map(|entry| match entry {
            Value::String(text) => T::try_from(text),
            _ => Err(InvalidValue("be a JSON string")),
        });
        let parsed: Vec<_> = parsed.collect();
        parsed.into_iter().filter_map(|value| value.map_or_else(|rule| self.left_out(field, rule), Some)).collect()
    }

    /// A code of a closed value set.
    pub(crate) fn code<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        let value = self.take(field)?;
        serde_json::from_value(value).map_or_else(|_| self.left_out(field, InvalidValue("be a code of its value set")), Some)
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, field: &str) -> Option<bool> {
        match self.take(field)? {
            Value::Bool(value) => Some(value),
            _ => self.left_out(field, InvalidValue("be a JSON boolean")),
        }
    }

    /// An object.
    pub(crate) fn part(&mut self, field: &str) -> Option<Self> {
        match self.take(field)? {
            Value::Object(fields) => Some(Self::new(self.path_of(field), fields, self.notes)),
            _ => self.left_out(field, InvalidValue("be a JSON object")),
        }
    }

    /// A list of objects.
    pub(crate) fn parts(&mut self, field: &str) -> Vec<Self> {
        let mut parts = Vec::new();
        for entry in self.list(field) {
            match entry {
                Value::Object(fields) => parts.push(Self::new(self.path_of(field), fields, self.notes)),
                _ => drop(self.left_out::<()>(field, InvalidValue("be a JSON object"))),
            }
        }
        parts
    }

    /// Takes all that is left, to be noted by whoever reads it.
    pub(crate) fn rest(&mut self) -> Map<String, Value> {
        self.touched = true;
        self.fields.sort_keys();
        std::mem::take(&mut self.fields)
    }

    /// Looks at a field; nothing is taken.
    pub(crate) fn peek(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// Where what is not taken is noted.
    pub(crate) fn notes(&self) -> &'notes RefCell<Notes> {
        self.notes
    }

    /// Gives the whole element up, for a rule that it breaks.
    pub(crate) fn give_up(mut self, rule: InvalidValue) {
        self.touched = true;
        self.fields.clear();
        self.notes.borrow_mut().left_out.push(LeftOut { path: std::mem::take(&mut self.path), rule });
    }

    /// Notes a value that was taken all the same.
    pub(crate) fn flag(&self, field: &str, rule: InvalidValue) {
        self.notes.borrow_mut().flagged.push(LeftOut { path: self.path_of(field), rule });
    }

    /// Notes a field that was looked at and has no place after all.
    pub(crate) fn not_kept(&self, field: &str) {
        self.notes.borrow_mut().not_kept.push(self.path_of(field));
    }

    /// That Carelog cannot do without a field.
    pub(crate) fn missing(&self, field: &str) -> NotUnderstood {
        NotUnderstood::ValueMissing { path: self.path_of(field) }
    }

    fn list(&mut self, field: &str) -> Vec<Value> {
        match self.take(field) {
            None => Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => self.left_out(field, InvalidValue("be a JSON array")).unwrap_or_default(),
        }
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        let value = self.fields.remove(field)?;
        self.touched = true;
        Some(value)
    }

    /// Notes a broken value; there is nothing to go on with.
    pub(crate) fn left_out<T>(&self, field: &str, rule: InvalidValue) -> Option<T> {
        self.notes.borrow_mut().left_out.push(LeftOut { path: self.path_of(field), rule });
        None
    }
}

impl Drop for Element<'_> {
    fn drop(&mut self) {
        let mut notes = self.notes.borrow_mut();
        if !self.touched {
            // Nobody asked for anything in it: it is one thing that is not kept.
            notes.not_kept.push(std::mem::take(&mut self.path));
            return;
        }
        // By name, in whatever order they came.
        self.fields.sort_keys();
        for (field, value) in &self.fields {
            notes.field(&self.path, field, value);
        }
    }
}

impl Notes {
    /// Notes a field that was not taken.
    pub(crate) fn field(&mut self, path: &str, field: &str, value: &Value) {
        let path = format!("{path}.{}", legible(field));
        if MODIFIERS.contains(&field) {
            self.modifier.get_or_insert(path);
        } else {
            note(&mut self.not_kept, path, value);
        }
    }
}

/// Each entry of a list counts; extensions go by the last part of their URL.
fn note(not_kept: &mut Vec<String>, path: String, value: &Value) {
    let Value::Array(entries) = value else {
        not_kept.push(path);
        return;
    };
    for entry in entries {
        let extension = path.ends_with(".extension").then(|| entry.get("url").and_then(Value::as_str)).flatten();
        not_kept.push(match extension {
            Some(url) => format!("{path}[{}]", legible(url.rsplit('/').next().unwrap_or_default())),
            None => path.clone(),
        });
    }
}

/// A field's name, unless it is nothing that FHIR would name a field: then it may be anything, even something about a person.
pub(crate) fn legible(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.is_empty() && name.len() <= 80 && name.chars().all(plain) { name } else { "?" }
}

#[cfg(test)]
mod tests {
    use domain::value::Line;
    use serde_json::json;

    use super::*;

    fn read(json: &Value, reading: impl FnOnce(&mut Element<'_>)) -> Notes {
        let notes = RefCell::default();
        let mut element = Element::new("Patient".into(), json.as_object().unwrap().clone(), &notes);
        reading(&mut element);
        drop(element);
        notes.into_inner()
    }

    fn not_kept(json: &Value, reading: impl FnOnce(&mut Element<'_>)) -> Vec<String> {
        read(json, reading).not_kept
    }

    #[test]
    fn what_is_taken_is_not_noted_and_what_is_left_is() {
        let json = json!({ "id": "1", "birthDate": "1950", "photo": [{}, {}], "meta": { "versionId": "1" } });
        assert_eq!(not_kept(&json, |patient| drop(patient.text("id"))), ["Patient.birthDate", "Patient.meta", "Patient.photo", "Patient.photo"]);
    }

    #[test]
    fn inside_of_a_part_that_is_read_each_field_counts_and_one_that_nobody_reads_counts_once() {
        let json = json!({ "name": [{ "family": "A", "text": "A B" }, { "family": "C", "text": "C" }] });
        let noted = not_kept(&json, |patient| drop(patient.parts("name").first_mut().and_then(|name| name.text("family"))));
        assert_eq!(noted, ["Patient.name.text", "Patient.name"]);
    }

    #[test]
    fn extensions_are_noted_by_the_last_part_of_their_url() {
        let json =
            json!({ "id": "1", "extension": [{ "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race" }, { "url": "http://e/a b" }, {}] });
        let noted = not_kept(&json, |patient| drop(patient.text("id")));
        assert_eq!(noted, ["Patient.extension[us-core-race]", "Patient.extension[?]", "Patient.extension"]);
    }

    #[test]
    fn a_field_that_no_one_would_name_so_is_not_repeated() {
        let json = json!({ "id": "1", "Needle Smith, 1950-01-01": true });
        assert_eq!(not_kept(&json, |patient| drop(patient.text("id"))), ["Patient.?"]);
    }

    #[test]
    fn a_broken_value_is_left_out_by_its_rule() {
        let json = json!({ "id": 1, "name": "A", "line": ["", null, 2, "ok"] });
        let notes = read(&json, |patient| {
            assert!(patient.text("id").is_none() && patient.parts("name").is_empty());
            assert_eq!(patient.values::<Line>("line").len(), 1);
        });
        let paths: Vec<&str> = notes.left_out.iter().map(|left| left.path.as_str()).collect();
        assert_eq!(paths, ["Patient.id", "Patient.name", "Patient.line", "Patient.line"]);
        assert!(notes.not_kept.is_empty());
    }

    #[test]
    fn what_is_granted_is_taken_only_where_it_says_just_that() {
        assert!(not_kept(&json!({ "id": "1", "active": true }), |e| (drop(e.text("id")), e.granted("active", true)).1).is_empty());
        assert_eq!(not_kept(&json!({ "id": "1", "active": false }), |e| (drop(e.text("id")), e.granted("active", true)).1), ["Patient.active"]);
    }

    #[test]
    fn a_modifier_that_stays_is_seen_at_any_depth_that_is_read() {
        let json = json!({ "name": [{ "family": "A", "modifierExtension": [{ "url": "http://e/not" }] }] });
        let notes = read(&json, |patient| drop(patient.parts("name").first_mut().and_then(|name| name.text("family"))));
        assert_eq!(notes.modifier.as_deref(), Some("Patient.name.modifierExtension"));
    }

    #[test]
    fn an_element_given_up_is_left_out_as_a_whole() {
        let json = json!({ "identifier": [{ "value": "1", "period": {} }] });
        let notes = read(&json, |patient| patient.parts("identifier").into_iter().for_each(|part| part.give_up(InvalidValue("name its system"))));
        assert!(notes.not_kept.is_empty());
        assert_eq!(notes.left_out, [LeftOut { path: "Patient.identifier".into(), rule: InvalidValue("name its system") }]);
    }
}
