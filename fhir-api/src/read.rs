//! What is read, on a snapshot.

use std::collections::HashSet;

use domain::{Label, PatientId, Permission, UserId};
use event_store::ReadError;
use fhir::ResourceType;
use gate::{AccessRefusal, Forbidden, Masked, OfPatient, ReadRefusal, Snapshot, Unvalued, Verdict};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tables::{Found, Table, permissions, tables};

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
        Unvalued::from(error).into()
    }
}

impl From<Unvalued> for Failure {
    fn from(error: Unvalued) -> Self {
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

/// Refuses unless the caller may read resources of a type.
pub fn require(snapshot: &Snapshot, resource_type: ResourceType) -> Result<(), Forbidden> {
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
pub struct Candidate {
    /// Its id.
    pub id: Uuid,
    type_name: &'static str,
    permission: Permission,
    patient: PatientId,
    labels: Vec<Label>,
    author: Option<UserId>,
    /// None once it is masked: a resource that says nothing is none.
    pub resource: Option<Value>,
}

impl Candidate {
    /// Something of a patient of which nothing else is known.
    pub fn of_patient(type_name: &'static str, permission: Permission, patient: PatientId) -> Self {
        Self { id: patient.0, type_name, permission, patient, labels: Vec::new(), author: None, resource: None }
    }
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
        let Self { id, type_name, permission, patient, labels, author, resource: _ } = self;
        Self { id, type_name, permission, patient, labels, author, resource: None }
    }
}

/// The code of `v3-ObservationValue` for a resource of which fields are left out.
const MASKED: &str = "MASKED";

/// Notes the fields of a resource, and takes out those that the caller does not need.
pub fn settle_fields(snapshot: &Snapshot, mut resource: Value) -> Value {
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

/// The resources of rows, before it is decided which of them the caller sees.
pub struct Candidates {
    /// Those of nobody, which everyone sees who may read the type.
    public: Vec<Value>,
    /// Those of patients.
    pub of_patients: Vec<Candidate>,
}

/// What rows come to; those of which everything was erased come to nothing.
pub async fn candidates(snapshot: &Snapshot, resource_type: ResourceType, table: &Table, mut rows: Vec<(Uuid, Value)>) -> Result<Candidates, Failure> {
    if resource_type == ResourceType::DocumentReference {
        name_known_documents(snapshot, &mut rows).await?;
    }
    let mut found = Candidates { public: Vec::new(), of_patients: Vec::new() };
    for (id, row) in rows {
        let codes: Vec<String> = serde_json::from_value(row.get("security").cloned().unwrap_or_else(|| json!([])))?;
        let author = row["recorded"]["user"].as_str().and_then(|user| user.parse().ok()).map(UserId);
        let Found { patient, resource } = (table.resource)(row)?;
        let Some(resource) = resource else { continue };
        match (patient, permissions(resource_type).last()) {
            (Some(patient), Some(permission)) => {
                let labels = Label::from_codes(&codes);
                let type_name = resource_type.name();
                found.of_patients.push(Candidate { id, labels, author, resource: Some(resource), ..Candidate::of_patient(type_name, *permission, patient) });
            }
            _ => found.public.push(resource),
        }
    }
    Ok(found)
}

/// Leaves in each document's row, of the documents that it replaces, those of which the caller may know.
async fn name_known_documents(snapshot: &Snapshot, rows: &mut [(Uuid, Value)]) -> Result<(), Failure> {
    let named = |row: &Value| -> Vec<Uuid> { row["replaces"].as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect() };
    let all: Vec<Uuid> = rows.iter().flat_map(|(_, row)| named(row)).collect();
    if all.is_empty() {
        return Ok(());
    }
    let statement = "select document_id, patient_id, security, (recorded ->> 'user')::uuid from document where document_id = any($1)";
    let found: Vec<(Uuid, Uuid, Vec<String>, Option<Uuid>)> = sqlx::query_as(statement).bind(all).fetch_all(&mut *snapshot.connection().await).await?;
    let replaced: Vec<Candidate> = found
        .into_iter()
        .map(|(id, patient, security, author)| {
            let candidate = Candidate::of_patient(ResourceType::DocumentReference.name(), Permission::ReadDocuments, PatientId(patient));
            Candidate { id, labels: Label::from_codes(&security), author: author.map(UserId), ..candidate }
        })
        .collect();
    let verdicts = snapshot.judge(&replaced).await?;
    let known: HashSet<Uuid> = replaced.iter().zip(verdicts).filter(|(_, verdict)| *verdict != Verdict::Withheld).map(|(candidate, _)| candidate.id).collect();
    for (_, row) in rows {
        row["replaces"] = named(row).into_iter().filter(|id| known.contains(id)).map(|id| json!(id)).collect();
    }
    Ok(())
}

/// The resources of rows, as far as they go out: whose they are is disclosed.
async fn shown(snapshot: &Snapshot, resource_type: ResourceType, table: &Table, rows: Vec<(Uuid, Value)>) -> Result<Shown, Failure> {
    let Candidates { public: mut resources, of_patients } = candidates(snapshot, resource_type, table, rows).await?;
    let candidates: Vec<Candidate> = snapshot.show(of_patients).await?.into_iter().flatten().collect();
    let masked = candidates.iter().filter(|candidate| candidate.resource.is_none()).count();
    resources.extend(candidates.into_iter().filter_map(|candidate| candidate.resource).map(|resource| settle_fields(snapshot, resource)));
    Ok(Shown { resources, masked })
}
