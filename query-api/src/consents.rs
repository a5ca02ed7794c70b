//! Consents, restrictions, and whom patients let in. Of these a person to whom access was granted reads nothing: they are the patient's own.

mod grant;
mod provision;
mod restriction;

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use domain::{ConsentId, Label, PatientId, Permission, UserId, records};
use gate::OfPatient;
use serde::de::DeserializeOwned;
use sqlx::FromRow;
use uuid::Uuid;

use crate::errors::Failure;
use crate::ids::global;
use crate::paging::Page;
use crate::reads::{Loads, by_id, permitted};
use crate::records::Provenance;
use crate::values::Masked;

pub use grant::{AccessGrant, GrantsOf};
pub use provision::{Provision, ProvisionType};
pub use restriction::{Restriction, RestrictionQueries, RestrictionsOf, restriction};

/// What all of this context needs.
pub const READ: Permission = Permission::ReadConsents;

/// What a patient, or who acts for them, permits or denies beyond what holds for everyone (FHIR `Consent`).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Consent {
    /// The id as commands have it.
    #[sqlx(rename = "consent_id")]
    uuid: Uuid,
    #[graphql(skip)]
    patient_id: Uuid,
    #[graphql(skip)]
    status: String,
    #[graphql(skip)]
    decision: String,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    provision: Option<domain::consents::Provision>,
    /// The document that they signed.
    signed: Option<Uuid>,
    /// How it was verified, in words.
    note: Option<String>,
    #[graphql(skip)]
    #[sqlx(json)]
    granted: records::Provenance,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    revoked: Option<records::Provenance>,
    /// Why it was revoked.
    revocation_reason: Option<String>,
    /// Why what it covers is not shown, where it is not.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// Whether a consent holds (FHIR `consent-state-codes`).
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum ConsentStatus {
    /// It holds, within its provision's time.
    Active,
    /// It was revoked.
    Inactive,
}

impl Consent {
    /// What a cursor names.
    pub fn key(&self) -> Uuid {
        self.uuid
    }
}

impl OfPatient for Consent {
    fn type_name(&self) -> &'static str {
        "Consent"
    }
    fn permission(&self) -> Permission {
        READ
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn labels(&self) -> Vec<Label> {
        self.provision.iter().flat_map(|provision| provision.labels.iter().copied()).collect()
    }
    fn is_by(&self, user: UserId) -> bool {
        self.granted.user == user
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            provision: None,
            signed: None,
            note: None,
            revocation_reason: None,
            masked: Some(why.into()),
            uuid: self.uuid,
            patient_id: self.patient_id,
            status: self.status,
            decision: self.decision,
            granted: self.granted,
            revoked: self.revoked,
        }
    }
}

/// A consent as it stands; null when there is none that the caller may see.
pub async fn consent(context: &Context<'_>, consent: ConsentId) -> Result<Option<Consent>, Failure> {
    let permitted = permitted(context, READ)?;
    permitted.show_one(permitted.load(consent).await?).await
}

/// A stored code as the value that it names.
fn coded<T: DeserializeOwned>(code: &str) -> Result<T, Failure> {
    Ok(serde_json::from_value(code.into())?)
}

#[ComplexObject]
impl Consent {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(ConsentId(self.uuid))
    }

    /// Whether it holds.
    async fn status(&self) -> ConsentStatus {
        if self.status == "active" { ConsentStatus::Active } else { ConsentStatus::Inactive }
    }

    /// Whether what it covers is opened or closed.
    async fn decision(&self) -> async_graphql::Result<ProvisionType> {
        Ok(coded::<domain::consents::ProvisionType>(&self.decision)?.into())
    }

    /// What it covers; null once erased, and where it is masked.
    async fn provision(&self) -> Option<Provision> {
        self.provision.clone().map(Provision::from)
    }

    /// The event that granted it.
    async fn granted(&self) -> Provenance {
        (&self.granted).into()
    }

    /// The event that revoked it.
    async fn revoked(&self) -> Option<Provenance> {
        self.revoked.as_ref().map(Provenance::from)
    }
}

/// A page of a person's consents, under any record of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConsentsOf {
    /// One of their records.
    pub patient: Uuid,
    /// The page.
    pub page: Page<Uuid>,
}

impl Loader<ConsentsOf> for Loads {
    type Value = Vec<Consent>;
    type Error = Failure;
    async fn load(&self, keys: &[ConsentsOf]) -> Result<HashMap<ConsentsOf, Vec<Consent>>, Failure> {
        let pages = self.pages(
            "select parent.id as of, consent.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
             select * from consent where patient_id in (select record_id from patient_link where patient_id = parent.id) \
             and ($2::uuid is null or consent_id < $2) order by consent_id desc limit $3) consent order by consent.consent_id desc",
            keys.iter().map(|key| (key.patient, key.page)),
        );
        Ok(pages.await?.into_iter().map(|((patient, page), consents)| (ConsentsOf { patient, page }, consents)).collect())
    }
}

impl Loader<ConsentId> for Loads {
    type Value = Consent;
    type Error = Failure;
    async fn load(&self, ids: &[ConsentId]) -> Result<HashMap<ConsentId, Consent>, Failure> {
        let found: Vec<Consent> = self.rows("select * from consent where consent_id = any($1)", ids).await?;
        Ok(by_id(found, |consent| ConsentId(consent.uuid)))
    }
}
