//! The past: one patient's events up to a moment, read from the log. The cost is that of the patient's events, however long the log is.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::documents::{DocumentRemoved, DocumentsEvent};
use domain::records::RecordsEvent;
use domain::{DecodeError, DocumentId, Event, Label, Named, PatientId, Permission, Query, Tag, UserId};
use event_store::{Position, ReadError, Recorded};
use uuid::Uuid;

use crate::policy::Reach;
use crate::read::{Forbidden, Snapshot};
use crate::relation::read_person;
use crate::show::{Masked, OfPatient, Verdict};
use crate::unvalued::Unvalued;

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
    /// Those of facts and documents that are masked are as if they had been erased.
    pub events: Vec<Recorded>,
    /// The facts and documents of which the caller may know no more than that they are there, and why.
    pub masked: BTreeMap<Uuid, Masked>,
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
    /// The read models are not there.
    #[error("the read models are not available")]
    ReadModels(#[from] Unvalued),
    /// An event cannot be masked.
    #[error(transparent)]
    Shape(#[from] DecodeError),
}

/// A fact or a document of the past, for the decision whether it is shown: it bears every label that it ever bore.
struct Item {
    permission: Permission,
    patient: PatientId,
    labels: BTreeSet<Label>,
    own: bool,
}

impl OfPatient for Item {
    fn type_name(&self) -> &'static str {
        if self.permission == Permission::ReadDocuments { "Document" } else { "ChartEntry" }
    }
    fn permission(&self) -> Permission {
        self.permission
    }
    fn patient(&self) -> PatientId {
        self.patient
    }
    fn labels(&self) -> Vec<Label> {
        self.labels.iter().copied().collect()
    }
    fn is_by(&self, _user: UserId) -> bool {
        self.own
    }
    /// It says nothing itself: the events that it stands for are as if they had been erased.
    fn mask(self, _why: Masked) -> Self {
        self
    }
}

/// Which fact or document an event is about.
fn item(event: &Event) -> Option<Uuid> {
    match event {
        Event::Records(event) => Some(event.change().fact.0),
        Event::Documents(event) => Some(event.about().1.0),
        _ => None,
    }
}

fn items(events: &[Recorded], labels_now: Vec<(Uuid, Vec<String>)>, user: UserId) -> BTreeMap<Uuid, Item> {
    let mut items: BTreeMap<Uuid, Item> = BTreeMap::new();
    for recorded in events {
        let (permission, patient) = match &recorded.event {
            Event::Records(event) => (Permission::ReadChart, event.change().patient),
            Event::Documents(event) => (Permission::ReadDocuments, event.about().0),
            _ => continue,
        };
        let Some(id) = item(&recorded.event) else { continue };
        // The first event of an item recorded it: whoever did that wrote it, and whoever changed it since did not.
        let own = recorded.actor.user == user;
        let item = items.entry(id).or_insert_with(|| Item { permission, patient, labels: BTreeSet::new(), own });
        item.labels.extend(recorded.event.labels());
    }
    for (id, labels) in labels_now {
        if let Some(item) = items.get_mut(&id) {
            item.labels.extend(Label::from_codes(&labels));
        }
    }
    items
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
            return Ok(Past { through, records: BTreeSet::new(), events: Vec::new(), masked: BTreeMap::new() });
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
        self.learn(records.iter().copied()).await?;
        let verdicts: BTreeMap<Uuid, Verdict> =
            items(&events, self.labels_now(&records).await?, self.caller().user).into_iter().map(|(item, datum)| (item, self.decide(&datum, true))).collect();
        events.retain(|recorded| item(&recorded.event).is_none_or(|item| verdicts.get(&item) != Some(&Verdict::Withheld)));
        let masked: BTreeMap<Uuid, Masked> =
            verdicts.into_iter().filter_map(|(item, verdict)| if let Verdict::Masked(why) = verdict { Some((item, why)) } else { None }).collect();
        for recorded in &mut events {
            if item(&recorded.event).is_some_and(|item| masked.contains_key(&item)) {
                recorded.event = recorded.event.erased()?;
            }
        }
        for record in &records {
            self.notes_look_up(*record);
        }
        Ok(Past { through, records, events, masked })
    }

    /// The labels that facts and documents bear now: what became sensitive later was so all along.
    async fn labels_now(&self, records: &BTreeSet<PatientId>) -> Result<Vec<(Uuid, Vec<String>)>, Unvalued> {
        let statement = "select fact_id, security from chart_fact where patient_id = any($1) \
                         union all select document_id, security from document where patient_id = any($1)";
        let records: Vec<Uuid> = records.iter().map(|record| record.0).collect();
        Ok(sqlx::query_as(statement).bind(records).fetch_all(&mut *self.connection().await).await?)
    }

    /// Whether a document was removed, as the log has it: the read models may not know yet.
    pub async fn is_removed(&self, document: DocumentId) -> Result<bool, ReadError> {
        let query = Query::new().and(&[DocumentRemoved::TYPE], Tag::document(document));
        Ok(!self.store.read(self.caller().tenant, &query, self.store.head().await?).await?.is_empty())
    }

    /// Whether row-level security admits a patient's rows.
    fn admits(&self, patient: PatientId) -> bool {
        match self.opened {
            Some(Reach::Tenant | Reach::Facilities) => true,
            Some(Reach::OwnPatients) => self.own.contains(&patient),
            None => false,
        }
    }
}
