//! What happens to documents.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::documents::values::{BlobAddress, DocumentReference, Fingerprint};
use crate::event::{EventData, Label, Subject};
use crate::ids::{DocumentId, PatientId};
use crate::phi::Phi;
use crate::query::Tag;
use crate::value::Reason;

events! {
    /// The events of this context.
    #[expect(clippy::large_enum_variant, reason = "an upload says much, and most events are uploads")]
    "documents" DocumentsEvent {
        DocumentUploaded 1,
        DocumentSuperseded 1,
        DocumentRemoved 1,
    }
}

/// A document is in a patient's record; its bytes were durable before.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentUploaded {
    /// Whose document it is.
    pub patient: PatientId,
    /// The document.
    pub document: DocumentId,
    /// Where its sealed bytes are.
    pub address: BlobAddress,
    /// How many clear bytes it has.
    pub size: u64,
    /// What its clear bytes are.
    pub fingerprint: Phi<Fingerprint>,
    /// What is said of it.
    pub content: Phi<DocumentReference>,
    /// How sensitive it is, beyond normal.
    pub security: Vec<Label>,
}

/// Another document has taken its place; it stays readable.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentSuperseded {
    /// Whose document it is.
    pub patient: PatientId,
    /// The document.
    pub document: DocumentId,
    /// The document that has taken its place.
    pub by: DocumentId,
}

/// The document should not be in the record: it is not handed out any more.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentRemoved {
    /// In whose record it was.
    pub patient: PatientId,
    /// The document.
    pub document: DocumentId,
    /// How it came about.
    pub reason: Phi<Reason>,
}

fn tags(patient: PatientId, document: DocumentId) -> Vec<Tag> {
    vec![Tag::document(document), Tag::patient(patient)]
}

impl EventData for DocumentUploaded {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.patient, self.document)
    }
    fn labels(&self) -> Vec<Label> {
        std::iter::once(Label::Normal).chain(self.security.iter().copied()).collect()
    }
    fn occurred(&self) -> Option<DateTime<Utc>> {
        self.content.known().and_then(DocumentReference::occurred)
    }
}

impl EventData for DocumentSuperseded {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.patient, self.document)
    }
}

impl EventData for DocumentRemoved {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.patient, self.document)
    }
}

impl DocumentsEvent {
    /// Whose document, and which.
    pub fn about(&self) -> (PatientId, DocumentId) {
        match self {
            Self::DocumentUploaded(event) => (event.patient, event.document),
            Self::DocumentSuperseded(event) => (event.patient, event.document),
            Self::DocumentRemoved(event) => (event.patient, event.document),
        }
    }
}
