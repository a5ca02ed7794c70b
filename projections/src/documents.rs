//! Documents as they are now: the fold of `domain::documents`, document by document.

use chrono::{DateTime, Utc};
use domain::documents::{BlobAddress, Document, DocumentReference, DocumentStatus, DocumentsEvent, MediaType};
use domain::records::Provenance;
use domain::value::Reason;
use domain::{DocumentId, Event, EventType, Label, PatientId, Phi, TenantId};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::records::provenance;
use crate::rows::{Key, Row, Rows};

/// The read model `documents`; its tables are in `documents.sql`.
pub(crate) struct Documents;

#[derive(Serialize, Deserialize)]
struct DocumentRow {
    tenant: Uuid,
    document_id: Uuid,
    patient_id: Uuid,
    address: BlobAddress,
    size: u64,
    content_type: Option<MediaType>,
    title: Option<String>,
    status: DocumentStatus,
    occurred_at: Option<DateTime<Utc>>,
    content: Option<Value>,
    security: Vec<Label>,
    superseded_by: Option<Uuid>,
    removal_reason: Option<Reason>,
    recorded: Provenance,
    changed: Provenance,
    position: i64,
}

impl Row for DocumentRow {
    const TABLE: &'static str = "document";
    const ID: &'static str = "document_id";
}

#[async_trait::async_trait]
impl Projection for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn sql(&self) -> &'static str {
        include_str!("documents.sql")
    }

    fn types(&self) -> Vec<EventType> {
        DocumentsEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Documents(event) = &recorded.event { Some((recorded, event)) } else { None });
        let removed: Vec<Key> = own().filter(|(_, event)| matches!(event, DocumentsEvent::DocumentRemoved(_))).map(about).collect();
        let keys: Vec<Key> = own().map(about).chain(superseded_by(connection, &removed).await?).collect();
        let mut rows: Rows<DocumentRow> = Rows::load(connection, keys.iter().copied()).await?;
        for (recorded, event) in own() {
            let key = (recorded.tenant, event.about().1.0);
            let before = rows.get(key).map(DocumentRow::document).transpose()?;
            let provenance = provenance(recorded);
            let document = Document::fold(before, event, Some(&provenance)).ok_or(ApplyError::Missing(DocumentRow::TABLE))?;
            rows.put(key, DocumentRow::of(recorded, document, provenance.clone())?);
            if let DocumentsEvent::DocumentRemoved(event) = event {
                let stands_for = |row: &DocumentRow| row.superseded_by == Some(event.document.0);
                let those = keys.iter().filter(|(tenant, _)| *tenant == recorded.tenant);
                let superseded: Vec<Key> = those.copied().filter(|key| rows.get(*key).is_some_and(stands_for)).collect();
                for key in superseded {
                    let Some(document) = rows.get(key).map(DocumentRow::document).transpose()? else { continue };
                    let document = document.without_successor(event.document, Some(&provenance));
                    rows.put(key, DocumentRow::of(recorded, document, provenance.clone())?);
                }
            }
        }
        rows.save(connection).await
    }
}

/// What an event is about.
fn about((recorded, event): (&Recorded, &DocumentsEvent)) -> Key {
    (recorded.tenant, event.about().1.0)
}

/// The documents whose place these have taken.
async fn superseded_by(connection: &mut PgConnection, successors: &[Key]) -> Result<Vec<Key>, ApplyError> {
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = successors.iter().map(|(tenant, id)| (tenant.0, *id)).unzip();
    let statement = "select tenant, document_id from document where (tenant, superseded_by) in (select * from unnest($1::uuid[], $2::uuid[]))";
    let found: Vec<(Uuid, Uuid)> = sqlx::query_as(statement).bind(tenants).bind(ids).fetch_all(connection).await?;
    Ok(found.into_iter().map(|(tenant, id)| (TenantId(tenant), id)).collect())
}

impl DocumentRow {
    /// `latest` is the event's: a document that was folded with provenance has its own.
    fn of(recorded: &Recorded, document: Document, latest: Provenance) -> Result<Self, ApplyError> {
        let (status, content) = (document.status(), document.content.known());
        let changed = document.changed.clone().unwrap_or(latest);
        Ok(Self {
            tenant: recorded.tenant.0,
            document_id: document.document.0,
            patient_id: document.patient.0,
            content_type: content.map(|content| content.attachment.content_type.clone()),
            title: content.and_then(DocumentReference::title).map(str::to_owned),
            status,
            occurred_at: content.and_then(DocumentReference::occurred),
            content: content.map(serde_json::to_value).transpose()?,
            address: document.address,
            size: document.size,
            security: document.security,
            superseded_by: document.superseded_by.map(|by| by.0),
            removal_reason: document.removed.and_then(Phi::into_known),
            recorded: document.recorded.unwrap_or_else(|| changed.clone()),
            position: changed.position,
            changed,
        })
    }

    /// The document that the row was made of.
    fn document(&self) -> Result<Document, ApplyError> {
        let content: Option<DocumentReference> = self.content.clone().map(serde_json::from_value).transpose()?;
        let reason = self.removal_reason.clone().map_or(Phi::Erased, Phi::Known);
        Ok(Document {
            document: DocumentId(self.document_id),
            patient: PatientId(self.patient_id),
            address: self.address.clone(),
            size: self.size,
            content: content.map_or(Phi::Erased, Phi::Known),
            security: self.security.clone(),
            superseded_by: self.superseded_by.map(DocumentId),
            removed: (self.status == DocumentStatus::EnteredInError).then_some(reason),
            recorded: Some(self.recorded.clone()),
            changed: Some(self.changed.clone()),
        })
    }
}
