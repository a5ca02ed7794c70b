//! Documents: what is said of each, with its attachment as its one content.

use domain::Label;
use domain::documents::{DocumentReference, DocumentStatus};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fact::{Changed, prune, security};
use super::{Resource, reference};
use crate::resource_type::ResourceType;

/// A row of `document`, with the documents whose place it has taken.
#[derive(Deserialize)]
pub struct DocumentRow {
    /// The document.
    pub document_id: Uuid,
    /// The record that it was uploaded to.
    pub patient_id: Uuid,
    size: u64,
    status: DocumentStatus,
    content: Option<DocumentReference>,
    #[serde(deserialize_with = "Label::all_borne")]
    security: Vec<Label>,
    replaces: Vec<Uuid>,
    changed: Changed,
    position: i64,
}

impl DocumentRow {
    /// The resource; `None` once it is erased. Where the bytes are is a path of Carelog's own, and is not said of one that was removed. There is no `hash`: in
    /// FHIR R4 it is a SHA-1, and Carelog has another.
    pub fn resource(self) -> Option<Value> {
        let mut said = self.content?.resource()?;
        // FHIR takes nothing here but a whole moment.
        if said.get("date").and_then(Value::as_str).is_some_and(|date| !date.contains('T')) {
            said.remove("date");
        }
        prune(&mut said);
        if let Some(attachment) = said.get_mut("content").and_then(|content| content.get_mut(0)).and_then(attachment) {
            attachment.insert("size".to_owned(), self.size.into());
            if self.status != DocumentStatus::EnteredInError {
                attachment.insert("url".to_owned(), format!("/v1/documents/{}", self.document_id).into());
            }
        }
        let replaces = |document: &Uuid| json!({ "code": "replaces", "target": reference(ResourceType::DocumentReference, *document) });
        let labels: Vec<Value> = self.security.iter().map(|label| json!({ "coding": [security(*label)] })).collect();
        let resource = Resource::of(said, ResourceType::DocumentReference, self.document_id, self.position, Some(&self.changed.recorded))
            .with("status", self.status.code())
            .with("subject", reference(ResourceType::Patient, self.patient_id))
            .with("relatesTo", self.replaces.iter().map(replaces).collect::<Vec<_>>())
            .with("securityLabel", labels);
        Some(resource.labelled(&self.security).finish())
    }
}

fn attachment(content: &mut Value) -> Option<&mut Map<String, Value>> {
    content.get_mut("attachment").and_then(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(content: &Value, status: &str) -> Value {
        let row = json!({
            "document_id": Uuid::from_u128(1), "patient_id": Uuid::from_u128(2), "size": 5, "status": status, "content": content, "security": ["R"],
            "replaces": [Uuid::from_u128(3)], "changed": { "recorded": "2026-01-02T03:04:05Z" }, "position": 7,
        });
        serde_json::from_value::<DocumentRow>(row).unwrap().resource().unwrap_or_default()
    }

    #[test]
    fn a_document_is_what_is_said_of_it_and_where_its_bytes_are() {
        let said = json!({ "status": "current", "date": "2026", "attachment": { "contentType": "text/plain" }, "format": { "code": "f" } });
        let restricted = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" });
        let attachment = json!({ "contentType": "text/plain", "size": 5, "url": format!("/v1/documents/{}", Uuid::from_u128(1)) });
        let expected = json!({
            "resourceType": "DocumentReference", "id": Uuid::from_u128(1), "status": "superseded", "subject": { "reference": format!("Patient/{}", Uuid::from_u128(2)) },
            "meta": { "versionId": "7", "lastUpdated": "2026-01-02T03:04:05Z", "security": [restricted] }, "securityLabel": [{ "coding": [restricted] }],
            "content": [{ "attachment": attachment, "format": { "code": "f" } }],
            "relatesTo": [{ "code": "replaces", "target": { "reference": format!("DocumentReference/{}", Uuid::from_u128(3)) } }],
        });
        assert_eq!(row(&said, "superseded"), expected);
    }

    #[test]
    fn one_that_was_removed_is_not_to_be_found_and_one_that_was_erased_is_none() {
        let said = json!({ "status": "current", "attachment": { "contentType": "text/plain" } });
        let removed = row(&said, "entered-in-error");
        assert_eq!((&removed["status"], removed["content"][0]["attachment"].get("url")), (&json!("entered-in-error"), None));
        assert_eq!(row(&Value::Null, "current"), Value::Null);
    }
}
