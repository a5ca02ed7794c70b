//! What a request carried out: commands, found by the request that their events name.

use chrono::{DateTime, Utc};
use domain::access::Authority;
use domain::{TenantId, UserId};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;

use crate::{Actor, EventStore, Position, ReadError};

/// A command that changed something.
#[derive(Clone, PartialEq, Debug)]
pub struct CarriedOut {
    /// Where its first event is.
    pub position: Position,
    /// The ids of its events, in order.
    pub event_ids: Vec<Uuid>,
    /// Its name: `scheduling.book-appointment`.
    pub command: String,
    /// Whose its first event is: `patient/0190…`.
    pub subject: String,
    /// Who did it.
    pub actor: Actor,
    /// By what authority; `None` where it is not known, or not in this build's terms.
    pub authority: Option<Authority>,
    /// When it was recorded.
    pub recorded: DateTime<Utc>,
}

impl EventStore {
    /// What a request of a tenant carried out before a position, the newest first, at most `limit` commands. A client that names its requests itself may give one
    /// name to many.
    pub async fn carried_out(&self, tenant: TenantId, request: Uuid, before: Position, limit: u32) -> Result<Vec<CarriedOut>, ReadError> {
        let found = sqlx::query_as(
            "select e.position, c.event_ids, c.name, e.subject, e.actor_user, e.actor_role, e.authority::text as authority, e.recorded_at \
             from event e join command c on c.tenant = e.tenant and c.actor = e.actor_user and c.command_id = e.command_id and c.first_position = e.position \
             where e.correlation = $1 and e.type not like 'access.%' and e.tenant = $2 and e.position < $3 order by e.position desc limit $4",
        );
        Ok(found.bind(request).bind(tenant.0).bind(before).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }
}

impl FromRow<'_, PgRow> for CarriedOut {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let authority: Option<String> = row.try_get("authority")?;
        Ok(Self {
            position: row.try_get("position")?,
            event_ids: row.try_get("event_ids")?,
            command: row.try_get("name")?,
            subject: row.try_get("subject")?,
            actor: Actor { user: UserId(row.try_get("actor_user")?), role: row.try_get("actor_role")? },
            authority: authority.and_then(|stored| serde_json::from_str(&stored).ok()),
            recorded: row.try_get("recorded_at")?,
        })
    }
}
