//! What a decision about documents depends on: the patient's record, the documents that it names, and the facts that they name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::documents::DocumentsEvent;
use crate::event::Event;
use crate::ids::{DocumentId, FactId, PatientId};
use crate::patients::PatientStanding;
use crate::query::{Query, Tag};
use crate::records::{Chart, RecordsEvent};

/// A document as far as decisions go.
pub(super) struct Known {
    /// The record that it was uploaded to.
    pub(super) patient: PatientId,
    pub(super) superseded_by: Option<DocumentId>,
    pub(super) removed: bool,
}

/// A patient's record, and the documents and facts that a decision names.
pub struct DocumentStanding {
    pub(super) patient: PatientStanding,
    of: PatientId,
    documents: BTreeMap<DocumentId, Known>,
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
    pub(super) fn of(patient: PatientId, documents: &[DocumentId], facts: impl IntoIterator<Item = FactId>) -> (Self, Query) {
        let standing = PatientStanding::of(patient);
        let query = documents.iter().fold(standing.query(), |query, document| query.and(DocumentsEvent::TYPES, Tag::document(*document)));
        let query = facts.into_iter().fold(query, |query, fact| query.and(RecordsEvent::TYPES, Tag::fact(fact)));
        (Self { patient: standing, of: patient, documents: BTreeMap::new(), chart: Chart::default() }, query)
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.patient.apply(event);
        self.chart.apply(event, None);
        let Event::Documents(event) = event else { return };
        match event {
            DocumentsEvent::DocumentUploaded(event) => {
                self.documents.insert(event.document, Known { patient: event.patient, superseded_by: None, removed: false });
            }
            DocumentsEvent::DocumentSuperseded(event) => {
                self.documents.entry(event.document).and_modify(|document| document.superseded_by = Some(event.by));
            }
            DocumentsEvent::DocumentRemoved(event) => {
                self.documents.entry(event.document).and_modify(|document| document.removed = true);
            }
        }
    }

    /// Whether a document has this id, whoever's it is.
    pub(super) fn has(&self, document: DocumentId) -> bool {
        self.documents.contains_key(&document)
    }

    /// A document of this person that was not removed.
    pub(super) fn usable(&self, document: DocumentId) -> Result<&Known, DocumentUnusable> {
        let known = self.own(document).ok_or(DocumentUnusable::DocumentUnknown)?;
        if known.removed { Err(DocumentUnusable::DocumentRemoved) } else { Ok(known) }
    }

    /// A document of this person, under any record of theirs.
    pub(super) fn own(&self, document: DocumentId) -> Option<&Known> {
        self.documents.get(&document).filter(|known| self.patient.linked.same_person(known.patient, self.of))
    }

    /// The document that has taken the place of this one: what was removed, or is not this person's any more, has not.
    pub(super) fn successor(&self, known: &Known) -> Option<DocumentId> {
        known.superseded_by.filter(|by| self.usable(*by).is_ok())
    }

    /// The documents that were said to have taken the place of those that the decision names.
    pub(super) fn successors(&self) -> Query {
        let successors = self.documents.values().filter_map(|known| known.superseded_by);
        successors.fold(Query::new(), |query, successor| query.and(DocumentsEvent::TYPES, Tag::document(successor)))
    }

    /// This person's chart, as far as the decision names facts.
    pub(super) fn chart(&self) -> Chart {
        self.chart.of(&self.patient.linked.records_of(self.of))
    }
}
