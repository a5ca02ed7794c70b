//! Clinical facts: what they say has the resource's shape already.

use domain::Label;
use domain::records::FactKind;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Resource, reference};
use crate::resource_type::ResourceType;
use crate::taken_back;

/// A row of `chart_fact`.
#[derive(Deserialize)]
pub struct FactRow {
    /// The fact.
    pub fact_id: Uuid,
    /// The record that it was recorded in.
    pub patient_id: Uuid,
    kind: FactKind,
    content: Option<Map<String, Value>>,
    #[serde(deserialize_with = "Label::all_borne")]
    security: Vec<Label>,
    entered_in_error: bool,
    changed: Changed,
    position: i64,
}

/// The event that changed a row last.
#[derive(Deserialize)]
pub(super) struct Changed {
    pub(super) recorded: String,
}

impl FactRow {
    /// The resource; `None` once it is erased: what is left would be no resource of its type.
    pub fn resource(self) -> Option<Value> {
        let mut content = self.content?;
        prune(&mut content);
        if self.entered_in_error {
            taken_back::put(self.kind, &mut content);
        }
        let mut resource = Resource::of(content, ResourceType::Fact(self.kind), self.fact_id, self.position, Some(&self.changed.recorded));
        resource.set(taken_back::header(self.kind).patient, reference(ResourceType::Patient, self.patient_id));
        Some(resource.labelled(&self.security).finish())
    }
}

/// FHIR has no empty elements: where all that an element held was left out, so is the element.
pub(super) fn prune(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| match value {
        Value::Object(fields) => {
            prune(fields);
            !fields.is_empty()
        }
        Value::Array(entries) => {
            entries.iter_mut().filter_map(Value::as_object_mut).for_each(prune);
            entries.retain(|entry| entry.as_object().is_none_or(|fields| !fields.is_empty()));
            !entries.is_empty()
        }
        _ => true,
    });
}

pub(super) fn security(label: Label) -> Value {
    let system = match label {
        Label::Unrestricted | Label::Normal | Label::Restricted | Label::VeryRestricted => "v3-Confidentiality",
        Label::Unknown => "v3-NullFlavor",
        _ => "v3-ActCode",
    };
    json!({ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": label.code() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, content: &Value, in_error: bool) -> Value {
        let row = json!({
            "fact_id": Uuid::from_u128(1), "patient_id": Uuid::from_u128(2), "kind": kind, "content": content, "security": ["R", "PSY"],
            "entered_in_error": in_error, "changed": { "recorded": "2026-01-02T03:04:05Z" }, "position": 7,
        });
        serde_json::from_value::<FactRow>(row).unwrap().resource().unwrap_or_default()
    }

    #[test]
    fn a_fact_is_its_content_and_whose_it_is() {
        let expected = json!({
            "resourceType": "Observation", "id": Uuid::from_u128(1), "status": "final", "code": { "text": "a" },
            "subject": { "reference": format!("Patient/{}", Uuid::from_u128(2)) },
            "meta": { "versionId": "7", "lastUpdated": "2026-01-02T03:04:05Z", "security": [
                { "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" },
                { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY" },
            ] },
        });
        assert_eq!(row("Observation", &json!({ "status": "final", "code": { "text": "a" } }), false), expected);
        assert!(row("Device", &json!({}), false).get("patient").is_some());
    }

    #[test]
    fn what_was_entered_in_error_says_so_as_its_type_does() {
        assert_eq!(row("Observation", &json!({ "status": "final" }), true)["status"], "entered-in-error");
        let condition = row("Condition", &json!({ "clinicalStatus": { "text": "active" } }), true);
        assert_eq!(condition["verificationStatus"]["coding"][0]["code"], "entered-in-error");
        assert!(condition.get("clinicalStatus").is_none() && condition.get("status").is_none());
    }

    #[test]
    fn no_element_is_empty() {
        let found = row("Observation", &json!({ "status": "final", "code": { "coding": [{}] }, "note": [{}, { "text": "a" }], "method": {} }), false);
        assert_eq!((found.get("code"), found.get("method"), &found["note"]), (None, None, &json!([{ "text": "a" }])));
    }

    #[test]
    fn what_is_erased_is_no_resource() {
        assert_eq!(row("Observation", &Value::Null, false), Value::Null);
    }
}
