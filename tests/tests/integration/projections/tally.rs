//! A projection for tests: counts events, so that one applied twice or never shows, and can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Event, EventType, PatientId};
use event_store::Recorded;
use projections::{ApplyError, Projection};
use sqlx::PgConnection;

/// Counts the events of each subject.
#[derive(Clone, Default)]
pub struct Tally {
    pub later_version: bool,
    /// While this is set, the events of this patient cannot be applied.
    pub poisoned: Option<(PatientId, Arc<AtomicBool>)>,
}

impl Tally {
    pub fn alone() -> Vec<Arc<dyn Projection>> {
        vec![Arc::new(Self::default())]
    }
}

#[async_trait::async_trait]
impl Projection for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }

    fn version(&self) -> u16 {
        if self.later_version { 2 } else { 1 }
    }

    fn sql(&self) -> &'static str {
        "create table tally (tenant uuid not null, subject text not null, events bigint not null, positions bigint not null, primary key (tenant, subject))"
    }

    fn types(&self) -> Vec<EventType> {
        Event::types()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        for recorded in events {
            let subject = recorded.event.subject();
            if let Some((patient, poisoned)) = &self.poisoned
                && subject == domain::Subject::Patient(*patient)
                && poisoned.load(Ordering::SeqCst)
            {
                return Err(ApplyError::Missing("tally"));
            }
            let statement = "insert into tally (tenant, subject, events, positions) values ($1, $2, 1, $3) \
                             on conflict (tenant, subject) do update set events = tally.events + 1, positions = tally.positions + excluded.positions";
            sqlx::query(statement).bind(recorded.tenant.0).bind(subject.to_string()).bind(recorded.position.0).execute(&mut *connection).await?;
        }
        Ok(())
    }
}
