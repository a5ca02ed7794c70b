//! Which records are of one person, and who was granted access to them: rows between two ids, written event by event because they are few.

use chrono::{DateTime, Utc};
use domain::patients::{AccessScope, PatientAccessGranted};
use domain::{PatientId, TenantId, UserId};
use event_store::Recorded;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::ApplyError;
use crate::rows::Key;

/// What changed between a patient and somebody else.
pub(crate) enum Relation {
    /// A record is of one person with itself.
    Registered,
    /// This record was merged into the patient's.
    Merged(PatientId),
    /// And was not of the same person after all.
    Separated(PatientId),
    /// Somebody may read the record.
    Granted(Box<Granted>),
    /// This user may not any more.
    Revoked(UserId),
}

/// Who may read a record, and how far.
pub(crate) struct Granted {
    user: UserId,
    name: Option<Value>,
    scope: AccessScope,
    at: DateTime<Utc>,
}

impl Relation {
    /// Of a grant whose scope is erased nobody can say how far it reaches: it is none any more.
    pub(crate) fn granted(recorded: &Recorded, event: &PatientAccessGranted) -> Result<Self, ApplyError> {
        let user = event.grantee;
        let Some(scope) = event.scope.known().cloned() else { return Ok(Self::Revoked(user)) };
        let name = event.grantee_name.as_ref().and_then(|name| name.value.known()).map(serde_json::to_value).transpose()?;
        Ok(Self::Granted(Box::new(Granted { user, name, scope, at: recorded.recorded })))
    }
}

/// Writes them in the order of their positions.
pub(crate) async fn save_relations(connection: &mut PgConnection, relations: &[(Key, i64, Relation)]) -> Result<(), ApplyError> {
    register(connection, relations).await?;
    for ((tenant, patient), position, relation) in relations {
        match relation {
            Relation::Registered => {}
            Relation::Merged(merged) => {
                sqlx::query("insert into patient_merge (tenant, patient_id, merged_id, position) values ($1, $2, $3, $4)")
                    .bind(tenant.0)
                    .bind(patient)
                    .bind(merged.0)
                    .bind(position)
                    .execute(&mut *connection)
                    .await?;
                link(connection, *tenant, &[*patient, merged.0], *position).await?;
            }
            Relation::Separated(merged) => {
                sqlx::query("delete from patient_merge where tenant = $1 and patient_id = $2 and merged_id = $3")
                    .bind(tenant.0)
                    .bind(patient)
                    .bind(merged.0)
                    .execute(&mut *connection)
                    .await?;
                link(connection, *tenant, &[*patient, merged.0], *position).await?;
            }
            Relation::Granted(granted) => grant(connection, (*tenant, *patient), *position, granted).await?,
            Relation::Revoked(user) => {
                let statement = "delete from patient_grant where tenant = $1 and patient_id = $2 and grantee = $3";
                sqlx::query(statement).bind(tenant.0).bind(patient).bind(user.0).execute(&mut *connection).await?;
            }
        }
    }
    Ok(())
}

async fn grant(connection: &mut PgConnection, (tenant, patient): Key, position: i64, granted: &Granted) -> Result<(), ApplyError> {
    let AccessScope { relationship, kinds, labels, ends, until_majority } = &granted.scope;
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let labels: Vec<&str> = labels.iter().map(|label| label.code()).collect();
    let statement = "insert into patient_grant (tenant, patient_id, grantee, grantee_name, relationship, kinds, labels, ends_at, until_majority, granted_at, position) \
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                     on conflict (tenant, patient_id, grantee) do update set grantee_name = excluded.grantee_name, relationship = excluded.relationship, \
                     kinds = excluded.kinds, labels = excluded.labels, ends_at = excluded.ends_at, until_majority = excluded.until_majority, \
                     granted_at = excluded.granted_at, position = excluded.position";
    sqlx::query(statement)
        .bind(tenant.0)
        .bind(patient)
        .bind(granted.user.0)
        .bind(&granted.name)
        .bind(relationship.code())
        .bind(kinds)
        .bind(labels)
        .bind(ends)
        .bind(until_majority)
        .bind(granted.at)
        .bind(position)
        .execute(connection)
        .await?;
    Ok(())
}

/// Nothing else can be said of a record before it is registered, so these can go first, together.
async fn register(connection: &mut PgConnection, relations: &[(Key, i64, Relation)]) -> Result<(), ApplyError> {
    let (mut tenants, mut patients, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    for ((tenant, patient), position, _) in relations.iter().filter(|(_, _, relation)| matches!(relation, Relation::Registered)) {
        tenants.push(tenant.0);
        patients.push(*patient);
        positions.push(*position);
    }
    if !tenants.is_empty() {
        let statement = "insert into patient_link (tenant, patient_id, record_id, position) \
                         select tenant, patient, patient, position from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as new (tenant, patient, position)";
        sqlx::query(statement).bind(tenants).bind(patients).bind(positions).execute(connection).await?;
    }
    Ok(())
}

/// Pairs up anew all the records that were of one person with any of these, as the merges in force say (see `domain::patients::LinkedPatients`).
/// A pair keeps the position at which it came together; of one that comes apart, that is kept.
async fn link(connection: &mut PgConnection, tenant: TenantId, changed: &[Uuid], position: i64) -> Result<(), ApplyError> {
    let before: Vec<(Uuid, Uuid, i64)> = sqlx::query_as(
        "delete from patient_link where tenant = $1 and patient_id in \
         (select record_id from patient_link where tenant = $1 and patient_id = any($2)) returning patient_id, record_id, position",
    )
    .bind(tenant.0)
    .bind(changed)
    .fetch_all(&mut *connection)
    .await?;
    let patients: Vec<Uuid> = before.iter().map(|pair| pair.0).collect();
    let records: Vec<Uuid> = before.iter().map(|pair| pair.1).collect();
    let positions: Vec<i64> = before.iter().map(|pair| pair.2).collect();
    let statement = "with recursive link (patient_id, record_id) as ( \
             select record, record from unnest($2::uuid[]) as record \
             union \
             select link.patient_id, case link.record_id when merge.patient_id then merge.merged_id else merge.patient_id end \
             from link join patient_merge merge on merge.tenant = $1 and link.record_id in (merge.patient_id, merge.merged_id) \
         ) \
         insert into patient_link (tenant, patient_id, record_id, position) \
         select $1, patient_id, record_id, coalesce(before.position, $5) from link \
         left join unnest($3::uuid[], $2::uuid[], $4::bigint[]) as before (patient_id, record_id, position) using (patient_id, record_id)";
    sqlx::query(statement).bind(tenant.0).bind(&records).bind(&patients).bind(&positions).bind(position).execute(&mut *connection).await?;
    let statement = "insert into patient_link_left (tenant, patient_id, record_id, position) \
         select $1, patient_id, record_id, $4 from unnest($2::uuid[], $3::uuid[]) as before (patient_id, record_id) \
         where not exists (select from patient_link link where link.tenant = $1 and link.patient_id = before.patient_id and link.record_id = before.record_id) \
         on conflict (tenant, patient_id, record_id) do update set position = excluded.position";
    sqlx::query(statement).bind(tenant.0).bind(&patients).bind(&records).bind(position).execute(&mut *connection).await?;
    let statement = "delete from patient_link_left left_before using patient_link link where left_before.tenant = $1 and left_before.patient_id = any($2) \
         and link.tenant = $1 and link.patient_id = left_before.patient_id and link.record_id = left_before.record_id";
    sqlx::query(statement).bind(tenant.0).bind(&patients).execute(connection).await?;
    Ok(())
}
