//! The chart: what is known of a person's health, facts and documents, as the fold of their events. The same fold decides, shows the present and replays any moment.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::documents::{Document, DocumentsEvent};
use crate::event::{Event, Label};
use crate::ids::{DocumentId, FactId, PatientId, UserId};
use crate::phi::Phi;
use crate::records::events::{Change, What};
use crate::records::fact::{Content, FactKind, Kind};
use crate::records::screening::{ChartScreening, Screening, screen_chart};
use crate::records::{AllergyIntolerance, RecordsEvent};
use crate::terminology::Terminology;
use crate::value::Reason;

/// Which event says so, whose it is and when the log learned of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The event's place in the log.
    pub position: i64,
    /// The event.
    pub event: Uuid,
    /// Who did it.
    pub user: UserId,
    /// In which role.
    pub role: String,
    /// When it was recorded.
    pub recorded: DateTime<Utc>,
}

/// A fact as it stands.
#[derive(Clone, PartialEq)]
pub struct ChartEntry {
    /// The fact.
    pub fact: FactId,
    /// The record that it was recorded in.
    pub patient: PatientId,
    /// Its kind.
    pub kind: FactKind,
    /// What it says.
    pub content: Phi<Content>,
    /// How sensitive it is, beyond normal.
    pub security: Vec<Label>,
    /// What it may not go together with, where that was looked at.
    pub screening: Option<Phi<Screening>>,
    /// Why it should not have been recorded, if so.
    pub entered_in_error: Option<Phi<Reason>>,
    /// How often it was changed since it was recorded.
    pub amendments: u32,
    /// The event that recorded it; decisions do not need it.
    pub recorded: Option<Provenance>,
    /// The event that changed it last; decisions do not need it.
    pub changed: Option<Provenance>,
}

impl ChartEntry {
    /// Folds one change into the entry that it concerns, which it makes where it is the first.
    pub fn fold(before: Option<Self>, change: Change, provenance: Option<&Provenance>) -> Option<Self> {
        let changed = provenance.cloned();
        match (before, change.what) {
            (None, What::Recorded { content, security, screening }) => Some(Self {
                fact: change.fact,
                patient: change.patient,
                kind: change.kind,
                content,
                security,
                screening,
                entered_in_error: None,
                amendments: 0,
                recorded: changed.clone(),
                changed,
            }),
            (Some(entry), What::Amended { content, security, screening, reason: _ }) => {
                Some(Self { content, security, screening, amendments: entry.amendments + 1, changed, ..entry })
            }
            (Some(entry), What::EnteredInError { reason }) => Some(Self { entered_in_error: Some(reason), changed, ..entry }),
            // Decisions refuse these: a fact is recorded once, and before it is changed.
            (before, _) => before,
        }
    }
}

/// What is known about allergies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllergyStatus {
    /// Nobody has asked, or nobody has written it down.
    NotAsked,
    /// It was asked, and there is none.
    NoneKnown,
    /// There are some.
    Known,
}

impl AllergyStatus {
    /// What these, of which none was entered in error, come to.
    pub fn of<'facts>(allergies: impl IntoIterator<Item = &'facts AllergyIntolerance>) -> Self {
        let active = allergies.into_iter().filter(|allergy| allergy.is_active());
        active.fold(Self::NotAsked, |status, allergy| match status {
            Self::Known => Self::Known,
            _ if !allergy.is_absence() => Self::Known,
            _ if allergy.is_no_known_allergy() => Self::NoneKnown,
            // That there is none of one sort says nothing of the others.
            status => status,
        })
    }
}

/// Facts and documents by their ids.
#[derive(Clone, Default)]
pub struct Chart {
    entries: BTreeMap<FactId, ChartEntry>,
    documents: BTreeMap<DocumentId, Document>,
}

impl FromIterator<ChartEntry> for Chart {
    fn from_iter<I: IntoIterator<Item = ChartEntry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().map(|entry| (entry.fact, entry)).collect(), documents: BTreeMap::new() }
    }
}

impl Chart {
    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event, provenance: Option<&Provenance>) {
        match event {
            Event::Records(event) => self.change(event, provenance),
            Event::Documents(event) => self.document_change(event, provenance),
            _ => {}
        }
    }

    pub(crate) fn document_change(&mut self, event: &DocumentsEvent, provenance: Option<&Provenance>) {
        let (_, document) = event.about();
        if let Some(folded) = Document::fold(self.documents.remove(&document), event, provenance) {
            self.documents.insert(document, folded);
        }
        if let DocumentsEvent::DocumentRemoved(event) = event {
            for document in self.documents.values_mut().filter(|document| document.superseded_by == Some(event.document)) {
                *document = document.clone().without_successor(event.document, provenance);
            }
        }
    }

    pub(crate) fn change(&mut self, event: &RecordsEvent, provenance: Option<&Provenance>) {
        let change = event.change();
        let fact = change.fact;
        if let Some(entry) = ChartEntry::fold(self.entries.remove(&fact), change, provenance) {
            self.entries.insert(fact, entry);
        }
    }

    /// The fact of this id.
    pub fn get(&self, fact: FactId) -> Option<&ChartEntry> {
        self.entries.get(&fact)
    }

    /// The document of this id.
    pub fn document(&self, document: DocumentId) -> Option<&Document> {
        self.documents.get(&document)
    }

    /// Every document, also those that were superseded or removed.
    pub fn documents(&self) -> impl DoubleEndedIterator<Item = &Document> {
        self.documents.values()
    }

    /// Every fact, also those that were entered in error.
    pub fn entries(&self) -> impl Iterator<Item = &ChartEntry> {
        self.entries.values()
    }

    /// Every fact that was not entered in error.
    pub fn in_force(&self) -> impl Iterator<Item = &ChartEntry> {
        self.entries().filter(|entry| entry.entered_in_error.is_none())
    }

    /// Whether a fact of this kind is in force in it.
    pub fn holds(&self, kind: FactKind, fact: FactId) -> bool {
        self.get(fact).is_some_and(|entry| entry.kind == kind && entry.entered_in_error.is_none())
    }

    /// What was recorded in these records.
    #[must_use]
    pub fn of(mut self, records: &BTreeSet<PatientId>) -> Self {
        self.entries.retain(|_, entry| records.contains(&entry.patient));
        self.documents.retain(|_, document| records.contains(&document.patient));
        self
    }

    /// Everything but one fact.
    #[must_use]
    pub fn without(mut self, fact: FactId) -> Self {
        self.entries.remove(&fact);
        self
    }

    /// What does not go together in it.
    pub fn screening(&self, terminology: &Terminology) -> ChartScreening {
        screen_chart(self, terminology)
    }

    /// What is known about allergies.
    pub fn allergy_status(&self) -> AllergyStatus {
        AllergyStatus::of(self.in_force().filter_map(|entry| AllergyIntolerance::of(entry.content.known()?)))
    }
}
