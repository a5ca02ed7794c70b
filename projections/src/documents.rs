//! Documents as they are now: what is said of each, and where its bytes are.

use chrono::{DateTime, Utc};
use domain::documents::{BlobAddress, DocumentReference, DocumentReferenceStatus, DocumentUploaded, DocumentsEvent, MediaType};
use domain::records::Provenance;
use domain::value::Reason;
use domain::{Event, EventType, Label};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::records::provenance;
use crate::rows::{Row, Rows};

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
    status: Status,
    occurred_at: Option<DateTime<Utc>>,
    content: Option<Value>,
    security: Vec<Label>,
    superseded_by: Option<Uuid>,
    removal_reason: Option<Reason>,
    recorded: Provenance,
    changed: Provenance,
    position: i64,
}

/// FHIR `document-reference-status`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Current,
    Superseded,
    EnteredInError,
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
        let mut rows: Rows<DocumentRow> = Rows::load(connection, own().map(|(recorded, event)| (recorded.tenant, event.about().1.0))).await?;
        for (recorded, event) in own() {
            let key = (recorded.tenant, event.about().1.0);
            if let DocumentsEvent::DocumentUploaded(event) = event {
                rows.add(key, uploaded(recorded, event)?)?;
                continue;
            }
            let row = rows.change(key)?;
            row.changed = provenance(recorded);
            row.position = recorded.position.0;
            match event {
                DocumentsEvent::DocumentUploaded(_) => {}
                DocumentsEvent::DocumentSuperseded(event) => {
                    row.status = Status::Superseded;
                    row.superseded_by = Some(event.by.0);
                }
                DocumentsEvent::DocumentRemoved(event) => {
                    row.status = Status::EnteredInError;
                    row.removal_reason = event.reason.clone().into_known();
                }
            }
        }
        rows.save(connection).await
    }
}

fn uploaded(recorded: &Recorded, event: &DocumentUploaded) -> Result<DocumentRow, ApplyError> {
    let content = event.content.known();
    let superseded = content.is_some_and(|content| content.status == DocumentReferenceStatus::Superseded);
    Ok(DocumentRow {
        tenant: recorded.tenant.0,
        document_id: event.document.0,
        patient_id: event.patient.0,
        address: event.address.clone(),
        size: event.size,
        content_type: content.map(|content| content.attachment.content_type.clone()),
        title: content.and_then(|content| content.title()).map(str::to_owned),
        status: if superseded { Status::Superseded } else { Status::Current },
        occurred_at: event.content.known().and_then(DocumentReference::occurred),
        content: event.content.clone().map(serde_json::to_value).into_known().transpose()?,
        security: event.security.clone(),
        superseded_by: None,
        removal_reason: None,
        recorded: provenance(recorded),
        changed: provenance(recorded),
        position: recorded.position.0,
    })
}
