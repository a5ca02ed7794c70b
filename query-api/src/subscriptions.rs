//! What can be followed. Each message is an execution of its own, on a snapshot of its own, of whatever has changed since the one before; the first only notes where it begins.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::{FacilityId, PatientId, Permission, PractitionerId};
use futures::Stream;
use sqlx::FromRow;
use uuid::Uuid;

use crate::errors::{Code, Failure};
use crate::ids::argument;
use crate::paging::cost;
use crate::reads::{Permitted, permitted};
use crate::scalars::Position;
use crate::scheduling::Appointment;

/// The most changes that one message carries; the rest follow in the next.
const MOST_CHANGES: i64 = 100;

/// How far one subscription has come, from one of its executions to the next.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<Seen>>);

#[derive(Clone, Copy, Default)]
struct Seen {
    position: Option<i64>,
    more: bool,
}

impl Progress {
    /// Whether more has changed than the last message carried.
    pub fn has_more(&self) -> bool {
        self.get().more
    }

    fn get(&self) -> Seen {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, seen: Seen) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

/// The subscriptions.
pub struct Subscriptions;

#[Subscription(name = "Subscription")]
impl Subscriptions {
    /// A person's appointments under any record of theirs, as they change: only what changes from now on, and several changes may come together.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn patient_appointments(&self, context: &Context<'_>, patient: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let patient: PatientId = argument("patient", &patient)?;
        let there = permitted(context, Permission::ReadPatients)?.load(patient).await?.is_some();
        changes(context, there, OF_PATIENT, patient.0).await
    }

    /// A practitioner's appointments, as they change; also those that are moved to another practitioner.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn practitioner_appointments(&self, context: &Context<'_>, practitioner: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let practitioner: PractitionerId = argument("practitioner", &practitioner)?;
        let there = permitted(context, Permission::ReadPractitioners)?.load(practitioner).await?.is_some();
        changes(context, there, OF_PRACTITIONER, practitioner.0).await
    }

    /// A facility's appointments, as they change; also those that are moved to another facility.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn facility_appointments(&self, context: &Context<'_>, facility: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let facility: FacilityId = argument("facility", &facility)?;
        let there = permitted(context, Permission::ReadOrganizations)?.load(facility).await?.is_some();
        changes(context, there, OF_FACILITY, facility.0).await
    }
}

/// Appointments that have changed.
#[derive(SimpleObject)]
pub struct AppointmentChanges {
    /// Every change of what is followed up to this position has been sent with this message.
    position: Position,
    /// The appointments as they are now, in the order of their changes.
    appointments: Vec<Appointment>,
}

#[derive(FromRow)]
struct Changed {
    #[sqlx(flatten)]
    appointment: Appointment,
    last: i64,
    changes: i64,
}

async fn changes(context: &Context<'_>, there: bool, statement: &'static str, id: Uuid) -> Result<impl Stream<Item = AppointmentChanges> + use<>> {
    let permitted = permitted(context, Permission::ReadAppointments)?;
    if !there {
        return Err(Failure::Refused(Code::NotFound, "there is nothing of this id that you may see").into());
    }
    let progress = context.data_opt::<Progress>().ok_or(Failure::Internal)?;
    let item = match progress.get().position {
        None => {
            progress.set(Seen { position: Some(latest_change(permitted).await?), more: false });
            None
        }
        Some(after) => changes_after(permitted, statement, id, after, progress).await?,
    };
    Ok(futures::stream::iter(item))
}

/// Of anything that this caller sees: whatever is followed has not changed beyond it.
async fn latest_change(permitted: Permitted<'_>) -> Result<i64, Failure> {
    Ok(sqlx::query_scalar("select coalesce(max(position), 0) from appointment").fetch_one(&mut *permitted.connection().await).await?)
}

async fn changes_after(
    permitted: Permitted<'_>,
    statement: &'static str,
    id: Uuid,
    after: i64,
    progress: &Progress,
) -> Result<Option<AppointmentChanges>, Failure> {
    let rows: Vec<Changed> = sqlx::query_as(statement).bind(id).bind(after).bind(MOST_CHANGES).fetch_all(&mut *permitted.connection().await).await?;
    let Some(position) = rows.iter().map(|row| row.last).max() else { return Ok(None) };
    progress.set(Seen { position: Some(position), more: rows.iter().map(|row| row.changes).sum::<i64>() >= MOST_CHANGES });
    let appointments: Vec<Appointment> = rows.into_iter().map(|row| row.appointment).collect();
    for appointment in &appointments {
        appointment.disclosed(permitted);
    }
    Ok(Some(AppointmentChanges { position: Position(position), appointments }))
}

/// The appointments that have changed in one place ($1) after a position ($2), at most so many changes of them ($3).
macro_rules! changed {
    ($changes:literal) => {
        concat!(
            "select a.*, c.last, c.changes from \
             (select appointment_id, max(position) as last, count(*) as changes from (",
            $changes,
            " order by position limit $3) page group by appointment_id) c \
             join appointment a on a.appointment_id = c.appointment_id order by c.last"
        )
    };
}

const OF_PATIENT: &str = changed!(
    "select appointment_id, position from appointment \
     where patient_id in (select record_id from patient_link where patient_id = $1) and position > $2"
);
const OF_PRACTITIONER: &str = changed!(
    "select appointment_id, position from appointment where practitioner_id = $1 and position > $2 \
     union all select appointment_id, position from appointment_left where practitioner_id = $1 and position > $2"
);
const OF_FACILITY: &str = changed!(
    "select appointment_id, position from appointment where facility_id = $1 and position > $2 \
     union all select appointment_id, position from appointment_left where facility_id = $1 and position > $2"
);
