//! Whether what came out is what went in: field by field, with ids and references written as the input has them.

use std::collections::{BTreeMap, HashMap};

use fhir::{Namespace, ResourceType, SourceName};
use serde_json::{Value, json};

use crate::app::App;

/// What Carelog calls the resources of an input, and what they are called there.
pub struct Ids {
    namespace: Namespace,
    /// `Type/<the source's id>` by `Type/<Carelog's id>`.
    back: HashMap<String, String>,
    /// `Type/<the source's id>` by `Type?identifier=<system>|<value>`.
    identified: HashMap<String, String>,
}

impl Ids {
    pub async fn of(app: &App, input: &[Value]) -> Self {
        let source: SourceName = "clinic".parse().unwrap();
        let namespace = Namespace::new(app.vault().await.namespace(app.tenant, &source.purpose()).await.unwrap());
        let mut ids = Self { namespace, back: HashMap::new(), identified: HashMap::new() };
        for resource in input {
            let (kind, id) = (text(&resource["resourceType"]), text(&resource["id"]));
            ids.name(&format!("{kind}/{id}"));
            for identifier in resource["identifier"].as_array().into_iter().flatten() {
                let key = format!("{kind}?identifier={}|{}", text(&identifier["system"]), text(&identifier["value"]));
                ids.identified.insert(key, format!("{kind}/{id}"));
            }
            // Subjects that are not in the input were registered under the ids that follow from these references.
            ids.name(text(&resource["subject"]["reference"]));
        }
        ids
    }

    fn name(&mut self, reference: &str) {
        let Some((kind, id)) = reference.split_once('/') else { return };
        let resource_type = ResourceType::named(kind).unwrap();
        self.back.insert(format!("{kind}/{}", self.namespace.resource(resource_type, id)), reference.to_owned());
    }

    /// References as `Type/<the source's id>`.
    fn plain(&self, field: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (field, value) in fields.iter_mut() {
                    self.plain(field, value);
                }
                if let Some(Value::String(reference)) = fields.get_mut("reference") {
                    let known = self.back.get(reference).or_else(|| self.identified.get(reference)).cloned();
                    *reference = known.unwrap_or_else(|| reference.clone());
                } else if let Some((kind, identifier)) = logical(field).and_then(|kind| Some((kind, fields.remove("identifier")?))) {
                    let key = format!("{kind}?identifier={}|{}", text(&identifier["system"]), text(&identifier["value"]));
                    fields.insert("reference".to_owned(), self.identified[&key].clone().into());
                }
            }
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.plain(field, entry)),
            _ => {}
        }
    }
}

/// The types of the fields that refer by identifier alone in the input.
fn logical(field: &str) -> Option<&'static str> {
    ["practitioner Practitioner", "organization Organization", "managingOrganization Organization", "location Location"]
        .iter()
        .find_map(|line| line.split_once(' ').filter(|(name, _)| *name == field).map(|(_, kind)| kind))
}

/// The outcome.
#[derive(Default)]
pub struct Same {
    pub resources: usize,
    /// Values that are the same.
    pub values: usize,
    /// Resources that did not come out.
    pub missing: Vec<String>,
    /// Paths that did not come out, or not the same.
    lost: BTreeMap<String, i64>,
    /// Paths that came out and had not gone in.
    pub added: Value,
}

impl Same {
    pub fn of(input: &[Value], exported: &[Value], ids: &Ids) -> Self {
        let mut found: HashMap<String, Value> = HashMap::new();
        for resource in exported {
            let mut resource = resource.clone();
            let id = format!("{}/{}", text(&resource["resourceType"]), text(&resource["id"]));
            resource.as_object_mut().unwrap().retain(|field, _| !matches!(field.as_str(), "id" | "meta"));
            ids.plain("", &mut resource);
            found.insert(ids.back.get(&id).cloned().unwrap_or(id), resource);
        }
        let (mut same, mut added) = (Self::default(), BTreeMap::<String, i64>::new());
        for resource in input {
            let (kind, id) = (text(&resource["resourceType"]), text(&resource["id"]));
            let Some(exported) = found.get(&format!("{kind}/{id}")) else {
                same.missing.push(format!("{kind}/{id}"));
                continue;
            };
            same.resources += 1;
            let mut stated = resource.clone();
            stated.as_object_mut().unwrap().remove("id");
            ids.plain("", &mut stated);
            if kind == "Location" && stated["name"].is_null() {
                stated["name"] = stated["description"].take();
                stated.as_object_mut().unwrap().remove("description");
            }
            same.values += compare(kind, &stated, exported, &mut same.lost);
            compare(kind, exported, &stated, &mut added);
        }
        // What came out as another value is lost, and not added besides.
        added.iter_mut().for_each(|(path, count)| *count -= same.lost.get(path).copied().unwrap_or_default());
        added.retain(|_, count| *count > 0);
        same.added = json!(added);
        same
    }

    /// What was lost less what the report says: nothing, where every loss was told.
    pub fn unlike(&self, report: &Value) -> Value {
        let mut unlike = self.lost.clone();
        for (path, count) in report["notKept"].as_object().unwrap().iter().chain(report["leftOut"].as_object().unwrap()) {
            let path = path.split(' ').next().unwrap();
            *unlike.entry(path.to_owned()).or_default() -= count.as_i64().unwrap();
        }
        unlike.retain(|_, count| *count != 0);
        json!(unlike)
    }
}

/// Counts the values of `one` that `other` has too, and the paths of those that it does not.
fn compare(path: &str, one: &Value, other: &Value, unlike: &mut BTreeMap<String, i64>) -> usize {
    match (one, other) {
        (Value::Object(fields), Value::Object(others)) => {
            let mut same = 0;
            for (field, value) in fields {
                let path = format!("{path}.{field}");
                match others.get(field) {
                    Some(other) => same += compare(&path, value, other, unlike),
                    None => note(&path, value, unlike),
                }
            }
            same
        }
        (Value::Array(entries), Value::Array(others)) if entries.len() == others.len() => {
            entries.iter().zip(others).map(|(entry, other)| compare(path, entry, other, unlike)).sum()
        }
        // Entries were left out of a list.
        (Value::Array(entries), Value::Array(others)) => {
            let (same, lost): (Vec<&Value>, Vec<&Value>) = entries.iter().partition(|entry| others.contains(entry));
            lost.into_iter().for_each(|entry| note(path, entry, unlike));
            same.len()
        }
        (one, other) if one == other => 1,
        _ => {
            note(path, one, unlike);
            0
        }
    }
}

/// As the report counts: each entry of a list, extensions by the last part of their URL.
fn note(path: &str, value: &Value, unlike: &mut BTreeMap<String, i64>) {
    let entries = if let Value::Array(entries) = value { entries.as_slice() } else { std::slice::from_ref(value) };
    for entry in entries {
        // A reference that leads nowhere and says nothing else is left out with what it stands in.
        let path = if entry.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key("reference")) {
            format!("{path}.reference")
        } else {
            path.to_owned()
        };
        let url = entry["url"].as_str().filter(|_| path.ends_with(".extension"));
        let path = url.map_or_else(|| path.clone(), |url| format!("{path}[{}]", url.rsplit('/').next().unwrap()));
        *unlike.entry(path).or_default() += 1;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
