//! Whom patients let in, how far, and for how long.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use chrono::{NaiveDate, Utc};
use domain::access::DataKind;
use domain::patients::{self, AccessTerm};
use domain::{Label, PatientId, Permission};
use gate::OfPatient;
use sqlx::FromRow;
use uuid::Uuid;

use super::{READ, coded};
use crate::access::AccessedKind;
use crate::errors::Failure;
use crate::paging::Page;
use crate::reads::{Loads, by_arguments, permitted};
use crate::scalars::DateTime;
use crate::values::{HumanName, Masked};

/// Access to a patient's record that was granted to another person and was not revoked.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct AccessGrant {
    #[graphql(skip)]
    patient_id: Uuid,
    /// The user who may.
    grantee: Uuid,
    /// What they are called, where it was said.
    #[sqlx(json(nullable))]
    grantee_name: Option<HumanName>,
    #[graphql(skip)]
    relationship: Option<String>,
    #[graphql(skip)]
    kinds: Vec<String>,
    /// HL7 codes of the sensitive data that the patient opens to them.
    labels: Vec<String>,
    #[graphql(skip)]
    ends_at: Option<chrono::DateTime<Utc>>,
    /// Whether it ends when the patient comes of age; null where it is masked.
    until_majority: Option<bool>,
    #[graphql(skip)]
    granted_at: chrono::DateTime<Utc>,
    #[graphql(skip)]
    birth_earliest: Option<NaiveDate>,
    /// Why how far it reaches is not shown, where it is not.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// What someone is to a patient (HL7 v3 `RoleCode`).
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "patients::Relationship")]
pub enum Relationship {
    /// PRN: a parent.
    Parent,
    /// GUARD: a guardian.
    Guardian,
    /// SPS: whom they are married to.
    Spouse,
    /// DOMPART: whom they live with as with a spouse.
    Partner,
    /// CHILD: a child.
    Child,
    /// SIB: a brother or a sister.
    Sibling,
    /// HPOWATT: whom they gave power of attorney to decide about their care.
    HealthcarePowerOfAttorney,
    /// Somebody else, or somebody of whom it was not said.
    Other,
}

impl AccessGrant {
    /// What a cursor names.
    pub fn key(&self) -> (Uuid, Uuid) {
        (self.patient_id, self.grantee)
    }
}

impl OfPatient for AccessGrant {
    fn type_name(&self) -> &'static str {
        "AccessGrant"
    }
    fn permission(&self) -> Permission {
        READ
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn labels(&self) -> Vec<Label> {
        Label::from_codes(&self.labels)
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            grantee_name: None,
            relationship: None,
            kinds: Vec::new(),
            labels: Vec::new(),
            ends_at: None,
            until_majority: None,
            birth_earliest: None,
            masked: Some(why.into()),
            patient_id: self.patient_id,
            grantee: self.grantee,
            granted_at: self.granted_at,
        }
    }
}

#[ComplexObject]
impl AccessGrant {
    /// What they are to the patient; null where it is masked.
    async fn relationship(&self) -> Result<Option<Relationship>> {
        let relationship = self.relationship.as_deref().map(coded::<patients::Relationship>).transpose()?;
        Ok(relationship.map(Relationship::from))
    }

    /// Which kinds of data they reach; none: all that is passed on.
    async fn kinds(&self) -> Result<Vec<AccessedKind>> {
        let kinds = self.kinds.iter().map(|kind| coded::<DataKind>(kind).map(AccessedKind::from));
        Ok(kinds.collect::<std::result::Result<_, Failure>>()?)
    }

    /// The moment at which it ends.
    async fn ends(&self) -> Option<DateTime> {
        self.ends_at.map(DateTime::from)
    }

    /// Whether it holds now: it has not ended, and the patient is not of age where it ends with that; null where it is masked.
    async fn in_force(&self, context: &Context<'_>) -> Result<Option<bool>> {
        let now = permitted(context, READ)?.now();
        let term = self.until_majority.map(|until_majority| AccessTerm { ends: self.ends_at, until_majority });
        Ok(term.map(|term| term.holds(self.birth_earliest, now)))
    }

    /// When it was granted as it is.
    async fn granted_at(&self) -> DateTime {
        self.granted_at.into()
    }
}

/// A page of the grants of access to a person's records.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantsOf {
    /// One of their records.
    pub patient: Uuid,
    /// The page.
    pub page: Page<(Uuid, Uuid)>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    grant: AccessGrant,
}

impl Loader<GrantsOf> for Loads {
    type Value = Vec<AccessGrant>;
    type Error = Failure;
    async fn load(&self, keys: &[GrantsOf]) -> std::result::Result<HashMap<GrantsOf, Vec<AccessGrant>>, Failure> {
        let mut grants: HashMap<GrantsOf, Vec<AccessGrant>> = HashMap::new();
        for (page, patients) in by_arguments(keys.iter().map(|key| (key.patient, key.page))) {
            let (patient, grantee) = page.after.unzip();
            let rows: Vec<Row> = sqlx::query_as(
                "select parent.id as of, patient_grant.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
                 select patient_grant.*, patient.birth_earliest from patient_grant join patient using (tenant, patient_id) \
                 where patient_id in (select record_id from patient_link where patient_id = parent.id) \
                 and ($2::uuid is null or (patient_id, grantee) > ($2, $3::uuid)) order by patient_id, grantee limit $4) patient_grant \
                 order by patient_grant.patient_id, patient_grant.grantee",
            )
            .bind(patients)
            .bind(patient)
            .bind(grantee)
            .bind(page.limit())
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                grants.entry(GrantsOf { patient: row.of, page }).or_default().push(row.grant);
            }
        }
        Ok(grants)
    }
}
