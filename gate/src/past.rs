//! The past: one patient's events up to a moment, read from the log. The cost is that of the patient's events, however long the log is.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::documents::{DocumentRemoved, DocumentsEvent};
use domain::records::RecordsEvent;
use domain::{DocumentId, Event, Named, PatientId, Permission, Query, Tag};
use event_store::{Position, ReadError, Recorded};

use crate::policy::Reach;
use crate::read::{Forbidden, Snapshot};
use crate::relation::read_person;

/// A moment of the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Moment {
    /// After the event at this position.
    Position(Position),
    /// After the last event that was recorded at or before this time.
    Time(DateTime<Utc>),
}

/// What the log says of a person's health up to a moment.
pub struct Past {
    /// Everything up to here was looked at: what was asked for, or the end of the log where that is before.
    pub through: Position,
    /// The person's records as they were linked then, of those that the caller may see now.
    pub records: BTreeSet<PatientId>,
    /// The events of these records' clinical facts, and of their documents where the caller may read those, and every merge that concerns them, in order.
    pub events: Vec<Recorded>,
}

/// Why the past is not shown.
#[derive(Debug, thiserror::Error)]
pub enum PastRefusal {
    /// The caller may not read charts.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The log is not there, or does not read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

impl Snapshot {
    /// The events of a patient's chart up to a moment, under every record that was the person's then, and noted as shown. Of a patient beyond the caller's reach there are none.
    pub async fn past(&self, patient: PatientId, moment: Moment) -> Result<Past, PastRefusal> {
        self.require(Permission::ReadChart)?;
        let head = self.store.head().await?;
        let through = match moment {
            Moment::Position(position) => position.min(head),
            Moment::Time(time) => self.store.position_at(time).await?,
        };
        if !self.admits(patient) {
            return Ok(Past { through, records: BTreeSet::new(), events: Vec::new() });
        }
        let mut query = Query::new().and(RecordsEvent::TYPES, Tag::patient(patient));
        if self.allows(Permission::ReadDocuments) {
            query = query.and(DocumentsEvent::TYPES, Tag::patient(patient));
        }
        let (linked, mut events) = read_person(&self.store, self.caller().tenant, &query, through).await?;
        let mut records = linked.records_of(patient);
        // A record that was the person's then and is somebody else's now is beyond a patient's reach.
        records.retain(|record| self.admits(*record));
        events.retain(|recorded| match &recorded.event {
            Event::Records(event) => records.contains(&event.change().patient),
            Event::Documents(event) => records.contains(&event.about().0),
            _ => true,
        });
        for record in &records {
            self.discloses(*record);
        }
        Ok(Past { through, records, events })
    }

    /// Whether a document was removed, as the log has it: the read models may not know yet.
    pub async fn is_removed(&self, document: DocumentId) -> Result<bool, ReadError> {
        let query = Query::new().and(&[DocumentRemoved::TYPE], Tag::document(document));
        Ok(!self.store.read(self.caller().tenant, &query, self.store.head().await?).await?.is_empty())
    }

    /// Whether row-level security admits a patient's rows.
    fn admits(&self, patient: PatientId) -> bool {
        match self.opened {
            Some(Reach::Tenant) => true,
            Some(Reach::OwnPatients) => self.own.contains(&patient),
            None => false,
        }
    }
}
