//! The restrictions that patients ask for (45 CFR 164.522(a)).

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Object, Result, SimpleObject};
use domain::{Label, PatientId, Permission, RestrictionId, UserId, consents, records};
use gate::{MaskedRows, OfPatient};
use sqlx::FromRow;
use uuid::Uuid;

use super::{Provision, READ, coded};
use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::global;
use crate::paging::{Page, cost_at_root};
use crate::patients::{Patient, patient};
use crate::reads::{Loads, by_id, permitted};
use crate::records::Provenance;
use crate::values::Masked;

/// The queries of this context.
#[derive(Default)]
pub struct RestrictionQueries;

#[Object]
impl RestrictionQueries {
    /// The restrictions that patients asked for, the oldest id first: with `status: REQUESTED` those that wait for an answer.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn restrictions(
        &self,
        context: &Context<'_>,
        status: Option<RestrictionStatus>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Uuid, Restriction>> {
        let page: Page<Uuid> = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, READ)?;
        let restrictions = |page: Page<Uuid>| async move {
            let found = sqlx::query_as(
                "select * from restriction where ($1::text is null or status = $1) and ($2::uuid is null or restriction_id > $2) \
                 order by restriction_id limit $3",
            )
            .bind(status.map(|status| consents::RestrictionStatus::from(status).code()))
            .bind(page.after)
            .bind(page.limit())
            .fetch_all(&mut *permitted.connection().await)
            .await?;
            Ok(found)
        };
        Ok(permitted.show_page(page, MaskedRows::Kept, Restriction::key, restrictions).await?)
    }
}

/// Something of theirs that a patient asks not to be used or disclosed. It holds, as a denial, once it is agreed to.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Restriction {
    /// The id as commands have it.
    #[sqlx(rename = "restriction_id")]
    uuid: Uuid,
    #[graphql(skip)]
    patient_id: Uuid,
    #[graphql(skip)]
    status: String,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    provision: Option<consents::Provision>,
    /// Why they ask, where they say.
    #[graphql(name = "reason")]
    request_reason: Option<String>,
    /// Whether it keeps from a health plan what was paid for in full: then it must be agreed to. Null once erased.
    paid_in_full: Option<bool>,
    #[graphql(skip)]
    #[sqlx(json)]
    requested: records::Provenance,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    answered: Option<records::Provenance>,
    /// Why it was declined.
    decline_reason: Option<String>,
    #[graphql(skip)]
    #[sqlx(json(nullable))]
    ended: Option<records::Provenance>,
    #[graphql(skip)]
    ended_by: Option<String>,
    /// Why it was ended.
    end_reason: Option<String>,
    /// Why what it closes is not shown, where it is not.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// How far a restriction has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "consents::RestrictionStatus")]
pub enum RestrictionStatus {
    /// It was asked for.
    Requested,
    /// It was agreed to, and holds.
    Agreed,
    /// It was not agreed to.
    Declined,
    /// It held, and does not any more.
    Ended,
}

/// How a restriction comes to its end (45 CFR 164.522(a)(2)).
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "consents::RestrictionEnd")]
pub enum RestrictionEnd {
    /// The patient wants it, or agrees to it.
    PatientWish,
    /// The patient was told that it is not kept any longer.
    Notice,
}

impl Restriction {
    /// What a cursor names.
    pub fn key(&self) -> Uuid {
        self.uuid
    }
}

impl OfPatient for Restriction {
    fn type_name(&self) -> &'static str {
        "Restriction"
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
        self.requested.user == user
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            provision: None,
            request_reason: None,
            paid_in_full: None,
            decline_reason: None,
            end_reason: None,
            masked: Some(why.into()),
            uuid: self.uuid,
            patient_id: self.patient_id,
            status: self.status,
            requested: self.requested,
            answered: self.answered,
            ended: self.ended,
            ended_by: self.ended_by,
        }
    }
}

/// A restriction as it stands; null when there is none that the caller may see.
pub async fn restriction(context: &Context<'_>, restriction: RestrictionId) -> std::result::Result<Option<Restriction>, Failure> {
    let permitted = permitted(context, READ)?;
    permitted.show_one(permitted.load(restriction).await?).await
}

#[ComplexObject]
impl Restriction {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(RestrictionId(self.uuid))
    }

    /// Who asked for it.
    async fn patient(&self, context: &Context<'_>) -> Result<Option<Patient>> {
        Ok(patient(context, PatientId(self.patient_id)).await?)
    }

    /// How far it has come.
    async fn status(&self) -> Result<RestrictionStatus> {
        Ok(coded::<consents::RestrictionStatus>(&self.status)?.into())
    }

    /// What is to be closed; null once erased, and where it is masked.
    async fn provision(&self) -> Option<Provision> {
        self.provision.clone().map(Provision::from)
    }

    /// The event that asked for it.
    async fn requested(&self) -> Provenance {
        (&self.requested).into()
    }

    /// The event that agreed to it or declined it.
    async fn answered(&self) -> Option<Provenance> {
        self.answered.as_ref().map(Provenance::from)
    }

    /// The event that ended it.
    async fn ended(&self) -> Option<Provenance> {
        self.ended.as_ref().map(Provenance::from)
    }

    /// How it came to its end.
    async fn ended_by(&self) -> Result<Option<RestrictionEnd>> {
        let by = self.ended_by.as_deref().map(coded::<consents::RestrictionEnd>).transpose()?;
        Ok(by.map(RestrictionEnd::from))
    }
}

/// A page of a person's restrictions, under any record of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RestrictionsOf {
    /// One of their records.
    pub patient: Uuid,
    /// The page.
    pub page: Page<Uuid>,
}

impl Loader<RestrictionsOf> for Loads {
    type Value = Vec<Restriction>;
    type Error = Failure;
    async fn load(&self, keys: &[RestrictionsOf]) -> std::result::Result<HashMap<RestrictionsOf, Vec<Restriction>>, Failure> {
        let pages = self.pages(
            "select parent.id as of, restriction.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
             select * from restriction where patient_id in (select record_id from patient_link where patient_id = parent.id) \
             and ($2::uuid is null or restriction_id < $2) order by restriction_id desc limit $3) restriction order by restriction.restriction_id desc",
            keys.iter().map(|key| (key.patient, key.page)),
        );
        Ok(pages.await?.into_iter().map(|((patient, page), restrictions)| (RestrictionsOf { patient, page }, restrictions)).collect())
    }
}

impl Loader<RestrictionId> for Loads {
    type Value = Restriction;
    type Error = Failure;
    async fn load(&self, ids: &[RestrictionId]) -> std::result::Result<HashMap<RestrictionId, Restriction>, Failure> {
        let found: Vec<Restriction> = self.rows("select * from restriction where restriction_id = any($1)", ids).await?;
        Ok(by_id(found, |restriction| RestrictionId(restriction.uuid)))
    }
}
