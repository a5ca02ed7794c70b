//! Organizations, facilities and rooms.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, ID, Object, Result, SimpleObject};
use chrono_tz::Tz;
use domain::{FacilityId, OrganizationId, Permission, RoomId};
use sqlx::FromRow;
use uuid::Uuid;

use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::{argument, global, optional};
use crate::paging::{Page, cost, cost_at_root};
use crate::reads::{Loads, by_id, permitted};
use crate::values::{Address, Coding, ContactPoint, Identifier};

const READ: Permission = Permission::ReadOrganizations;

/// The queries of this context.
#[derive(Default)]
pub struct OrganizationQueries;

#[Object]
impl OrganizationQueries {
    /// The organizations of the tenant, by name.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn organizations(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Organization>> {
        let page = Page::of(first, after.as_deref())?;
        let mut connection = permitted(context, READ)?.connection().await;
        let organizations = sqlx::query_as(
            "select * from organization \
             where $1::uuid is null or (name_key, organization_id) > (select name_key, organization_id from organization where organization_id = $1) \
             order by name_key, organization_id limit $2",
        )
        .bind(page.after)
        .bind(page.limit())
        .fetch_all(&mut *connection)
        .await
        .map_err(Failure::from)?;
        Ok(page.connection(organizations, |organization: &Organization| organization.uuid))
    }

    /// One organization; null when there is none that you may see.
    async fn organization(&self, context: &Context<'_>, id: ID) -> Result<Option<Organization>> {
        Ok(permitted(context, READ)?.load(argument::<OrganizationId>("id", &id)?).await?)
    }

    /// The facilities of the tenant, or of one organization, by name.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn facilities(
        &self,
        context: &Context<'_>,
        organization: Option<ID>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Uuid, Facility>> {
        let page = Page::of(first, after.as_deref())?;
        let organization: Option<OrganizationId> = optional("organization", organization.as_ref())?;
        let mut connection = permitted(context, READ)?.connection().await;
        let facilities = sqlx::query_as(
            "select * from facility where ($1::uuid is null or organization_id = $1) \
             and ($2::uuid is null or (name_key, facility_id) > (select name_key, facility_id from facility where facility_id = $2)) \
             order by name_key, facility_id limit $3",
        )
        .bind(organization.map(|id| id.0))
        .bind(page.after)
        .bind(page.limit())
        .fetch_all(&mut *connection)
        .await
        .map_err(Failure::from)?;
        Ok(page.connection(facilities, |facility: &Facility| facility.uuid))
    }

    /// One facility; null when there is none that you may see.
    async fn facility(&self, context: &Context<'_>, id: ID) -> Result<Option<Facility>> {
        Ok(permitted(context, READ)?.load(argument::<FacilityId>("id", &id)?).await?)
    }

    /// One room; null when there is none that you may see.
    async fn room(&self, context: &Context<'_>, id: ID) -> Result<Option<Room>> {
        Ok(permitted(context, READ)?.load(argument::<RoomId>("id", &id)?).await?)
    }
}

/// A hospital, clinic or practice (FHIR `Organization`).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Organization {
    /// The id as commands have it.
    #[sqlx(rename = "organization_id")]
    uuid: Uuid,
    /// Its name.
    name: String,
    #[graphql(skip)]
    part_of: Option<Uuid>,
    /// What kind it is.
    #[sqlx(json)]
    r#type: Vec<Coding>,
    /// Its business identifiers.
    #[sqlx(json)]
    identifiers: Vec<Identifier>,
    /// How to reach it.
    #[sqlx(json)]
    telecom: Vec<ContactPoint>,
    /// Where it is.
    #[sqlx(json)]
    address: Vec<Address>,
}

#[ComplexObject]
impl Organization {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(OrganizationId(self.uuid))
    }

    /// The organization that it is part of.
    async fn part_of(&self, context: &Context<'_>) -> Result<Option<Organization>> {
        let Some(whole) = self.part_of else { return Ok(None) };
        Ok(permitted(context, READ)?.load(OrganizationId(whole)).await?)
    }

    /// The organizations that are part of it, by name.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn parts(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Organization>> {
        let page = Page::of(first, after.as_deref())?;
        let parts = permitted(context, READ)?.load(PartsOf(self.uuid, page)).await?.unwrap_or_default();
        Ok(page.connection(parts, |organization| organization.uuid))
    }

    /// Its facilities, by name.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn facilities(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Facility>> {
        let page = Page::of(first, after.as_deref())?;
        let facilities = permitted(context, READ)?.load(FacilitiesOf(self.uuid, page)).await?.unwrap_or_default();
        Ok(page.connection(facilities, |facility| facility.uuid))
    }
}

/// A place with a time zone where care is given (FHIR `Location` of physical type site).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Facility {
    /// The id as commands have it.
    #[sqlx(rename = "facility_id")]
    uuid: Uuid,
    #[graphql(skip)]
    organization_id: Option<Uuid>,
    /// Its name.
    name: String,
    /// The IANA zone in which its clocks are read.
    time_zone: String,
    /// Its business identifiers.
    #[sqlx(json)]
    identifiers: Vec<Identifier>,
    /// How to reach it.
    #[sqlx(json)]
    telecom: Vec<ContactPoint>,
    /// Where it is.
    #[sqlx(json(nullable))]
    address: Option<Address>,
}

impl Facility {
    /// The zone in which its clocks are read.
    pub fn zone(&self) -> Option<Tz> {
        self.time_zone.parse().ok()
    }
}

#[ComplexObject]
impl Facility {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(FacilityId(self.uuid))
    }

    /// Who runs it, where that is known.
    async fn organization(&self, context: &Context<'_>) -> Result<Option<Organization>> {
        let Some(organization) = self.organization_id else { return Ok(None) };
        Ok(permitted(context, READ)?.load(OrganizationId(organization)).await?)
    }

    /// Its rooms, by name.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn rooms(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Room>> {
        let page = Page::of(first, after.as_deref())?;
        let rooms = permitted(context, READ)?.load(RoomsOf(self.uuid, page)).await?.unwrap_or_default();
        Ok(page.connection(rooms, |room| room.uuid))
    }
}

/// A room that can be booked (FHIR `Location` of physical type room).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Room {
    /// The id as commands have it.
    #[sqlx(rename = "room_id")]
    uuid: Uuid,
    #[graphql(skip)]
    facility_id: Uuid,
    /// What it is called at its facility.
    name: String,
}

#[ComplexObject]
impl Room {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(RoomId(self.uuid))
    }

    /// The facility that it is in.
    async fn facility(&self, context: &Context<'_>) -> Result<Option<Facility>> {
        Ok(permitted(context, READ)?.load(FacilityId(self.facility_id)).await?)
    }
}

impl Loader<OrganizationId> for Loads {
    type Value = Organization;
    type Error = Failure;
    async fn load(&self, ids: &[OrganizationId]) -> Result<HashMap<OrganizationId, Organization>, Failure> {
        let found: Vec<Organization> = self.rows("select * from organization where organization_id = any($1)", ids).await?;
        Ok(by_id(found, |organization| OrganizationId(organization.uuid)))
    }
}

impl Loader<FacilityId> for Loads {
    type Value = Facility;
    type Error = Failure;
    async fn load(&self, ids: &[FacilityId]) -> Result<HashMap<FacilityId, Facility>, Failure> {
        let found: Vec<Facility> = self.rows("select * from facility where facility_id = any($1)", ids).await?;
        Ok(by_id(found, |facility| FacilityId(facility.uuid)))
    }
}

impl Loader<RoomId> for Loads {
    type Value = Room;
    type Error = Failure;
    async fn load(&self, ids: &[RoomId]) -> Result<HashMap<RoomId, Room>, Failure> {
        let found: Vec<Room> = self.rows("select * from room where room_id = any($1)", ids).await?;
        Ok(by_id(found, |room| RoomId(room.uuid)))
    }
}

/// A page of the organizations that are part of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct PartsOf(Uuid, Page<Uuid>);

impl Loader<PartsOf> for Loads {
    type Value = Vec<Organization>;
    type Error = Failure;
    async fn load(&self, keys: &[PartsOf]) -> Result<HashMap<PartsOf, Vec<Organization>>, Failure> {
        let pages = self.pages(
            "select parent.id as of, child.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
             select * from organization where part_of = parent.id \
             and ($2::uuid is null or (name_key, organization_id) > (select name_key, organization_id from organization where organization_id = $2)) \
             order by name_key, organization_id limit $3) child order by child.name_key, child.organization_id",
            keys.iter().map(|key| (key.0, key.1)),
        );
        Ok(pages.await?.into_iter().map(|((of, page), children)| (PartsOf(of, page), children)).collect())
    }
}

/// A page of an organization's facilities.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct FacilitiesOf(Uuid, Page<Uuid>);

impl Loader<FacilitiesOf> for Loads {
    type Value = Vec<Facility>;
    type Error = Failure;
    async fn load(&self, keys: &[FacilitiesOf]) -> Result<HashMap<FacilitiesOf, Vec<Facility>>, Failure> {
        let pages = self.pages(
            "select parent.id as of, child.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
             select * from facility where organization_id = parent.id \
             and ($2::uuid is null or (name_key, facility_id) > (select name_key, facility_id from facility where facility_id = $2)) \
             order by name_key, facility_id limit $3) child order by child.name_key, child.facility_id",
            keys.iter().map(|key| (key.0, key.1)),
        );
        Ok(pages.await?.into_iter().map(|((of, page), children)| (FacilitiesOf(of, page), children)).collect())
    }
}

/// A page of a facility's rooms.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RoomsOf(Uuid, Page<Uuid>);

impl Loader<RoomsOf> for Loads {
    type Value = Vec<Room>;
    type Error = Failure;
    async fn load(&self, keys: &[RoomsOf]) -> Result<HashMap<RoomsOf, Vec<Room>>, Failure> {
        let pages = self.pages(
            "select parent.id as of, child.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
             select * from room where facility_id = parent.id \
             and ($2::uuid is null or (name_key, room_id) > (select name_key, room_id from room where room_id = $2)) \
             order by name_key, room_id limit $3) child order by child.name_key, child.room_id",
            keys.iter().map(|key| (key.0, key.1)),
        );
        Ok(pages.await?.into_iter().map(|((of, page), children)| (RoomsOf(of, page), children)).collect())
    }
}
