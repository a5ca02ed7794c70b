//! What the active allergies and medications of a chart come to: what is known about allergies, and what does not go together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use domain::records::{self, Chart, FactKind};
use domain::{FactId, Label, PatientId, Permission, Phi, UserId};
use gate::{Masked, OfPatient, Verdict};
use serde_json::Value;
use uuid::Uuid;

use super::entry::{Beside, ChartEntry, ConflictKind};
use crate::errors::Failure;
use crate::reads::Loads;

/// What is known about allergies.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "records::AllergyStatus")]
pub enum AllergyStatus {
    /// Nobody has asked, or nobody has written it down.
    NotAsked,
    /// It was asked, and there is none.
    NoneKnown,
    /// There are some.
    Known,
}

/// Whether the active medications of a chart go together with its active allergies and with each other.
#[derive(SimpleObject)]
pub struct ChartScreening {
    /// Whether all could be told.
    checked: bool,
    /// What does not go together.
    conflicts: Vec<ChartConflict>,
}

/// An active medication, and what it does not go together with.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ChartConflict {
    /// What sort.
    kind: ConflictKind,
    #[graphql(skip)]
    fact: FactId,
    #[graphql(skip)]
    with: FactId,
    #[graphql(skip)]
    beside: Beside,
}

#[ComplexObject]
impl ChartConflict {
    /// The medication.
    async fn entry(&self, context: &Context<'_>) -> Result<Option<ChartEntry>> {
        Ok(self.beside.fact(context, self.fact).await?)
    }

    /// The allergy, or the same medication once more.
    async fn with(&self, context: &Context<'_>) -> Result<Option<ChartEntry>> {
        Ok(self.beside.fact(context, self.with).await?)
    }
}

impl ChartScreening {
    /// Of what was found in a chart, whose entries are looked for there.
    pub(super) fn of(found: records::ChartScreening, beside: &Beside) -> Self {
        let conflict = |(fact, found): (FactId, records::Conflict)| ChartConflict { kind: found.kind.into(), fact, with: found.with, beside: beside.clone() };
        Self { checked: found.checked, conflicts: found.conflicts.into_iter().map(conflict).collect() }
    }
}

/// The allergies and medications of a person as they stand.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StandingOf(pub(super) Uuid);

#[derive(sqlx::FromRow)]
struct Row {
    of: Uuid,
    fact_id: Uuid,
    patient_id: Uuid,
    kind: String,
    content: Option<Value>,
    security: Vec<String>,
    author: Option<Uuid>,
}

impl OfPatient for Row {
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
        self.author == Some(user.0)
    }
    fn mask(self, _why: Masked) -> Self {
        Self { content: None, of: self.of, fact_id: self.fact_id, patient_id: self.patient_id, kind: self.kind, security: self.security, author: self.author }
    }
}

impl Loader<StandingOf> for Loads {
    /// None where something about the person could not be applied, or is closed to the caller: what is not there may be all the same. What bears a sensitive label counts
    /// all the same for those who may know of it, because a warning that is not given does harm.
    type Value = Option<Arc<Chart>>;
    type Error = Failure;
    async fn load(&self, keys: &[StandingOf]) -> Result<HashMap<StandingOf, Option<Arc<Chart>>>, Failure> {
        let patients: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let mut unknown: HashSet<Uuid> = sqlx::query_scalar(
            "select parent.id from unnest($1::uuid[]) as parent (id) where exists ( \
             select from projection.parked join projection.version using (schema_name) where active and name in ('records', 'patients') \
             and tenant = nullif(current_setting('carelog.tenant', true), '')::uuid \
             and (subject = 'patient/' || parent.id or subject in (select 'patient/' || record_id from patient_link where patient_id = parent.id)))",
        )
        .bind(&patients)
        .fetch_all(&mut *self.connection().await)
        .await?
        .into_iter()
        .collect();
        let rows: Vec<Row> = sqlx::query_as(
            "select parent.id as of, f.fact_id, f.patient_id, f.kind, f.content, f.security, (f.recorded ->> 'user')::uuid as author from unnest($1::uuid[]) as parent (id) \
             join patient_link link on link.patient_id = parent.id join chart_fact f on f.patient_id = link.record_id \
             where kind in ('AllergyIntolerance', 'MedicationRequest') and not entered_in_error",
        )
        .bind(&patients)
        .fetch_all(&mut *self.connection().await)
        .await?;
        let verdicts = self.judge(&rows).await?;
        let mut charts: HashMap<Uuid, Vec<records::ChartEntry>> = HashMap::new();
        for (row, verdict) in rows.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Shown | Verdict::Masked(Masked::Label) => {}
                Verdict::Masked(_) => {
                    unknown.insert(row.of);
                    continue;
                }
                Verdict::Withheld => continue,
            }
            charts.entry(row.of).or_default().push(entry(row)?);
        }
        let standing = |patient: Uuid, entries: Vec<records::ChartEntry>| (!unknown.contains(&patient)).then(|| Arc::new(entries.into_iter().collect()));
        Ok(patients.into_iter().map(|patient| (StandingOf(patient), standing(patient, charts.remove(&patient).unwrap_or_default()))).collect())
    }
}

/// As far as what it comes to depends on it.
fn entry(row: Row) -> Result<records::ChartEntry, Failure> {
    let kind: FactKind = serde_json::from_value(row.kind.into())?;
    let content = row.content.map(|content| kind.content(content)).transpose()?;
    Ok(records::ChartEntry {
        fact: FactId(row.fact_id),
        patient: PatientId(row.patient_id),
        kind,
        content: content.map_or(Phi::Erased, Phi::Known),
        security: Vec::new(),
        screening: None,
        entered_in_error: None,
        amendments: 0,
        recorded: None,
        changed: None,
    })
}
