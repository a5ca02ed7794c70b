//! Charts as they are now: the fold of `domain::records`, fact by fact.

use chrono::{DateTime, Utc};
use domain::records::{ChartEntry, Content, FactKind, Provenance, RecordsEvent, Screening};
use domain::value::Reason;
use domain::{Event, EventType, FactId, Label, PatientId, Phi};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::rows::{Row, Rows};

/// The read model `records`; its tables are in `records.sql`.
pub(crate) struct Records;

#[derive(Serialize, Deserialize)]
struct FactRow {
    tenant: Uuid,
    fact_id: Uuid,
    patient_id: Uuid,
    kind: FactKind,
    title: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
    sort_at: DateTime<Utc>,
    encounter_id: Option<Uuid>,
    content: Option<Value>,
    security: Vec<Label>,
    screening: Option<Screening>,
    entered_in_error: bool,
    error_reason: Option<Reason>,
    amendments: u32,
    recorded: Provenance,
    changed: Provenance,
    position: i64,
}

impl Row for FactRow {
    const TABLE: &'static str = "chart_fact";
    const ID: &'static str = "fact_id";
}

#[async_trait::async_trait]
impl Projection for Records {
    fn name(&self) -> &'static str {
        "records"
    }

    fn sql(&self) -> &'static str {
        include_str!("records.sql")
    }

    fn types(&self) -> Vec<EventType> {
        RecordsEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Records(event) = &recorded.event { Some((recorded, event.change())) } else { None });
        let mut rows: Rows<FactRow> = Rows::load(connection, own().map(|(recorded, change)| (recorded.tenant, change.fact.0))).await?;
        for (recorded, change) in own() {
            let key = (recorded.tenant, change.fact.0);
            let before = rows.get(key).map(FactRow::entry).transpose()?;
            let provenance = provenance(recorded);
            let entry = ChartEntry::fold(before, change, Some(&provenance)).ok_or(ApplyError::Missing(FactRow::TABLE))?;
            rows.put(key, FactRow::of(recorded, entry, provenance)?);
        }
        rows.save(connection).await
    }
}

/// Which event says so, as a chart keeps it.
pub fn provenance(recorded: &Recorded) -> Provenance {
    Provenance {
        position: recorded.position.0,
        event: recorded.event_id,
        user: recorded.actor.user,
        role: recorded.actor.role.clone(),
        recorded: recorded.recorded,
    }
}

impl FactRow {
    /// `latest` is the event's: an entry that was folded with provenance has its own.
    fn of(recorded: &Recorded, entry: ChartEntry, latest: Provenance) -> Result<Self, ApplyError> {
        let content = entry.content.known();
        let changed = entry.changed.clone().unwrap_or(latest);
        let recorded_by = entry.recorded.clone().unwrap_or_else(|| changed.clone());
        Ok(Self {
            tenant: recorded.tenant.0,
            fact_id: entry.fact.0,
            patient_id: entry.patient.0,
            kind: entry.kind,
            title: content.and_then(Content::title).map(str::to_owned),
            occurred_at: content.and_then(Content::occurred),
            sort_at: content.and_then(Content::occurred).unwrap_or(recorded_by.recorded),
            encounter_id: content.and_then(Content::encounter).and_then(|encounter| encounter.id_of("Encounter")),
            content: content.map(serde_json::to_value).transpose()?,
            security: entry.security,
            screening: entry.screening.and_then(Phi::into_known),
            entered_in_error: entry.entered_in_error.is_some(),
            error_reason: entry.entered_in_error.and_then(Phi::into_known),
            amendments: entry.amendments,
            recorded: recorded_by,
            position: changed.position,
            changed,
        })
    }

    /// The entry that the row was made of.
    fn entry(&self) -> Result<ChartEntry, ApplyError> {
        let content = self.content.clone().map(|content| self.kind.content(content)).transpose()?;
        let reason = self.error_reason.clone().map_or(Phi::Erased, Phi::Known);
        Ok(ChartEntry {
            fact: FactId(self.fact_id),
            patient: PatientId(self.patient_id),
            kind: self.kind,
            content: content.map_or(Phi::Erased, Phi::Known),
            security: self.security.clone(),
            screening: self.screening.clone().map(Phi::Known),
            entered_in_error: self.entered_in_error.then_some(reason),
            amendments: self.amendments,
            recorded: Some(self.recorded.clone()),
            changed: Some(self.changed.clone()),
        })
    }
}
