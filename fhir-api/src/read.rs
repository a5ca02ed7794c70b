//! What is read, on a snapshot.

use std::collections::HashMap;

use domain::{Label, PatientId, Permission, UserId};
use event_store::ReadError;
use fhir::ResourceType;
use gate::{AccessRefusal, Forbidden, Masked, OfPatient, ReadRefusal, Snapshot};
use serde_json::{Value, json};
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
    /// There is one, and what it says is not for the caller.
    #[error("what the resource says is masked")]
    Masked,
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
        let Shown { mut resources, masked } = some(snapshot, resource_type, table, vec![id]).await?;
        if let Some(resource) = resources.pop() {
            return Ok(resource);
        }
        if masked > 0 {
            return Err(Failure::Masked);
        }
    }
    Err(Failure::NotFound)
}

async fn some(snapshot: &Snapshot, resource_type: ResourceType, table: &Table, ids: Vec<Uuid>) -> Result<Shown, Failure> {
    let rows = sqlx::query_as(table.some).bind(ids).bind(resource_type.name()).fetch_all(&mut *snapshot.connection().await).await?;
    shown(snapshot, resource_type, table, rows).await
}

/// All that is recorded of a person, under whichever of their records, the records themselves first.
pub async fn everything(snapshot: &Snapshot, patient: PatientId) -> Result<Shown, Failure> {
    require(snapshot, ResourceType::Patient)?;
    for kind in ResourceType::all().filter(|resource_type| matches!(resource_type, ResourceType::Fact(_) | ResourceType::DocumentReference)) {
        require(snapshot, kind)?;
    }
    let records: Vec<Uuid> = sqlx::query_scalar("select record_id from patient_link where patient_id = $1 order by record_id <> $1, record_id")
        .bind(patient.0)
        .fetch_all(&mut *snapshot.connection().await)
        .await?;
    let (mut all, mut masked) = (Vec::new(), 0);
    for record in &records {
        all.push(one(snapshot, ResourceType::Patient, *record).await?);
    }
    if all.is_empty() {
        return Err(Failure::NotFound);
    }
    let statement = "select fact_id, to_json(chart_fact) from chart_fact where patient_id = any($1) and kind = $2 order by occurred_at, fact_id";
    let mut kinds: Vec<ResourceType> = ResourceType::all().filter(|resource_type| matches!(resource_type, ResourceType::Fact(_))).collect();
    kinds.sort_by_key(|kind| kind.name());
    for kind in kinds {
        let rows = sqlx::query_as(statement).bind(&records).bind(kind.name()).fetch_all(&mut *snapshot.connection().await).await?;
        let facts = shown(snapshot, kind, &FACT, rows).await?;
        all.extend(facts.resources);
        masked += facts.masked;
    }
    let documents: Vec<Uuid> = sqlx::query_scalar("select document_id from document where patient_id = any($1) order by occurred_at, document_id")
        .bind(records)
        .fetch_all(&mut *snapshot.connection().await)
        .await?;
    let Shown { mut resources, masked: masked_documents } = some(snapshot, ResourceType::DocumentReference, &DOCUMENT, documents.clone()).await?;
    let place: HashMap<String, usize> = documents.iter().map(Uuid::to_string).zip(0..).collect();
    resources.sort_by_key(|resource| resource["id"].as_str().and_then(|id| place.get(id).copied()));
    all.extend(resources);
    Ok(Shown { resources: all, masked: masked + masked_documents })
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
    let Shown { resources, .. } = shown(snapshot, resource_type, table, rows).await?;
    Ok(Page { resources, next: (next.table < tables(resource_type).len()).then_some(next) })
}

fn require(snapshot: &Snapshot, resource_type: ResourceType) -> Result<(), Forbidden> {
    permissions(resource_type).iter().try_for_each(|permission| snapshot.require(*permission).map(drop))
}

/// Resources that the caller sees.
pub struct Shown {
    /// The resources.
    pub resources: Vec<Value>,
    /// How many there are beside them that the caller may know of, and not see.
    pub masked: usize,
}

/// A resource of a patient, before it is decided whether the caller sees it.
struct Candidate {
    type_name: &'static str,
    permission: Permission,
    patient: PatientId,
    labels: Vec<Label>,
    author: Option<UserId>,
    /// None once it is masked: a resource that says nothing is none.
    resource: Option<Value>,
}

impl OfPatient for Candidate {
    fn type_name(&self) -> &'static str {
        self.type_name
    }
    fn permission(&self) -> Permission {
        self.permission
    }
    fn patient(&self) -> PatientId {
        self.patient
    }
    fn labels(&self) -> Vec<Label> {
        self.labels.clone()
    }
    fn is_by(&self, user: UserId) -> bool {
        self.author == Some(user)
    }
    fn mask(self, _why: Masked) -> Self {
        Self { resource: None, type_name: self.type_name, permission: self.permission, patient: self.patient, labels: self.labels, author: self.author }
    }
}

/// The code of `v3-ObservationValue` for a resource of which fields are left out.
const MASKED: &str = "MASKED";

/// Notes the fields of a resource, and takes out those that the caller does not need.
fn settle_fields(snapshot: &Snapshot, mut resource: Value) -> Value {
    let of = resource["resourceType"].as_str().unwrap_or_default().to_owned();
    let Some(fields) = resource.as_object_mut() else { return resource };
    let before = fields.len();
    fields.retain(|field, _| {
        let sees = snapshot.sees_element(&of, field);
        if sees {
            snapshot.resolves(&of, field);
        }
        sees
    });
    if fields.len() < before {
        let label = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": MASKED });
        match resource.pointer_mut("/meta/security").and_then(Value::as_array_mut) {
            Some(security) => security.push(label),
            None => resource["meta"]["security"] = json!([label]),
        }
    }
    resource
}

/// The resources of rows, as far as they go out: whose they are is disclosed.
async fn shown(snapshot: &Snapshot, resource_type: ResourceType, table: &Table, rows: Vec<(Uuid, Value)>) -> Result<Shown, Failure> {
    let (mut resources, mut candidates) = (Vec::new(), Vec::new());
    for (_, row) in rows {
        let codes: Vec<String> = serde_json::from_value(row.get("security").cloned().unwrap_or_else(|| json!([])))?;
        let author = row["recorded"]["user"].as_str().and_then(|user| user.parse().ok()).map(UserId);
        let Found { patient, resource } = (table.resource)(row)?;
        let Some(resource) = resource else { continue };
        match (patient, permissions(resource_type).last()) {
            (Some(patient), Some(permission)) => {
                let labels = Label::from_codes(&codes);
                let type_name = resource_type.name();
                candidates.push(Candidate { type_name, permission: *permission, patient, labels, author, resource: Some(resource) });
            }
            _ => resources.push(resource),
        }
    }
    let candidates: Vec<Candidate> = snapshot.show(candidates).await?.into_iter().flatten().collect();
    let masked = candidates.iter().filter(|candidate| candidate.resource.is_none()).count();
    resources.extend(candidates.into_iter().filter_map(|candidate| candidate.resource).map(|resource| settle_fields(snapshot, resource)));
    Ok(Shown { resources, masked })
}
