//! A document as it stands: the fold of its events. The same fold decides, makes the read model and replays the past.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::documents::DocumentsEvent;
use crate::documents::values::{BlobAddress, DocumentReference, DocumentReferenceStatus};
use crate::event::Label;
use crate::ids::{DocumentId, PatientId};
use crate::phi::Phi;
use crate::records::Provenance;
use crate::value::Reason;

/// A document of a chart.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// The document.
    pub document: DocumentId,
    /// The record that it was uploaded to.
    pub patient: PatientId,
    /// Where its sealed bytes are.
    pub address: BlobAddress,
    /// How many clear bytes it has.
    pub size: u64,
    /// What is said of it.
    pub content: Phi<DocumentReference>,
    /// How sensitive it is, beyond normal.
    pub security: Vec<Label>,
    /// The document that has taken its place; none where that was removed since.
    pub superseded_by: Option<DocumentId>,
    /// Why it should not have been there, if so.
    pub removed: Option<Phi<Reason>>,
    /// The event that uploaded it; decisions do not need it.
    pub recorded: Option<Provenance>,
    /// The event that changed it last; decisions do not need it.
    pub changed: Option<Provenance>,
}

/// FHIR `document-reference-status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentStatus {
    /// The one to read.
    Current,
    /// Another has taken its place.
    Superseded,
    /// It should not have been there, and is not handed out.
    EnteredInError,
}

impl DocumentStatus {
    /// FHIR's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Superseded => "superseded",
            Self::EnteredInError => "entered-in-error",
        }
    }
}

impl Document {
    /// Folds one event into the document that it concerns, which it makes where it is the first.
    pub fn fold(before: Option<Self>, event: &DocumentsEvent, provenance: Option<&Provenance>) -> Option<Self> {
        let changed = provenance.cloned();
        match (before, event) {
            (None, DocumentsEvent::DocumentUploaded(event)) => Some(Self {
                document: event.document,
                patient: event.patient,
                address: event.address.clone(),
                size: event.size,
                content: event.content.clone(),
                security: event.security.clone(),
                superseded_by: None,
                removed: None,
                recorded: changed.clone(),
                changed,
            }),
            (Some(document), DocumentsEvent::DocumentSuperseded(event)) => Some(Self { superseded_by: Some(event.by), changed, ..document }),
            (Some(document), DocumentsEvent::DocumentRemoved(event)) => Some(Self { removed: Some(event.reason.clone()), changed, ..document }),
            // Decisions refuse these: a document is uploaded once, and before anything else happens to it.
            (before, _) => before,
        }
    }

    /// The document after another was removed: what that had taken the place of is the one to read again.
    #[must_use]
    pub fn without_successor(self, removed: DocumentId, provenance: Option<&Provenance>) -> Self {
        if self.superseded_by == Some(removed) { Self { superseded_by: None, changed: provenance.cloned(), ..self } } else { self }
    }

    /// Whether it is the one to read.
    pub fn status(&self) -> DocumentStatus {
        let arrived_so = self.content.known().is_some_and(|content| content.status == DocumentReferenceStatus::Superseded);
        match (&self.removed, self.superseded_by) {
            (Some(_), _) => DocumentStatus::EnteredInError,
            (None, Some(_)) => DocumentStatus::Superseded,
            (None, None) if arrived_so => DocumentStatus::Superseded,
            (None, None) => DocumentStatus::Current,
        }
    }

    /// What is said of it and what became of it, in the shape of FHIR's resource; `None` once erased.
    pub fn resource(&self) -> Option<Map<String, Value>> {
        let mut resource = self.content.known()?.resource()?;
        resource.insert("status".to_owned(), self.status().code().into());
        Some(resource)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::examples::*;
    use crate::event::Event;
    use crate::patients::examples::ADA;

    fn folded(events: &[Event]) -> Document {
        let fold = |document, event: &Event| match event {
            Event::Documents(event) => Document::fold(document, event, None),
            _ => document,
        };
        events.iter().fold(None, fold).unwrap()
    }

    #[test]
    fn what_became_of_it_is_its_status() {
        let upload = || uploaded(ADA, LETTER, &json!({}));
        assert_eq!(folded(&[upload()]).status(), DocumentStatus::Current);
        assert_eq!(folded(&[upload(), superseded(ADA, LETTER, SCAN)]).status(), DocumentStatus::Superseded);
        let gone = folded(&[upload(), superseded(ADA, LETTER, SCAN), removed(ADA, LETTER)]);
        assert_eq!((gone.status(), gone.superseded_by), (DocumentStatus::EnteredInError, Some(SCAN)));
        assert_eq!(gone.resource().unwrap()["status"], "entered-in-error");
    }

    #[test]
    fn a_second_upload_of_the_same_id_changes_nothing() {
        let again = folded(&[uploaded(ADA, LETTER, &json!({})), uploaded(ADA, LETTER, &json!({ "related": [{ "display": "x" }] }))]);
        assert!(again == folded(&[uploaded(ADA, LETTER, &json!({}))]));
    }

    #[test]
    fn its_resource_holds_the_attachment_where_fhir_has_it() {
        let resource = folded(&[uploaded(ADA, LETTER, &json!({}))]).resource().unwrap();
        let attachment = json!({ "contentType": "application/pdf", "title": "Referral" });
        assert_eq!((&resource["content"], resource.get("attachment")), (&json!([{ "attachment": attachment }]), None));
    }
}
