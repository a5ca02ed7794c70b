//! A patient's events, as a person reads them.

mod load;
mod masking;

use async_graphql::{ComplexObject, SimpleObject};
use chrono::Utc;
use serde::Deserialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::scalars::{DateTime, Position};
use crate::values::Masked;

pub use load::HistoryOf;
pub use masking::without_unknown_successor;

/// Something that happened. Those who may not read the thing itself (`READ_CHART`, `READ_DOCUMENTS`, `READ_CONSENTS`, `REVIEW_BREAK_GLASS`,
/// `READ_DISCLOSURES`), or to whom it is masked, learn that something happened, and no more: the summary is in general words, and there are neither details nor
/// the time of occurrence.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct HistoryEntry {
    #[graphql(skip)]
    position: i64,
    #[graphql(skip)]
    patient_id: Uuid,
    /// The event.
    event_id: Uuid,
    /// What kind of event it is: `scheduling.AppointmentBooked`.
    event_type: String,
    #[graphql(skip)]
    occurred: Option<chrono::DateTime<Utc>>,
    #[graphql(skip)]
    recorded: chrono::DateTime<Utc>,
    /// The user who did it.
    #[graphql(name = "user")]
    actor_user: Uuid,
    /// The role in which they did it.
    #[graphql(name = "role")]
    actor_role: String,
    /// What happened, in one sentence.
    summary: String,
    /// What there is to know of it.
    #[sqlx(json)]
    details: Vec<HistoryDetail>,
    #[graphql(skip)]
    security: Vec<String>,
    #[graphql(skip)]
    place: Option<Uuid>,
    /// Why only that it happened is told, where that is so.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// One thing to know of an event.
#[derive(Clone, Deserialize, SimpleObject)]
pub struct HistoryDetail {
    /// What it is.
    label: String,
    /// The value as a person reads it.
    value: String,
}

impl HistoryEntry {
    /// What a cursor names.
    pub fn key(&self) -> i64 {
        self.position
    }
}

#[ComplexObject]
impl HistoryEntry {
    /// Where it is in the log.
    async fn position(&self) -> Position {
        Position(self.position)
    }

    /// When it happened; null once erased, and where only that it happened is told.
    async fn occurred(&self) -> Option<DateTime> {
        self.occurred.map(DateTime::from)
    }

    /// When Carelog learned of it.
    async fn recorded(&self) -> DateTime {
        self.recorded.into()
    }
}
