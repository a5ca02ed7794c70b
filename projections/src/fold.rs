//! The fold of a batch, poison included. The runner and the check go through here, so that they come to the same rows.

use std::collections::HashSet;

use domain::TenantId;
use event_store::{Recorded, Unreadable};
use sqlx::{Connection, PgConnection};
use vault::VaultError;

use crate::projection::{ApplyError, Projection};
use crate::registry::Parking;

/// The subjects that are left out.
pub(crate) type Parked = HashSet<(TenantId, String)>;

/// Applies events in order and says whom they park. An error is one that another try may mend; nothing is then to be committed.
///
/// All at once at first. If that fails because of an event, the events go one by one, and the one at fault parks its subject: it and everything later
/// of that subject is left out.
pub(crate) async fn fold(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    events: Vec<Result<Recorded, Unreadable>>,
    parked: &mut Parked,
) -> Result<Vec<Parking>, ApplyError> {
    let events: Vec<_> = events.into_iter().filter(|event| !parked.contains(&subject(event))).collect();
    if events.iter().all(Result::is_ok) {
        let events: Vec<Recorded> = events.into_iter().filter_map(Result::ok).collect();
        return match attempt(connection, projection, &events).await {
            Ok(()) => Ok(Vec::new()),
            Err(error) if error.poison().is_none() => Err(error),
            Err(_) => one_by_one(connection, projection, events.into_iter().map(Ok).collect(), parked).await,
        };
    }
    one_by_one(connection, projection, events, parked).await
}

async fn one_by_one(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    events: Vec<Result<Recorded, Unreadable>>,
    parked: &mut Parked,
) -> Result<Vec<Parking>, ApplyError> {
    let mut parkings = Vec::new();
    for event in events {
        let subject = subject(&event);
        if parked.contains(&subject) {
            continue;
        }
        let parking = match event {
            Ok(recorded) => match attempt(connection, projection, std::slice::from_ref(&recorded)).await {
                Ok(()) => continue,
                Err(error) => {
                    let Some(reason) = error.poison() else { return Err(error) };
                    (recorded.position, recorded.event.event_type().to_string(), reason)
                }
            },
            Err(unreadable) => match unreadable.error {
                VaultError::Database(error) => return Err(error.into()),
                error => (unreadable.position, unreadable.event_type, error.to_string()),
            },
        };
        let (position, event_type, reason) = parking;
        parkings.push(Parking { tenant: subject.0, subject: subject.1.clone(), position, event_type, reason });
        parked.insert(subject);
    }
    Ok(parkings)
}

/// Applies events, or leaves no trace.
async fn attempt(connection: &mut PgConnection, projection: &dyn Projection, events: &[Recorded]) -> Result<(), ApplyError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut savepoint = connection.begin().await?;
    match projection.apply(&mut savepoint, events).await {
        Ok(()) => savepoint.commit().await?,
        Err(error) => {
            savepoint.rollback().await?;
            return Err(error);
        }
    }
    for recorded in events {
        let (event_type, request_id) = (recorded.event.event_type(), recorded.correlation);
        tracing::debug!(projection = projection.name(), %request_id, position = recorded.position.0, %event_type, "applied");
    }
    Ok(())
}

fn subject(event: &Result<Recorded, Unreadable>) -> (TenantId, String) {
    match event {
        Ok(recorded) => (recorded.tenant, recorded.event.subject().to_string()),
        Err(unreadable) => (unreadable.tenant, unreadable.subject.clone()),
    }
}
