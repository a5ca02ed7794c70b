//! Whose sessions were ended, and up to when: the latest of each user counts.

use chrono::{DateTime, Utc};
use domain::identity::IdentityEvent;
use domain::{Event, EventType};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::rows::{Row, Rows};

/// The read model `identity`; its tables are in `identity.sql`. The gate reads it before anything else is read.
pub(crate) struct Identity;

#[derive(Serialize, Deserialize)]
struct EndedRow {
    tenant: Uuid,
    user_id: Uuid,
    before: DateTime<Utc>,
    position: i64,
}

impl Row for EndedRow {
    const TABLE: &'static str = "ended_sessions";
    const ID: &'static str = "user_id";
}

#[async_trait::async_trait]
impl Projection for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn sql(&self) -> &'static str {
        include_str!("identity.sql")
    }

    fn types(&self) -> Vec<EventType> {
        IdentityEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let mut rows: Rows<EndedRow> = Rows::default();
        for recorded in events {
            let Event::Identity(IdentityEvent::SessionsEnded(event)) = &recorded.event else { continue };
            let row = EndedRow { tenant: recorded.tenant.0, user_id: event.user.0, before: event.before, position: recorded.position.0 };
            rows.put((recorded.tenant, event.user.0), row);
        }
        rows.save(connection).await
    }
}
