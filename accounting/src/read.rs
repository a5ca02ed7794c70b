//! Reading it through the gate.

use chrono::{DateTime, Utc};
use domain::access::{DataKind, PurposeOfUse};
use domain::disclosures::Basis;
use domain::fhir_values::Address;
use domain::{PatientId, Permission, Phi};
use gate::{Forbidden, Masked, OfPatient, Reach, Snapshot, Unvalued};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{Accounting, Entry, Period};

/// What its access record calls it.
pub const OPERATION: &str = "accounting of disclosures";

/// How many disclosures one accounting holds at most: it is made, and read, as a whole. Of more than that in six years a person asks period by period.
pub(crate) const ENTRIES_AT_MOST: i64 = 10_000;

/// What its access record says was looked for.
pub fn criteria(patient: Uuid, period: Period) -> Phi<String> {
    Phi::Known(json!({ "patient": patient, "from": period.from, "to": period.to }).to_string())
}

/// Why there is no accounting.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// The caller may not read disclosures.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// There are more than one accounting holds.
    #[error("there are more than {} disclosures; ask for a shorter period, with from and to", ENTRIES_AT_MOST)]
    TooMany,
    /// There is no such patient for whom the caller may ask.
    #[error("there is no such patient for whom you may ask")]
    PatientUnknown,
    /// The read models failed.
    #[error("the read models are not available")]
    Database(#[from] Unvalued),
    /// A row does not read.
    #[error("a row of the read models does not read")]
    Row(#[from] serde_json::Error),
}

impl From<sqlx::Error> for NotShown {
    fn from(error: sqlx::Error) -> Self {
        Unvalued::from(error).into()
    }
}

#[derive(FromRow)]
struct Row {
    patient_id: Uuid,
    made_at: DateTime<Utc>,
    recipient_name: Option<String>,
    recipient_address: Option<Value>,
    what: Option<String>,
    kinds: Vec<String>,
    basis: Option<String>,
    purpose: Option<String>,
    purpose_of_use: Option<String>,
    #[sqlx(skip)]
    masked: bool,
}

impl OfPatient for Row {
    fn type_name(&self) -> &'static str {
        "Disclosure"
    }
    fn permission(&self) -> Permission {
        Permission::ReadDisclosures
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn mask(self, _why: Masked) -> Self {
        Self {
            masked: true,
            recipient_name: None,
            recipient_address: None,
            what: None,
            kinds: Vec::new(),
            basis: None,
            purpose: None,
            purpose_of_use: None,
            patient_id: self.patient_id,
            made_at: self.made_at,
        }
    }
}

const ENTRIES: &str = "select patient_id, made_at, recipient_name, recipient_address, what, kinds, basis, purpose, purpose_of_use from disclosure \
    where patient_id in (select record_id from patient_link where patient_id = $1) and accountable and not retracted \
    and (suspended_until is null or suspended_until <= $2) and made_at >= $3 and made_at < $4 order by made_at, disclosure_id limit $5";

/// The accounting of a patient at a moment. Patients ask for themselves, and for nobody who let them in.
pub async fn read(snapshot: &Snapshot, patient: PatientId, period: Period, now: DateTime<Utc>) -> Result<Accounting, NotShown> {
    let reach = snapshot.require(Permission::ReadDisclosures)?;
    snapshot.require(Permission::ReadPatients)?;
    if reach == Reach::OwnPatients && !snapshot.is_themself(patient) {
        return Err(NotShown::PatientUnknown);
    }
    let organizations = if snapshot.allows(Permission::ReadOrganizations) {
        let named = "select name from organization where part_of is null order by name_key, organization_id limit 5";
        sqlx::query_scalar(named).fetch_all(&mut *snapshot.connection().await).await?
    } else {
        Vec::new()
    };
    let name: Option<Option<String>> =
        sqlx::query_scalar("select display_name from patient where patient_id = $1").bind(patient.0).fetch_optional(&mut *snapshot.connection().await).await?;
    let name = name.ok_or(NotShown::PatientUnknown)?;
    snapshot.notes_look_up(patient);
    let entries = sqlx::query_as(ENTRIES).bind(patient.0).bind(now).bind(period.begins()).bind(period.ends()).bind(ENTRIES_AT_MOST + 1);
    let rows: Vec<Row> = entries.fetch_all(&mut *snapshot.connection().await).await?;
    if i64::try_from(rows.len()).is_ok_and(|rows| rows > ENTRIES_AT_MOST) {
        return Err(NotShown::TooMany);
    }
    // An accounting is handed out as whole: with blanks in it there is none.
    let rows = snapshot.show(rows).await?;
    let whole: Option<Vec<Row>> = rows.into_iter().map(|row| row.filter(|row| !row.masked)).collect();
    let disclosures = whole.ok_or(NotShown::PatientUnknown)?.into_iter().map(Entry::try_from).collect::<Result<_, _>>()?;
    Ok(Accounting { tenant: snapshot.caller().tenant.0, organizations, patient: patient.0, name, period, made: now, disclosures })
}

impl TryFrom<Row> for Entry {
    type Error = serde_json::Error;
    fn try_from(row: Row) -> Result<Self, serde_json::Error> {
        let basis: Basis = code(row.basis.unwrap_or_default())?;
        let kinds: Vec<DataKind> = row.kinds.into_iter().map(code).collect::<Result<_, _>>()?;
        let address: Option<Address> = row.recipient_address.map(serde_json::from_value).transpose()?;
        Ok(Self {
            made_at: row.made_at,
            recipient: row.recipient_name.unwrap_or_default(),
            address,
            what: row.what.unwrap_or_default(),
            kinds,
            basis,
            purpose: row.purpose.unwrap_or_else(|| basis.words().to_owned()),
            purpose_of_use: row.purpose_of_use.as_deref().and_then(PurposeOfUse::from_code),
        })
    }
}

fn code<T: DeserializeOwned>(code: String) -> Result<T, serde_json::Error> {
    serde_json::from_value(code.into())
}
