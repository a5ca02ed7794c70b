//! One entry of a chart.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::Utc;
use domain::records::{self, Content, FactKind, Screening};
use domain::{FactId, Label, PatientId, Permission, Phi, UserId};
use gate::OfPatient;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::content::{ChartKind, FactContent};
use super::past::PastChart;
use crate::errors::Failure;
use crate::ids::global;
use crate::reads::{Loads, by_id, permitted};
use crate::scalars::{DateTime, Position};
use crate::values::Masked;

/// A clinical fact of a patient's chart.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct ChartEntry {
    /// The id as commands have it.
    #[sqlx(rename = "fact_id")]
    uuid: Uuid,
    /// The record that it was recorded in: of a person whose records were merged, one of these.
    #[graphql(name = "record")]
    patient_id: Uuid,
    #[graphql(skip)]
    kind: String,
    /// What it is about, as a person reads it; null once erased.
    title: Option<String>,
    #[graphql(skip)]
    occurred_at: Option<chrono::DateTime<Utc>>,
    #[graphql(skip)]
    encounter_id: Option<Uuid>,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    content: Option<Value>,
    /// How sensitive it is, beyond normal: codes of HL7 v3 `Confidentiality` and `ActCode`.
    security: Vec<String>,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    screening: Option<Screening>,
    #[graphql(skip)]
    entered_in_error: bool,
    /// Why it should not have been recorded, where it was entered in error; null once erased.
    #[graphql(name = "statusReason")]
    error_reason: Option<String>,
    /// How often it was amended.
    amendments: i32,
    #[graphql(skip)]
    #[sqlx(json)]
    recorded: records::Provenance,
    #[graphql(skip)]
    #[sqlx(json)]
    changed: records::Provenance,
    /// The chart of the past that it is an entry of.
    #[graphql(skip)]
    #[sqlx(skip)]
    past: Option<Arc<PastChart>>,
    /// Why what it says is not shown, where it is not.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

impl OfPatient for ChartEntry {
    fn type_name(&self) -> &'static str {
        "ChartEntry"
    }
    fn permission(&self) -> Permission {
        Permission::ReadChart
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn labels(&self) -> Vec<Label> {
        Label::from_codes(&self.security)
    }
    fn is_by(&self, user: UserId) -> bool {
        self.recorded.user == user
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            title: None,
            occurred_at: None,
            encounter_id: None,
            content: None,
            security: Vec::new(),
            screening: None,
            error_reason: None,
            masked: Some(why.into()),
            uuid: self.uuid,
            patient_id: self.patient_id,
            kind: self.kind,
            entered_in_error: self.entered_in_error,
            amendments: self.amendments,
            recorded: self.recorded,
            changed: self.changed,
            past: self.past,
        }
    }
}

/// Whether an entry holds.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ChartEntryStatus {
    /// It is part of the chart.
    Current,
    /// It should not have been recorded, and stays readable as such.
    EnteredInError,
}

/// Which event says so.
#[derive(SimpleObject)]
pub struct Provenance {
    /// Where the event is in the log.
    position: Position,
    /// The event.
    event: Uuid,
    /// The user who did it.
    user: Uuid,
    /// The role in which they did it.
    role: String,
    /// When Carelog learned of it.
    time: DateTime,
}

impl From<&records::Provenance> for Provenance {
    fn from(provenance: &records::Provenance) -> Self {
        let records::Provenance { position, event, user, role, recorded } = provenance.clone();
        Self { position: Position(position), event, user: user.0, role, time: recorded.into() }
    }
}

/// Whether a fact goes together with the rest of the chart, as it was told when it was recorded or amended.
#[derive(SimpleObject)]
pub struct ScreeningResult {
    /// Whether all could be told.
    checked: bool,
    /// What it does not go together with.
    conflicts: Vec<ScreeningConflict>,
    /// Why it was recorded all the same.
    acknowledged: Option<String>,
}

/// A fact that another does not go together with.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ScreeningConflict {
    /// What sort.
    kind: ConflictKind,
    #[graphql(skip)]
    with: FactId,
    #[graphql(skip)]
    beside: Beside,
}

/// How two facts do not go together.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "records::ConflictKind")]
pub enum ConflictKind {
    /// An active allergy against the medication.
    Allergy,
    /// The same medication was active already.
    DuplicateMedication,
    /// A medication that the allergy is against was active.
    ActiveMedication,
}

#[ComplexObject]
impl ScreeningConflict {
    /// The other fact; null where it is not in this person's chart, as after a merge was undone.
    async fn with(&self, context: &Context<'_>) -> Result<Option<ChartEntry>> {
        Ok(self.beside.fact(context, self.with).await?)
    }
}

/// A fact as it is now; null when there is none that the caller may see.
pub async fn chart_entry(context: &Context<'_>, fact: FactId) -> Result<Option<ChartEntry>, Failure> {
    let permitted = permitted(context, Permission::ReadChart)?;
    permitted.show_one(permitted.load(fact).await?).await
}

/// Where the facts that an entry names are looked for: in the same person's chart, so that a merge that was undone shows nobody else's.
#[derive(Clone)]
pub(super) enum Beside {
    /// The chart as it is now, of the person whose record this is.
    Now(Uuid),
    /// A chart of the past.
    Then(Arc<PastChart>),
}

impl Beside {
    pub(super) async fn fact(&self, context: &Context<'_>, fact: FactId) -> Result<Option<ChartEntry>, Failure> {
        let permitted = permitted(context, Permission::ReadChart)?;
        let entry = match self {
            // What of it may be seen was settled when the past was read.
            Self::Then(past) => past.chart.get(fact).map(|entry| ChartEntry::of_the_past(entry, past)).transpose()?,
            Self::Now(record) => permitted.show_one(permitted.load(FactBeside { record: *record, fact: fact.0 }).await?).await?,
        };
        Ok(entry)
    }
}

/// A fact of the person whose record this is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct FactBeside {
    record: Uuid,
    fact: Uuid,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    entry: ChartEntry,
}

impl Loader<FactBeside> for Loads {
    type Value = ChartEntry;
    type Error = Failure;
    async fn load(&self, keys: &[FactBeside]) -> Result<HashMap<FactBeside, ChartEntry>, Failure> {
        let (records, facts): (Vec<Uuid>, Vec<Uuid>) = keys.iter().map(|key| (key.record, key.fact)).unzip();
        let rows: Vec<Row> = sqlx::query_as(
            "select beside.record as of, f.* from unnest($1::uuid[], $2::uuid[]) as beside (record, fact) join chart_fact f on f.fact_id = beside.fact \
             where f.patient_id in (select record_id from patient_link where patient_id = beside.record)",
        )
        .bind(records)
        .bind(facts)
        .fetch_all(&mut *self.connection().await)
        .await?;
        Ok(rows.into_iter().map(|row| (FactBeside { record: row.of, fact: row.entry.uuid }, row.entry)).collect())
    }
}

impl ChartEntry {
    /// What a cursor names.
    pub fn key(&self) -> Uuid {
        self.uuid
    }

    /// An entry as it was.
    pub fn of_the_past(entry: &records::ChartEntry, past: &Arc<PastChart>) -> Result<Self, Failure> {
        let content = entry.content.known();
        let (recorded, changed) = entry.recorded.clone().zip(entry.changed.clone()).ok_or(Failure::Internal)?;
        let reason = entry.entered_in_error.as_ref().and_then(Phi::known);
        let shown = Self {
            uuid: entry.fact.0,
            patient_id: entry.patient.0,
            kind: entry.kind.resource_type().to_owned(),
            title: content.and_then(Content::title).map(str::to_owned),
            occurred_at: content.and_then(Content::occurred),
            encounter_id: content.and_then(Content::encounter).and_then(|encounter| encounter.id_of("Encounter")),
            content: content.map(serde_json::to_value).transpose()?,
            security: entry.security.iter().copied().map(Label::code).map(str::to_owned).collect(),
            screening: entry.screening.as_ref().and_then(Phi::known).cloned(),
            entered_in_error: entry.entered_in_error.is_some(),
            error_reason: reason.map(|reason| reason.as_str().to_owned()),
            amendments: i32::try_from(entry.amendments).map_err(|_| Failure::Internal)?,
            recorded,
            changed,
            past: Some(Arc::clone(past)),
            masked: None,
        };
        Ok(match past.masked.get(&entry.fact.0) {
            Some(why) => shown.mask(*why),
            None => shown,
        })
    }

    fn beside(&self) -> Beside {
        self.past.clone().map_or(Beside::Now(self.patient_id), Beside::Then)
    }

    fn fact_kind(&self) -> Result<FactKind, Failure> {
        Ok(serde_json::from_value(self.kind.as_str().into())?)
    }
}

#[ComplexObject]
impl ChartEntry {
    /// The global id, which is the same at every moment.
    pub async fn id(&self) -> ID {
        global(FactId(self.uuid))
    }

    /// What kind of fact.
    async fn kind(&self) -> Result<ChartKind> {
        Ok(self.fact_kind()?.into())
    }

    /// Whether it holds.
    async fn status(&self) -> ChartEntryStatus {
        if self.entered_in_error { ChartEntryStatus::EnteredInError } else { ChartEntryStatus::Current }
    }

    /// When it was so, where it says; of a date its first moment at UTC.
    async fn occurred(&self) -> Option<DateTime> {
        self.occurred_at.map(DateTime::from)
    }

    /// The event that recorded it.
    async fn recorded(&self) -> Provenance {
        (&self.recorded).into()
    }

    /// The event that changed it last; the same where none did.
    async fn changed(&self) -> Provenance {
        (&self.changed).into()
    }

    /// Whether it goes together with the rest of the chart; null where that is not looked at, or erased.
    async fn screening(&self, context: &Context<'_>) -> Result<Option<ScreeningResult>> {
        let Some(Screening { checked, conflicts, acknowledged }) = self.screening.clone() else { return Ok(None) };
        let everyone = permitted(context, Permission::ReadChart)?.reaches_whole_tenant();
        let (mut told, before) = (Vec::new(), conflicts.len());
        for found in conflicts {
            let beside = self.beside();
            // Whom the patient let in does not learn that something is there which they may not see.
            if everyone || beside.fact(context, found.with).await?.is_some() {
                told.push(ScreeningConflict { kind: found.kind.into(), with: found.with, beside });
            }
        }
        let acknowledged = acknowledged.filter(|_| told.len() == before).map(|reason| reason.as_str().to_owned());
        Ok(Some(ScreeningResult { checked, conflicts: told, acknowledged }))
    }

    /// The encounter during which it was stated; null where it is not in this person's chart.
    async fn encounter(&self, context: &Context<'_>) -> Result<Option<ChartEntry>> {
        let Some(encounter) = self.encounter_id else { return Ok(None) };
        Ok(self.beside().fact(context, FactId(encounter)).await?)
    }

    /// What it says; null once erased.
    async fn content(&self) -> Result<Option<FactContent>> {
        let Some(content) = self.content.clone() else { return Ok(None) };
        Ok(Some(FactContent::read(self.fact_kind()?, content).map_err(Failure::from)?))
    }
}

impl Loader<FactId> for Loads {
    type Value = ChartEntry;
    type Error = Failure;
    async fn load(&self, ids: &[FactId]) -> Result<HashMap<FactId, ChartEntry>, Failure> {
        let found: Vec<ChartEntry> = self.rows("select * from chart_fact where fact_id = any($1)", ids).await?;
        Ok(by_id(found, |entry| FactId(entry.uuid)))
    }
}
