//! Practitioners: who they are and where they work. What is personal is for staff; patients see names and what the practitioner does.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use domain::{FacilityId, OrganizationId, Permission, PractitionerId};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::calendar::{Calendar, Range, Stretch, calendar, free_slots};
use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::{argument, global, optional};
use crate::organizations::{Facility, Organization};
use crate::paging::{Page, cost, cost_at_root};
use crate::patients::{IdentifierSearch, search_words};
use crate::reads::{Loads, by_id, permitted};
use crate::scalars::{Date, DateTime};
use crate::values::{Address, AdministrativeGender, Coding, ContactPoint, HumanName, Identifier};

/// What the queries of this context need.
pub const READ: Permission = Permission::ReadPractitioners;

/// The queries of this context.
#[derive(Default)]
pub struct ProviderQueries;

#[Object]
impl ProviderQueries {
    /// The practitioners that match everything asked for, by name.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn practitioners(
        &self,
        context: &Context<'_>,
        search: Option<PractitionerSearch>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Uuid, Practitioner>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, READ)?;
        let search = search.unwrap_or_default();
        if search.identifier.is_some() && !permitted.reaches_whole_tenant() {
            return Err(Failure::Forbidden(READ).into());
        }
        let mut statement = search.statement(&page)?;
        let found = statement.build_query_as().fetch_all(&mut *permitted.connection().await).await.map_err(Failure::from)?;
        Ok(page.connection(found, |practitioner: &Practitioner| practitioner.uuid))
    }

    /// One practitioner; null when there is none that you may see.
    async fn practitioner(&self, context: &Context<'_>, id: ID) -> Result<Option<Practitioner>> {
        Ok(permitted(context, READ)?.load(argument::<PractitionerId>("id", &id)?).await?)
    }
}

/// What practitioners are found by; everything given must match.
#[derive(Default, InputObject)]
pub struct PractitionerSearch {
    /// The beginnings of any words of their name, in any order, without case and diacritics.
    name: Option<String>,
    /// An identifier they have, such as an NPI. For staff.
    identifier: Option<IdentifierSearch>,
    /// For which organization they have a role.
    organization: Option<ID>,
    /// Where they work.
    facility: Option<ID>,
    /// Whether they retired, or are about to.
    retired: Option<bool>,
}

impl PractitionerSearch {
    fn statement(&self, page: &Page<Uuid>) -> Result<QueryBuilder<Postgres>, Failure> {
        let organization: Option<OrganizationId> = optional("organization", self.organization.as_ref())?;
        let facility: Option<FacilityId> = optional("facility", self.facility.as_ref())?;
        let mut statement = QueryBuilder::new("select p.* from practitioner p where true");
        for word in search_words(self.name.as_deref())? {
            // Folded words are letters and digits, so nothing in them means anything to LIKE.
            statement.push(" and ' ' || p.name_key like ").push_bind(format!("% {word}%"));
        }
        if let Some(identifier) = &self.identifier {
            statement.push(" and exists (select from jsonb_to_recordset(p.identifiers) as i (system text, value text) where ");
            identifier.push_to(&mut statement)?;
            statement.push(")");
        }
        if let Some(organization) = organization {
            statement.push(" and p.practitioner_id in (select practitioner_id from practitioner_role where organization_id = ");
            statement.push_bind(organization.0).push(")");
        }
        if let Some(facility) = facility {
            statement.push(" and p.practitioner_id in (select practitioner_id from practitioner_facility where facility_id = ");
            statement.push_bind(facility.0).push(")");
        }
        if let Some(retired) = self.retired {
            statement.push(" and (p.retired_from is not null) = ").push_bind(retired);
        }
        if let Some(after) = page.after {
            statement.push(" and (p.name_key, p.practitioner_id) > (select name_key, practitioner_id from practitioner where practitioner_id = ");
            statement.push_bind(after).push(")");
        }
        statement.push(" order by p.name_key, p.practitioner_id limit ").push_bind(page.limit());
        Ok(statement)
    }
}

/// A person who gives care (FHIR `Practitioner`).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Practitioner {
    /// The id as commands have it.
    #[sqlx(rename = "practitioner_id")]
    uuid: Uuid,
    #[graphql(skip)]
    retired_from: Option<NaiveDate>,
    /// Whether what was protected is gone for good.
    erased: bool,
    /// The names, the official one first.
    #[graphql(name = "names")]
    #[sqlx(json)]
    name: Vec<HumanName>,
    /// The first name as a person reads it.
    display_name: Option<String>,
    #[graphql(skip)]
    gender: Option<String>,
    #[graphql(skip)]
    #[sqlx(json)]
    identifiers: Vec<Identifier>,
    #[graphql(skip)]
    #[sqlx(json)]
    telecom: Vec<ContactPoint>,
    #[graphql(skip)]
    #[sqlx(json)]
    address: Vec<Address>,
}

impl Practitioner {
    fn for_staff<T>(context: &Context<'_>, value: impl FnOnce() -> T) -> Result<Option<T>> {
        Ok(permitted(context, READ)?.reaches_whole_tenant().then(value))
    }
}

#[ComplexObject]
impl Practitioner {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(PractitionerId(self.uuid))
    }

    /// The local date from which they take no more appointments.
    async fn retired_from(&self) -> Option<Date> {
        self.retired_from.map(Date)
    }

    /// The gender that they are considered to have for administration. For staff; null to others.
    async fn gender(&self, context: &Context<'_>) -> Result<Option<AdministrativeGender>> {
        let gender = || self.gender.as_ref().and_then(|code| serde_json::from_value(code.as_str().into()).ok());
        Ok(Self::for_staff(context, gender)?.flatten())
    }

    /// Business identifiers, such as an NPI. For staff; null to others.
    async fn identifiers(&self, context: &Context<'_>) -> Result<Option<Vec<Identifier>>> {
        Self::for_staff(context, || self.identifiers.clone())
    }

    /// How to reach them. For staff; null to others.
    async fn telecom(&self, context: &Context<'_>) -> Result<Option<Vec<ContactPoint>>> {
        Self::for_staff(context, || self.telecom.clone())
    }

    /// Where to reach them. For staff; null to others.
    async fn address(&self, context: &Context<'_>) -> Result<Option<Vec<Address>>> {
        Self::for_staff(context, || self.address.clone())
    }

    /// What they are qualified for, in the order it became known.
    #[graphql(complexity = "cost(Some(5), child_complexity)")]
    async fn qualifications(&self, context: &Context<'_>) -> Result<Vec<Qualification>> {
        Ok(permitted(context, READ)?.load(QualificationsOf(self.uuid)).await?.unwrap_or_default())
    }

    /// What they are for which organization.
    #[graphql(complexity = "cost(Some(5), child_complexity)")]
    async fn roles(&self, context: &Context<'_>) -> Result<Vec<PractitionerRole>> {
        Ok(permitted(context, READ)?.load(RolesOf(self.uuid)).await?.unwrap_or_default())
    }

    /// When they work and what takes up their time, over at most 62 days.
    #[graphql(complexity = "cost(Some(1), child_complexity)")]
    async fn calendar(&self, context: &Context<'_>, from: DateTime, to: DateTime) -> Result<Calendar> {
        Ok(calendar(permitted(context, READ)?, self.uuid, Range::of(from, to)?).await?)
    }

    /// The slots at a facility that start within at most 62 days and can be booked, by their start: the first ones, 100 unless said, at most 500.
    #[graphql(complexity = "cost(Some(100), child_complexity)")]
    async fn free_slots(&self, context: &Context<'_>, facility: ID, from: DateTime, to: DateTime, first: Option<i32>) -> Result<Vec<Stretch>> {
        let facility = argument("facility", &facility)?;
        Ok(free_slots(permitted(context, READ)?, self.uuid, facility, Range::of(from, to)?, first).await?)
    }
}

impl Loader<PractitionerId> for Loads {
    type Value = Practitioner;
    type Error = Failure;
    async fn load(&self, ids: &[PractitionerId]) -> Result<HashMap<PractitionerId, Practitioner>, Failure> {
        let found: Vec<Practitioner> = self.rows("select * from practitioner where practitioner_id = any($1)", ids).await?;
        Ok(by_id(found, |practitioner| PractitionerId(practitioner.uuid)))
    }
}

/// What a practitioner is qualified for (FHIR `Practitioner.qualification`).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Qualification {
    #[graphql(skip)]
    practitioner_id: Uuid,
    /// What it is.
    #[sqlx(json)]
    code: Coding,
    /// Who issued it.
    issuer: Option<String>,
    #[graphql(skip)]
    valid_from: Option<NaiveDate>,
    #[graphql(skip)]
    valid_until: Option<NaiveDate>,
}

#[ComplexObject]
impl Qualification {
    /// From when on, as far as it is known.
    async fn valid_from(&self) -> Option<Date> {
        self.valid_from.map(Date)
    }

    /// The last day, if it ends.
    async fn valid_until(&self) -> Option<Date> {
        self.valid_until.map(Date)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct QualificationsOf(Uuid);

impl Loader<QualificationsOf> for Loads {
    type Value = Vec<Qualification>;
    type Error = Failure;
    async fn load(&self, keys: &[QualificationsOf]) -> Result<HashMap<QualificationsOf, Vec<Qualification>>, Failure> {
        let practitioners: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found: Vec<Qualification> = sqlx::query_as("select * from practitioner_qualification where practitioner_id = any($1) order by position")
            .bind(practitioners)
            .fetch_all(&mut *self.connection().await)
            .await?;
        let mut qualifications: HashMap<QualificationsOf, Vec<Qualification>> = HashMap::new();
        for qualification in found {
            qualifications.entry(QualificationsOf(qualification.practitioner_id)).or_default().push(qualification);
        }
        Ok(qualifications)
    }
}

/// What a practitioner is for an organization (FHIR `PractitionerRole`).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct PractitionerRole {
    /// The id as commands have it.
    #[sqlx(rename = "role_id")]
    uuid: Uuid,
    #[graphql(skip)]
    practitioner_id: Uuid,
    #[graphql(skip)]
    organization_id: Uuid,
    #[graphql(skip)]
    facilities: Vec<Uuid>,
    /// As what.
    #[sqlx(json)]
    code: Vec<Coding>,
    /// In which specialties.
    #[sqlx(json)]
    specialty: Vec<Coding>,
    #[graphql(skip)]
    #[sqlx(json)]
    telecom: Vec<ContactPoint>,
}

#[ComplexObject]
impl PractitionerRole {
    /// For whom.
    async fn organization(&self, context: &Context<'_>) -> Result<Option<Organization>> {
        Ok(permitted(context, Permission::ReadOrganizations)?.load(OrganizationId(self.organization_id)).await?)
    }

    /// Where.
    #[graphql(complexity = "cost(Some(5), child_complexity)")]
    async fn facilities(&self, context: &Context<'_>) -> Result<Vec<Facility>> {
        let permitted = permitted(context, Permission::ReadOrganizations)?;
        let found = futures::future::try_join_all(self.facilities.iter().map(|facility| permitted.load(FacilityId(*facility)))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// How to reach them in this role. For staff; null to others.
    async fn telecom(&self, context: &Context<'_>) -> Result<Option<Vec<ContactPoint>>> {
        Practitioner::for_staff(context, || self.telecom.clone())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RolesOf(Uuid);

impl Loader<RolesOf> for Loads {
    type Value = Vec<PractitionerRole>;
    type Error = Failure;
    async fn load(&self, keys: &[RolesOf]) -> Result<HashMap<RolesOf, Vec<PractitionerRole>>, Failure> {
        let practitioners: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found: Vec<PractitionerRole> = sqlx::query_as("select * from practitioner_role where practitioner_id = any($1) order by role_id")
            .bind(practitioners)
            .fetch_all(&mut *self.connection().await)
            .await?;
        let mut roles: HashMap<RolesOf, Vec<PractitionerRole>> = HashMap::new();
        for role in found {
            roles.entry(RolesOf(role.practitioner_id)).or_default().push(role);
        }
        Ok(roles)
    }
}
