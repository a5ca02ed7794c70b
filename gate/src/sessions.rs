//! Whose sessions were ended: a token that was issued before is void for commands as soon as the log has it, and for reads as soon as the read models have it too.

use chrono::{DateTime, Utc};
use domain::identity::{IdentityEvent, SessionsEnded};
use domain::{Event, Named, Permission, Query, Tag};
use event_store::Recorded;

use crate::Gate;
use crate::caller::{Caller, Unauthenticated};
use crate::read::{ReadRefusal, Snapshot};

/// Beyond every moment of the log, and one that Postgres has.
const LATEST: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("the end of the year 9999");

/// What a command of this caller depends on besides what it decides about.
pub(crate) fn of(caller: &Caller) -> Query {
    Query::new().and(&[SessionsEnded::TYPE], Tag::user(caller.user))
}

/// Whether one of these events makes the caller's token void.
pub(crate) fn ended(caller: &Caller, recorded: &[Recorded]) -> bool {
    recorded.iter().any(|recorded| match &recorded.event {
        Event::Identity(IdentityEvent::SessionsEnded(event)) => event.voids(caller.user, caller.issued),
        _ => false,
    })
}

impl Gate {
    /// Refuses a read, on record, whose caller's sessions were ended in this snapshot.
    pub(crate) async fn refuse_ended(&self, snapshot: &Snapshot) -> Result<(), ReadRefusal> {
        let caller = snapshot.caller();
        let ended: bool = sqlx::query_scalar("select exists (select from ended_sessions where user_id = $1 and before >= $2)")
            .bind(caller.user.0)
            .bind(caller.issued.min(LATEST))
            .fetch_one(&mut *snapshot.connection().await)
            .await?;
        if !ended {
            return Ok(());
        }
        let mut access = snapshot.lock().clone();
        access.refused.insert(Permission::ReadPatients);
        // Nothing is shown, so a record that cannot be written stops nothing.
        self.access.record(caller, access).await.ok();
        Err(Unauthenticated.into())
    }
}
