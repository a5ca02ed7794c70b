//! Broken glass as it stands.

use chrono::{DateTime, Utc};
use domain::emergency::{BreakGlassStatus, EmergencyEvent, Finding};
use domain::value::Reason;
use domain::{Event, EventType};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::rows::{Row, Rows};

/// The read model `emergency`; its tables are in `emergency.sql`.
pub(crate) struct Emergency;

#[derive(Serialize, Deserialize)]
struct BreakGlassRow {
    tenant: Uuid,
    break_glass_id: Uuid,
    patient_id: Uuid,
    user_id: Uuid,
    reason: Option<Reason>,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    review_due_at: DateTime<Utc>,
    status: BreakGlassStatus,
    finding: Option<Finding>,
    reviewed_by: Option<Uuid>,
    reviewed_at: Option<DateTime<Utc>>,
    review_note: Option<Reason>,
    position: i64,
}

impl Row for BreakGlassRow {
    const TABLE: &'static str = "break_glass";
    const ID: &'static str = "break_glass_id";
}

#[async_trait::async_trait]
impl Projection for Emergency {
    fn name(&self) -> &'static str {
        "emergency"
    }

    fn sql(&self) -> &'static str {
        include_str!("emergency.sql")
    }

    fn types(&self) -> Vec<EventType> {
        EmergencyEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Emergency(event) = &recorded.event { Some((recorded, event)) } else { None });
        let mut rows = Rows::load(connection, own().map(|(recorded, event)| (recorded.tenant, event.about().1.0))).await?;
        for (recorded, event) in own() {
            apply(&mut rows, recorded, event)?;
        }
        rows.save(connection).await
    }
}

fn apply(rows: &mut Rows<BreakGlassRow>, recorded: &Recorded, event: &EmergencyEvent) -> Result<(), ApplyError> {
    let key = (recorded.tenant, event.about().1.0);
    if let EmergencyEvent::GlassBroken(event) = event {
        let row = BreakGlassRow {
            tenant: recorded.tenant.0,
            break_glass_id: event.break_glass.0,
            patient_id: event.patient.0,
            user_id: event.user.0,
            reason: event.reason.clone().into_known(),
            starts_at: event.starts,
            ends_at: event.ends,
            review_due_at: event.review_due,
            status: BreakGlassStatus::AwaitingReview,
            finding: None,
            reviewed_by: None,
            reviewed_at: None,
            review_note: None,
            position: recorded.position.0,
        };
        return rows.add(key, row);
    }
    let row = rows.change(key)?;
    row.position = recorded.position.0;
    match event {
        EmergencyEvent::GlassBroken(_) => {}
        EmergencyEvent::BreakGlassReviewed(event) => {
            row.status = BreakGlassStatus::Reviewed;
            row.finding = Some(event.finding);
            row.reviewed_by = Some(event.reviewer.0);
            row.reviewed_at = Some(recorded.recorded);
            row.review_note = event.note.known().cloned();
        }
        EmergencyEvent::BreakGlassEscalated(_) => row.status = BreakGlassStatus::Escalated,
    }
    Ok(())
}
