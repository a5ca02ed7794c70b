//! What is read, on a snapshot.

use std::collections::HashMap;

use domain::PatientId;
use event_store::ReadError;
use fhir::ResourceType;
use gate::{AccessRefusal, Forbidden, ReadRefusal, Snapshot};
use serde_json::Value;
use uuid::Uuid;

use crate::tables::{DOCUMENT, FACT, Found, Table, permissions, tables};

/// Why there is no resource.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is none of this id, or none that the caller may know of: the two look the same.
    #[error("there is no such resource")]
    NotFound,
    /// The caller may not read resources of the type, whosever they are.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The read models do not answer.
    #[error(transparent)]
    Refused(#[from] ReadRefusal),
    /// The access log does not answer, or does not read.
    #[error("the access log does not read")]
    Log(#[from] ReadError),
    /// A row is not what this build makes of it.
    #[error("a row of the read models does not read")]
    Row(#[from] serde_json::Error),
}

impl From<AccessRefusal> for Failure {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {
            AccessRefusal::Forbidden(forbidden) => forbidden.into(),
            AccessRefusal::Log(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error.into())
    }
}

/// One resource.
pub async fn one(snapshot: &Snapshot, resource_type: ResourceType, id: Uuid) -> Result<Value, Failure> {
    require(snapshot, resource_type)?;
    for table in tables(resource_type) {
        if let Some(resource) = some(snapshot, resource_type, table, vec![id]).await?.pop() {
            return Ok(resource);
        }
    }
    Err(Failure::NotFound)
}

async fn some(snapshot: &Snapshot, resource_type: ResourceType, table: &Table, ids: Vec<Uuid>) -> Result<Vec<Value>, Failure> {
    let rows = sqlx::query_as(table.some).bind(ids).bind(resource_type.name()).fetch_all(&mut *snapshot.connection().await).await?;
    shown(snapshot, table, rows)
}

/// All that is recorded of a person, under whichever of their records, the records themselves first.
pub async fn everything(snapshot: &Snapshot, patient: PatientId) -> Result<Vec<Value>, Failure> {
    require(snapshot, ResourceType::Patient)?;
    for kind in ResourceType::all().filter(|resource_type| matches!(resource_type, ResourceType::Fact(_) | ResourceType::DocumentReference)) {
        require(snapshot, kind)?;
    }
    let records: Vec<Uuid> = sqlx::query_scalar("select record_id from patient_link where patient_id = $1 order by record_id <> $1, record_id")
        .bind(patient.0)
        .fetch_all(&mut *snapshot.connection().await)
        .await?;
    let mut all = Vec::new();
    for record in &records {
        all.push(one(snapshot, ResourceType::Patient, *record).await?);
    }
    if all.is_empty() {
        return Err(Failure::NotFound);
    }
    let statement = "select fact_id, to_json(chart_fact) from chart_fact where patient_id = any($1) order by kind, occurred_at, fact_id";
    let rows = sqlx::query_as(statement).bind(&records).fetch_all(&mut *snapshot.connection().await).await?;
    all.extend(shown(snapshot, &FACT, rows)?);
    let documents: Vec<Uuid> = sqlx::query_scalar("select document_id from document where patient_id = any($1) order by occurred_at, document_id")
        .bind(records)
        .fetch_all(&mut *snapshot.connection().await)
        .await?;
    let mut resources = some(snapshot, ResourceType::DocumentReference, &DOCUMENT, documents.clone()).await?;
    let place: HashMap<String, usize> = documents.iter().map(Uuid::to_string).zip(0..).collect();
    resources.sort_by_key(|resource| resource["id"].as_str().and_then(|id| place.get(id).copied()));
    all.extend(resources);
    Ok(all)
}

/// Some resources of one type, and where to go on.
pub struct Page {
    /// The resources.
    pub resources: Vec<Value>,
    /// How far it came; `None` at the end.
    pub next: Option<Place>,
}

/// A place in the order of a type's resources.
#[derive(Clone, Copy, Default)]
pub struct Place {
    table: usize,
    after: Uuid,
}

/// At most so many resources of a type, from a place on.
pub async fn page(snapshot: &Snapshot, resource_type: ResourceType, place: Place, most: u16) -> Result<Page, Failure> {
    require(snapshot, resource_type)?;
    let Some(table) = tables(resource_type).get(place.table) else { return Ok(Page { resources: Vec::new(), next: None }) };
    let statement = sqlx::query_as(table.page).bind(place.after).bind(resource_type.name()).bind(i64::from(most));
    let rows: Vec<(Uuid, Value)> = statement.fetch_all(&mut *snapshot.connection().await).await?;
    let next = match rows.last() {
        Some((last, _)) => Place { after: *last, ..place },
        None => Place { table: place.table + 1, after: Uuid::nil() },
    };
    let resources = shown(snapshot, table, rows)?;
    Ok(Page { resources, next: (next.table < tables(resource_type).len()).then_some(next) })
}

fn require(snapshot: &Snapshot, resource_type: ResourceType) -> Result<(), Forbidden> {
    permissions(resource_type).iter().try_for_each(|permission| snapshot.require(*permission).map(drop))
}

fn note_fields(snapshot: &Snapshot, resource: &Value) {
    let of = resource["resourceType"].as_str().unwrap_or_default();
    for field in resource.as_object().into_iter().flat_map(serde_json::Map::keys) {
        snapshot.resolves(of, field);
    }
}

/// The resources of rows that go out: whose they are is disclosed.
fn shown(snapshot: &Snapshot, table: &Table, rows: Vec<(Uuid, Value)>) -> Result<Vec<Value>, Failure> {
    let mut resources = Vec::new();
    for (_, row) in rows {
        let Found { patient, resource } = (table.resource)(row)?;
        let Some(resource) = resource else { continue };
        if let Some(patient) = patient {
            snapshot.discloses(patient);
            note_fields(snapshot, &resource);
        }
        resources.push(resource);
    }
    Ok(resources)
}
