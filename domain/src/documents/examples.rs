//! Documents and a visit, for the tests of this context.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::documents::{DocumentMetadata, DocumentRemoved, DocumentSuperseded, DocumentUploaded, UploadDocument};
use crate::event::Event;
use crate::ids::{DocumentId, FactId, PatientId};
use crate::patients::examples::{read, reason};
use crate::phi::Phi;
use crate::records::{EncounterEnteredInError, EncounterRecorded};

pub const LETTER: DocumentId = DocumentId(Uuid::from_u128(21));
pub const SCAN: DocumentId = DocumentId(Uuid::from_u128(22));
pub const FORM: DocumentId = DocumentId(Uuid::from_u128(23));
pub const VISIT: FactId = FactId(Uuid::from_u128(24));

fn content(context: &Value) -> Value {
    let mut reference = json!({ "status": "current", "attachment": { "contentType": "application/pdf", "title": "Referral" } });
    if *context != json!({}) {
        reference["context"] = context.clone();
    }
    reference
}

pub fn upload(patient: PatientId, document: DocumentId, context: &Value) -> UploadDocument {
    let metadata: DocumentMetadata = read(json!({ "document": document, "patient": patient, "content": content(context) }));
    UploadDocument { metadata, address: "a".repeat(64).try_into().unwrap(), size: 4711, fingerprint: Phi::Known("b".repeat(64).try_into().unwrap()) }
}

pub fn uploaded(patient: PatientId, document: DocumentId, context: &Value) -> Event {
    let UploadDocument { address, size, fingerprint, .. } = upload(patient, document, context);
    DocumentUploaded { patient, document, address, size, fingerprint, content: Phi::Known(read(content(context))), security: vec![] }.into()
}

pub fn superseded(patient: PatientId, document: DocumentId, by: DocumentId) -> Event {
    DocumentSuperseded { patient, document, by }.into()
}

pub fn removed(patient: PatientId, document: DocumentId) -> Event {
    DocumentRemoved { patient, document, reason: reason("of another Ada") }.into()
}

pub fn visit(patient: PatientId) -> Event {
    let content = read(json!({ "status": "finished", "class": { "code": "AMB" } }));
    EncounterRecorded { patient, fact: VISIT, content: Phi::Known(content), security: vec![], screening: None }.into()
}

pub fn visit_in_error(patient: PatientId) -> Event {
    EncounterEnteredInError { patient, fact: VISIT, reason: reason("another visit"), kind: std::marker::PhantomData }.into()
}
