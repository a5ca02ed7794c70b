//! Organizations, facilities and rooms, as they are now.

use domain::organizations::{FacilityOpened, OrganizationRegistered, OrganizationsEvent, RoomAdded};
use domain::{Event, EventType};
use event_store::Recorded;
use serde::Serialize;
use serde_json::{Value, to_value};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::names::sort_key;
use crate::projection::{ApplyError, Projection};
use crate::rows::insert;

/// The read model `organizations`; its tables are in `organizations.sql`.
pub(crate) struct Organizations;

#[derive(Serialize)]
struct OrganizationRow {
    tenant: Uuid,
    organization_id: Uuid,
    name: String,
    name_key: String,
    part_of: Option<Uuid>,
    r#type: Value,
    identifiers: Value,
    telecom: Value,
    address: Value,
    position: i64,
}

#[derive(Serialize)]
struct FacilityRow {
    tenant: Uuid,
    facility_id: Uuid,
    organization_id: Option<Uuid>,
    name: String,
    name_key: String,
    time_zone: String,
    identifiers: Value,
    telecom: Value,
    address: Option<Value>,
    position: i64,
}

#[derive(Serialize)]
struct RoomRow {
    tenant: Uuid,
    room_id: Uuid,
    facility_id: Uuid,
    name: String,
    name_key: String,
    position: i64,
}

#[async_trait::async_trait]
impl Projection for Organizations {
    fn name(&self) -> &'static str {
        "organizations"
    }

    fn sql(&self) -> &'static str {
        include_str!("organizations.sql")
    }

    fn types(&self) -> Vec<EventType> {
        OrganizationsEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let (mut organizations, mut facilities, mut rooms) = (Vec::new(), Vec::new(), Vec::new());
        for recorded in events {
            let Event::Organizations(event) = &recorded.event else { continue };
            match event {
                OrganizationsEvent::OrganizationRegistered(event) => organizations.push(registered(recorded, event)?),
                OrganizationsEvent::FacilityOpened(event) => facilities.push(opened(recorded, event)?),
                OrganizationsEvent::RoomAdded(event) => rooms.push(added(recorded, event)),
            }
        }
        insert(connection, "organization", &organizations).await?;
        insert(connection, "facility", &facilities).await?;
        insert(connection, "room", &rooms).await
    }
}

fn registered(recorded: &Recorded, event: &OrganizationRegistered) -> Result<OrganizationRow, ApplyError> {
    Ok(OrganizationRow {
        tenant: recorded.tenant.0,
        organization_id: event.organization.0,
        name: event.name.as_str().to_owned(),
        name_key: sort_key(event.name.as_str()),
        part_of: event.part_of.map(|organization| organization.0),
        r#type: to_value(&event.r#type)?,
        identifiers: to_value(&event.identifiers)?,
        telecom: to_value(&event.telecom)?,
        address: to_value(&event.address)?,
        position: recorded.position.0,
    })
}

fn opened(recorded: &Recorded, event: &FacilityOpened) -> Result<FacilityRow, ApplyError> {
    Ok(FacilityRow {
        tenant: recorded.tenant.0,
        facility_id: event.facility.0,
        organization_id: event.organization.map(|organization| organization.0),
        name: event.name.as_str().to_owned(),
        name_key: sort_key(event.name.as_str()),
        time_zone: String::from(event.time_zone),
        identifiers: to_value(&event.identifiers)?,
        telecom: to_value(&event.telecom)?,
        address: event.address.as_ref().map(to_value).transpose()?,
        position: recorded.position.0,
    })
}

fn added(recorded: &Recorded, event: &RoomAdded) -> RoomRow {
    RoomRow {
        tenant: recorded.tenant.0,
        room_id: event.room.0,
        facility_id: event.facility.0,
        name: event.name.as_str().to_owned(),
        name_key: sort_key(event.name.as_str()),
        position: recorded.position.0,
    }
}
