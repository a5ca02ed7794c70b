//! Supersede a document by another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::documents::{DocumentStanding, DocumentSuperseded, DocumentUnusable};
use crate::event::{Event, Subject};
use crate::ids::{DocumentId, PatientId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::query::Query;

/// Says that another document of the patient has taken this one's place; this one stays readable.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SupersedeDocument {
    /// The document.
    pub document: DocumentId,
    /// Whose it is.
    pub patient: PatientId,
    /// The document that has taken its place.
    pub by: DocumentId,
}

/// Why it was not superseded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum SupersedeDocumentRejection {
    /// Another has taken its place already.
    #[error("the document was superseded by another")]
    #[serde(rename_all = "camelCase")]
    DocumentSuperseded {
        /// Which.
        by: DocumentId,
    },
    /// What should take its place is not this patient's, was removed or superseded itself, or is the same document.
    #[error("the other document is not a current one of this patient")]
    SuccessorUnusable,
    /// It cannot be changed.
    #[error(transparent)]
    #[serde(untagged)]
    DocumentUnusable(#[from] DocumentUnusable),
    /// Nothing can be changed in the record.
    #[error(transparent)]
    #[serde(untagged)]
    PatientUnusable(#[from] PatientUnusable),
}

impl Decision for SupersedeDocument {
    type Model = DocumentStanding;
    type Event = DocumentSuperseded;
    type Rejection = SupersedeDocumentRejection;

    fn model(&self) -> (DocumentStanding, Query) {
        DocumentStanding::of(self.patient, &[self.document, self.by], [])
    }

    fn depends_also_on(&self, model: &DocumentStanding) -> Query {
        model.successors()
    }

    fn apply(model: &mut DocumentStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &DocumentStanding, _circumstances: &Circumstances) -> Result<Vec<DocumentSuperseded>, SupersedeDocumentRejection> {
        model.patient.usable()?;
        let known = model.usable(self.document)?;
        match model.successor(known) {
            Some(by) if by == self.by => return Ok(vec![]),
            Some(by) => return Err(SupersedeDocumentRejection::DocumentSuperseded { by }),
            None => {}
        }
        // What was superseded cannot supersede, so no chain of them comes back to its beginning.
        let current = model.usable(self.by).is_ok_and(|successor| model.successor(successor).is_none());
        if !current || self.by == self.document {
            return Err(SupersedeDocumentRejection::SuccessorUnusable);
        }
        Ok(vec![DocumentSuperseded { patient: known.patient, document: self.document, by: self.by }])
    }
}

impl Command for SupersedeDocument {
    const CONTEXT: &'static str = "documents";
    const NAME: &'static str = "supersede-document";
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
    use crate::patients::examples::{ADA, BOB, deactivated, merge_undone, merged, registered};
    use crate::testing::{arriving, given};

    fn supersede() -> SupersedeDocument {
        arriving(&json!({ "document": LETTER, "patient": ADA, "by": SCAN }))
    }

    fn both() -> Vec<Event> {
        vec![registered(ADA), registered(BOB), uploaded(ADA, LETTER, &json!({})), uploaded(ADA, SCAN, &json!({}))]
    }

    #[test]
    fn another_document_takes_its_place_once() {
        given(both()).when(&supersede()).then([superseded(ADA, LETTER, SCAN)]);
        given([both(), vec![superseded(ADA, LETTER, SCAN)]].concat()).when(&supersede()).then([]);
        let by = SupersedeDocumentRejection::DocumentSuperseded { by: FORM };
        given([both(), vec![uploaded(ADA, FORM, &json!({})), superseded(ADA, LETTER, FORM)]].concat()).when(&supersede()).then_rejected(by);
    }

    #[test]
    fn only_a_current_document_of_the_same_person_takes_its_place() {
        let letter = || vec![registered(ADA), registered(BOB), uploaded(ADA, LETTER, &json!({}))];
        let unusable = SupersedeDocumentRejection::SuccessorUnusable;
        for more in [
            vec![],
            vec![uploaded(BOB, SCAN, &json!({}))],
            vec![uploaded(ADA, SCAN, &json!({})), removed(ADA, SCAN)],
            vec![uploaded(ADA, SCAN, &json!({})), uploaded(ADA, FORM, &json!({})), superseded(ADA, SCAN, FORM)],
        ] {
            given([letter(), more].concat()).when(&supersede()).then_rejected(unusable.clone());
        }
        given(letter()).when(&SupersedeDocument { by: LETTER, ..supersede() }).then_rejected(unusable);
        let of_both = [letter(), vec![uploaded(BOB, SCAN, &json!({})), merged(ADA, BOB)]].concat();
        given(of_both).when(&supersede()).then([superseded(ADA, LETTER, SCAN)]);
    }

    #[test]
    fn the_document_must_be_this_patients_and_in_use() {
        given([registered(ADA), uploaded(ADA, SCAN, &json!({}))]).when(&supersede()).then_rejected(DocumentUnusable::DocumentUnknown);
        given([both(), vec![removed(ADA, LETTER)]].concat()).when(&supersede()).then_rejected(DocumentUnusable::DocumentRemoved);
        given([both(), vec![deactivated(ADA)]].concat()).when(&supersede()).then_rejected(PatientUnusable::PatientInactive);
    }

    #[test]
    fn a_successor_that_is_gone_has_taken_no_place() {
        let gone = || [both(), vec![uploaded(ADA, FORM, &json!({})), superseded(ADA, LETTER, FORM), removed(ADA, FORM)]].concat();
        given(gone()).when(&supersede()).then([superseded(ADA, LETTER, SCAN)]);
        given(gone()).when(&SupersedeDocument { document: SCAN, by: LETTER, ..supersede() }).then([superseded(ADA, SCAN, LETTER)]);
        let parted = vec![uploaded(BOB, FORM, &json!({})), merged(ADA, BOB), superseded(ADA, LETTER, FORM), merge_undone(ADA, BOB)];
        given([both(), parted.clone()].concat()).when(&supersede()).then([superseded(ADA, LETTER, SCAN)]);
        let by = SupersedeDocumentRejection::DocumentSuperseded { by: FORM };
        given([both(), parted, vec![merged(ADA, BOB)]].concat()).when(&supersede()).then_rejected(by);
    }
}
