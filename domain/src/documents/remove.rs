//! Remove a document that should not be there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::documents::{DocumentRemoved, DocumentStanding, DocumentUnusable};
use crate::event::{Event, Subject};
use crate::ids::{DocumentId, PatientId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Takes a document out of the record, such as one that is somebody else's (FHIR `entered-in-error`). It is not handed out any more; that it was there stays known.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveDocument {
    /// The document.
    pub document: DocumentId,
    /// In whose record it is.
    pub patient: PatientId,
    /// How it came about.
    pub reason: Phi<Reason>,
}

/// Why it was not removed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RemoveDocumentRejection {
    /// There is no such document.
    #[error(transparent)]
    DocumentUnusable(#[from] DocumentUnusable),
    /// Nothing can be changed in the record.
    #[error(transparent)]
    PatientUnusable(#[from] PatientUnusable),
}

impl Decision for RemoveDocument {
    type Model = DocumentStanding;
    type Event = DocumentRemoved;
    type Rejection = RemoveDocumentRejection;

    fn model(&self) -> (DocumentStanding, Query) {
        DocumentStanding::of(self.patient, &[self.document], [])
    }

    fn apply(model: &mut DocumentStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &DocumentStanding, _circumstances: &Circumstances) -> Result<Vec<DocumentRemoved>, RemoveDocumentRejection> {
        model.patient.usable()?;
        let known = model.own(self.document).ok_or(DocumentUnusable::DocumentUnknown)?;
        if known.removed.is_some() {
            return Ok(vec![]);
        }
        Ok(vec![DocumentRemoved { patient: known.patient, document: self.document, reason: self.reason.clone() }])
    }
}

impl Command for RemoveDocument {
    const CONTEXT: &'static str = "documents";
    const NAME: &'static str = "remove-document";
    const PERMISSION: Permission = Permission::UploadDocuments;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::examples::*;
    use crate::patients::examples::{ADA, BOB, merged, registered};
    use crate::testing::{arriving, given};

    fn remove() -> RemoveDocument {
        arriving(&json!({ "document": LETTER, "patient": ADA, "reason": "of another Ada" }))
    }

    #[test]
    fn a_document_is_removed_once_also_when_it_is_superseded() {
        let letter = || vec![registered(ADA), uploaded(ADA, LETTER, &json!({})), superseded(ADA, LETTER, SCAN)];
        given(letter()).when(&remove()).then([removed(ADA, LETTER)]);
        given([letter(), vec![removed(ADA, LETTER)]].concat()).when(&remove()).then([]);
    }

    #[test]
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        let bobs = || vec![registered(ADA), registered(BOB), uploaded(BOB, LETTER, &json!({}))];
        given(bobs()).when(&remove()).then_rejected(DocumentUnusable::DocumentUnknown);
        given([bobs(), vec![merged(ADA, BOB)]].concat()).when(&remove()).then([removed(BOB, LETTER)]);
        given([]).when(&remove()).then_rejected(PatientUnusable::PatientUnknown);
    }
}
