//! What was disclosed of a patient to somebody outside.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Enum, SimpleObject};
use chrono::Utc;
use domain::access::{DataKind, PurposeOfUse};
use domain::disclosures::{Basis, DisclosureSource};
use domain::{PatientId, Permission};
use gate::OfPatient;
use serde::de::DeserializeOwned;
use sqlx::FromRow;
use uuid::Uuid;

use crate::access::{AccessedKind, Purpose};
use crate::errors::Failure;
use crate::paging::Page;
use crate::reads::{Loads, by_arguments};
use crate::scalars::DateTime;
use crate::values::{Address, Masked};

/// A disclosure to somebody outside (45 CFR 164.528). All that is said of it is null once erased.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Disclosure {
    /// The id as commands have it.
    #[sqlx(rename = "disclosure_id")]
    uuid: Uuid,
    #[graphql(skip)]
    patient_id: Uuid,
    #[graphql(skip)]
    made_at: Option<chrono::DateTime<Utc>>,
    /// Who received it.
    recipient_name: Option<String>,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    recipient_address: Option<Address>,
    /// What was disclosed.
    what: Option<String>,
    #[graphql(skip)]
    kinds: Vec<String>,
    #[graphql(skip)]
    basis: Option<String>,
    /// Whether it is part of the patient's accounting.
    accountable: Option<bool>,
    /// What for, as it was stated.
    purpose: Option<String>,
    #[graphql(skip)]
    purpose_of_use: Option<String>,
    #[graphql(skip)]
    suspended_until: Option<chrono::DateTime<Utc>>,
    #[graphql(skip)]
    source: String,
    #[graphql(skip)]
    recorded_at: chrono::DateTime<Utc>,
    /// The user who recorded it.
    recorded_by: Uuid,
    /// Whether the entry was wrong.
    retracted: bool,
    /// Why the entry was wrong.
    retraction_reason: Option<String>,
    /// Why what is said of it is not shown, where it is not.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// On what ground something was disclosed (45 CFR 164.502, 164.508, 164.512).
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "DisclosureBasis", remote = "Basis")]
pub enum Ground {
    /// To treat the patient.
    Treatment,
    /// To be paid for care.
    Payment,
    /// To run the organization.
    Operations,
    /// To the patient themself.
    Individual,
    /// The patient authorized it.
    Authorization,
    /// The law asks for it.
    RequiredByLaw,
    /// To protect the public's health.
    PublicHealth,
    /// Abuse, neglect or domestic violence is reported.
    AbuseReport,
    /// Somebody oversees health care.
    Oversight,
    /// A court or a tribunal asks.
    Judicial,
    /// The police or the like asks.
    LawEnforcement,
    /// To a coroner, a medical examiner or a funeral director.
    Decedent,
    /// For organs, eyes and tissue.
    OrganDonation,
    /// For research that needed no authorization.
    Research,
    /// To avert a serious threat.
    ThreatToSafety,
    /// For a claim of a worker.
    WorkersCompensation,
    /// Anything else.
    Other,
}

/// Who entered a disclosure.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "DisclosureSource", remote = "DisclosureSource")]
pub enum EnteredBy {
    /// A person.
    ByHand,
    /// What sent the data.
    System,
}

fn read<T: DeserializeOwned>(code: &str) -> Result<T, Failure> {
    Ok(serde_json::from_value(code.into())?)
}

impl Disclosure {
    /// What a cursor names.
    pub fn key(&self) -> Uuid {
        self.uuid
    }
}

impl OfPatient for Disclosure {
    fn type_name(&self) -> &'static str {
        "Disclosure"
    }
    fn permission(&self) -> Permission {
        Permission::ReadDisclosures
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            made_at: None,
            recipient_name: None,
            recipient_address: None,
            what: None,
            kinds: Vec::new(),
            basis: None,
            purpose: None,
            purpose_of_use: None,
            accountable: None,
            suspended_until: None,
            retraction_reason: None,
            masked: Some(why.into()),
            uuid: self.uuid,
            patient_id: self.patient_id,
            source: self.source,
            recorded_at: self.recorded_at,
            recorded_by: self.recorded_by,
            retracted: self.retracted,
        }
    }
}

#[ComplexObject]
impl Disclosure {
    /// When it was made.
    async fn made_at(&self) -> Option<DateTime> {
        self.made_at.map(DateTime::from)
    }

    /// Where the recipient is, where it is known.
    async fn recipient_address(&self) -> Option<Address> {
        self.recipient_address.clone()
    }

    /// What kinds of data.
    async fn kinds(&self) -> async_graphql::Result<Vec<AccessedKind>> {
        let kinds: Result<Vec<DataKind>, Failure> = self.kinds.iter().map(|code| read(code)).collect();
        Ok(kinds?.into_iter().map(AccessedKind::from).collect())
    }

    /// On what ground.
    async fn basis(&self) -> async_graphql::Result<Option<Ground>> {
        let basis: Option<Basis> = self.basis.as_deref().map(read).transpose()?;
        Ok(basis.map(Ground::from))
    }

    /// What for, as a code.
    async fn purpose_of_use(&self) -> Option<Purpose> {
        self.purpose_of_use.as_deref().and_then(PurposeOfUse::from_code).map(Purpose::from)
    }

    /// Until when it is kept from the patient.
    async fn suspended_until(&self) -> Option<DateTime> {
        self.suspended_until.map(DateTime::from)
    }

    /// Who entered it.
    async fn source(&self) -> async_graphql::Result<EnteredBy> {
        Ok(read::<DisclosureSource>(&self.source)?.into())
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime {
        self.recorded_at.into()
    }
}

/// A page of a person's disclosures, under any record of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DisclosuresOf {
    /// One of their records.
    pub patient: Uuid,
    /// As the patient may see them at this moment; otherwise all.
    pub shown_to_patient_at: Option<chrono::DateTime<Utc>>,
    /// The page.
    pub page: Page<Uuid>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    disclosure: Disclosure,
}

impl Loader<DisclosuresOf> for Loads {
    type Value = Vec<Disclosure>;
    type Error = Failure;
    async fn load(&self, keys: &[DisclosuresOf]) -> Result<HashMap<DisclosuresOf, Vec<Disclosure>>, Failure> {
        let mut disclosures: HashMap<DisclosuresOf, Vec<Disclosure>> = HashMap::new();
        for ((page, shown_to_patient_at), patients) in by_arguments(keys.iter().map(|key| (key.patient, (key.page, key.shown_to_patient_at)))) {
            let rows: Vec<Row> = sqlx::query_as(
                "select parent.id as of, d.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
                 select * from disclosure \
                 where patient_id in (select record_id from patient_link where patient_id = parent.id) \
                 and ($4::timestamptz is null or (not retracted and (suspended_until is null or suspended_until <= $4))) \
                 and ($2::uuid is null or (coalesce(made_at, '-infinity'), disclosure_id) < \
                     (select coalesce(made_at, '-infinity'), disclosure_id from disclosure where disclosure_id = $2)) \
                 order by coalesce(made_at, '-infinity') desc, disclosure_id desc limit $3) d \
                 order by coalesce(d.made_at, '-infinity') desc, d.disclosure_id desc",
            )
            .bind(patients)
            .bind(page.after)
            .bind(page.limit())
            .bind(shown_to_patient_at)
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                disclosures.entry(DisclosuresOf { patient: row.of, shown_to_patient_at, page }).or_default().push(row.disclosure);
            }
        }
        Ok(disclosures)
    }
}
