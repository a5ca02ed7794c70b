//! What a decision about documents depends on: the patient's record, the documents that it names, and the facts that they name.

use schemars::JsonSchema;
use serde::Serialize;

use crate::documents::{Document, DocumentsEvent};
use crate::event::Event;
use crate::ids::{DocumentId, FactId, PatientId};
use crate::patients::PatientStanding;
use crate::query::{Query, Tag};
use crate::records::{Chart, RecordsEvent};

/// A patient's record, and the documents and facts that a decision names.
pub struct DocumentStanding {
    pub(crate) patient: PatientStanding,
    of: PatientId,
    chart: Chart,
}

/// Why a document cannot be changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DocumentUnusable {
    /// This patient has no such document. Whether somebody else has is not said.
    #[error("the patient has no such document")]
    DocumentUnknown,
    /// It was removed.
    #[error("the document was removed")]
    DocumentRemoved,
}

impl DocumentStanding {
    /// The model before any event, and what it must see.
    pub(crate) fn of(patient: PatientId, documents: &[DocumentId], facts: impl IntoIterator<Item = FactId>) -> (Self, Query) {
        let standing = PatientStanding::of(patient);
        let query = documents.iter().fold(standing.query(), |query, document| query.and(DocumentsEvent::TYPES, Tag::document(*document)));
        let query = facts.into_iter().fold(query, |query, fact| query.and(RecordsEvent::TYPES, Tag::fact(fact)));
        (Self { patient: standing, of: patient, chart: Chart::default() }, query)
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        self.patient.apply(event);
        self.chart.apply(event, None);
    }

    /// Whether a document has this id, whoever's it is.
    pub(super) fn has(&self, document: DocumentId) -> bool {
        self.chart.document(document).is_some()
    }

    /// A document of this person that was not removed.
    pub(crate) fn usable(&self, document: DocumentId) -> Result<&Document, DocumentUnusable> {
        let known = self.own(document).ok_or(DocumentUnusable::DocumentUnknown)?;
        if known.removed.is_some() { Err(DocumentUnusable::DocumentRemoved) } else { Ok(known) }
    }

    /// A document of this person, under any record of theirs.
    pub(super) fn own(&self, document: DocumentId) -> Option<&Document> {
        self.chart.document(document).filter(|known| self.patient.linked.same_person(known.patient, self.of))
    }

    /// The document that has taken the place of this one: what was removed, or is not this person's any more, has not.
    pub(super) fn successor(&self, known: &Document) -> Option<DocumentId> {
        known.superseded_by.filter(|by| self.usable(*by).is_ok())
    }

    /// The documents that were said to have taken the place of those that the decision names.
    pub(super) fn successors(&self) -> Query {
        let successors = self.chart.documents().filter_map(|known| known.superseded_by);
        successors.fold(Query::new(), |query, successor| query.and(DocumentsEvent::TYPES, Tag::document(successor)))
    }

    /// This person's chart, as far as the decision names facts.
    pub(super) fn chart(&self) -> Chart {
        self.chart.clone().of(&self.patient.linked.records_of(self.of))
    }
}
