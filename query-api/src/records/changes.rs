//! `Patient.chartChanges`: what became different between two moments.

use std::collections::BTreeMap;

use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use domain::records::{self, ChartItem, changes};
use domain::{DocumentId, FactId, InvalidValue, PatientId, Permission, Phi};
use uuid::Uuid;

use super::content::ChartKind;
use super::entry::Provenance;
use super::past::{AsOf, PastOf};
use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::global;
use crate::paging::Page;
use crate::reads::permitted;

/// What changes are asked for.
pub struct ChartChangesOf {
    /// One of the person's records.
    pub patient: PatientId,
    /// After this moment.
    pub from: AsOf,
    /// Up to and including this moment.
    pub to: AsOf,
    /// The page.
    pub page: Page<(i64, Uuid)>,
}

/// A change of one fact or document of a chart.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ChartChange {
    /// The id of the fact or the document as commands have it.
    uuid: Uuid,
    /// What kind of fact; null of a document.
    kind: Option<ChartKind>,
    /// What it is about, as a person reads it; null once erased.
    title: Option<String>,
    /// What happened to it.
    what: ChartChangeKind,
    /// Why, where that was asked for; null once erased.
    reason: Option<String>,
    #[graphql(skip)]
    by: records::Provenance,
    /// The fields that differ; none once erased.
    fields: Vec<FieldChange>,
}

/// What can happen to a fact or a document of a chart.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "records::Happened")]
pub enum ChartChangeKind {
    /// It was recorded or uploaded.
    Recorded,
    /// It says something else.
    Amended,
    /// Another document has taken its place.
    Superseded,
    /// It should not have been there.
    EnteredInError,
    /// It came with a record that was merged.
    Joined,
    /// It went with a record whose merge was undone.
    Left,
}

/// A field that differs.
#[derive(Clone, SimpleObject)]
pub struct FieldChange {
    /// The FHIR path: `Condition.code.coding[0].display`.
    path: String,
    /// The value before, as text.
    before: Option<String>,
    /// The value after, as text.
    after: Option<String>,
}

#[ComplexObject]
impl ChartChange {
    /// The fact, as `node` finds it; null of a document.
    async fn fact(&self) -> Option<ID> {
        self.kind.map(|_| global(FactId(self.uuid)))
    }

    /// The document, as `node` finds it; null of a fact.
    async fn document(&self) -> Option<ID> {
        self.kind.is_none().then(|| global(DocumentId(self.uuid)))
    }

    /// The event that did it.
    async fn by(&self) -> Provenance {
        (&self.by).into()
    }
}

impl From<records::ChartChange> for ChartChange {
    fn from(change: records::ChartChange) -> Self {
        let field = |records::FieldChange { path, before, after }| FieldChange { path, before, after };
        let (uuid, kind) = match change.item {
            ChartItem::Fact(kind, fact) => (fact.0, Some(kind.into())),
            ChartItem::Document(document) => (document.0, None),
        };
        Self {
            uuid,
            kind,
            title: change.title,
            what: change.what.into(),
            reason: change.reason.and_then(Phi::into_known).map(|reason| reason.as_str().to_owned()),
            by: change.by,
            fields: change.fields.into_iter().map(field).collect(),
        }
    }
}

/// A page of the changes of a chart, in the log's order; none of what is masked.
pub async fn chart_changes(context: &Context<'_>, asked: ChartChangesOf) -> Result<Connection<(i64, Uuid), ChartChange>, Failure> {
    let ChartChangesOf { patient, from, to, page } = asked;
    let permitted = permitted(context, Permission::ReadChart)?;
    permitted.notes_look_up(patient);
    let (from, to) =
        futures::future::try_join(permitted.load(PastOf { patient, moment: from.into() }), permitted.load(PastOf { patient, moment: to.into() })).await?;
    let (from, to) = from.zip(to).ok_or(Failure::Internal)?;
    if from.through > to.through {
        return Err(Failure::Argument("to", InvalidValue("not be before `from`")));
    }
    // Of a record that was the person's at either moment, whatever happened up to then is known.
    let events: BTreeMap<i64, _> = from.events.iter().chain(&to.events).map(|recorded| (recorded.position.0, recorded)).collect();
    let events = events.into_values().map(|recorded| (&recorded.event, projections::provenance(recorded)));
    let key = |change: &ChartChange| (change.by.position, change.uuid);
    let mut found: Vec<ChartChange> = changes(patient, events, from.through.0).into_iter().map(ChartChange::from).collect();
    found.sort_by_key(key);
    found.retain(|change| !from.masked.contains_key(&change.uuid) && !to.masked.contains_key(&change.uuid));
    found.retain(|change| page.after.is_none_or(|after| key(change) > after));
    found.truncate(usize::try_from(page.limit()).unwrap_or_default());
    Ok(page.connection(found, key))
}
