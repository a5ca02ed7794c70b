//! What the consents and restrictions in force say, in columns that policy asks for.

use chrono::{DateTime, Utc};
use domain::Label;
use domain::access::{DataKind, PurposeOfUse};
use domain::consents::{Provision, ProvisionType, Recipient};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::ApplyError;
use crate::rows::{Key, insert};

#[derive(Serialize)]
pub(super) struct ProvisionRow {
    tenant: Uuid,
    provision_id: Uuid,
    patient_id: Uuid,
    source: &'static str,
    decision: &'static str,
    recipient_kind: &'static str,
    recipient: Option<String>,
    purposes: Vec<PurposeOfUse>,
    kinds: Vec<DataKind>,
    labels: Vec<Label>,
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    position: i64,
}

impl ProvisionRow {
    /// Of a tenant, a consent or a restriction, and a patient.
    pub(super) fn of((tenant, id, patient): (Uuid, Uuid, Uuid), source: &'static str, decision: ProvisionType, provision: &Provision, position: i64) -> Self {
        let (recipient_kind, recipient) = match provision.recipient {
            Recipient::Anyone => ("anyone", None),
            Recipient::User(user) => ("user", Some(user.to_string())),
            Recipient::Role(role) => ("role", Some(role.name().to_owned())),
            Recipient::Facility(facility) => ("facility", Some(facility.to_string())),
        };
        Self {
            tenant,
            provision_id: id,
            patient_id: patient,
            source,
            decision: decision.code(),
            recipient_kind,
            recipient,
            purposes: provision.purposes.iter().copied().collect(),
            kinds: provision.kinds.iter().copied().collect(),
            labels: provision.labels.iter().copied().collect(),
            starts_at: provision.period.start(),
            ends_at: provision.period.end(),
            position,
        }
    }
}

/// Writes anew what these say, where they hold.
pub(super) async fn save_provisions(connection: &mut PgConnection, provisions: Vec<(Key, Option<ProvisionRow>)>) -> Result<(), ApplyError> {
    if provisions.is_empty() {
        return Ok(());
    }
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = provisions.iter().map(|((tenant, id), _)| (tenant.0, *id)).unzip();
    sqlx::query("delete from provision where (tenant, provision_id) in (select * from unnest($1::uuid[], $2::uuid[]))")
        .bind(tenants)
        .bind(ids)
        .execute(&mut *connection)
        .await?;
    let rows: Vec<ProvisionRow> = provisions.into_iter().filter_map(|(_, row)| row).collect();
    insert(connection, "provision", &rows).await
}
