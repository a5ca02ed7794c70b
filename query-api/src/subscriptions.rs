//! What can be followed. Each message is an execution of its own, on a snapshot of its own, of whatever has changed since the one before; the first only notes where it begins.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::{FacilityId, PatientId, Permission, PractitionerId};
use futures::{Stream, StreamExt};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::errors::{Code, Failure};
use crate::ids::argument;
use crate::paging::cost;
use crate::reads::{Permitted, permitted};
use crate::records::ChartEntry;
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
    projection: Option<&'static str>,
}

impl Progress {
    /// Whether more has changed than the last message carried.
    pub fn has_more(&self) -> bool {
        self.get().more
    }

    /// The projection whose rows are followed, once that is known.
    pub fn follows(&self) -> Option<&'static str> {
        self.get().projection
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
        Ok(changes(context, there, OF_PATIENT, patient.0).await?.map(|(position, appointments)| AppointmentChanges { position, appointments }))
    }

    /// A person's chart under any record of theirs, as it changes: only what changes from now on, and several changes may come together.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn patient_chart(&self, context: &Context<'_>, patient: ID) -> Result<impl Stream<Item = ChartUpdates>> {
        let patient: PatientId = argument("patient", &patient)?;
        let there = permitted(context, Permission::ReadPatients)?.load(patient).await?.is_some();
        Ok(changes(context, there, OF_CHART, patient.0).await?.map(|(position, entries)| ChartUpdates { position, entries }))
    }

    /// A practitioner's appointments, as they change; also those that are moved to another practitioner.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn practitioner_appointments(&self, context: &Context<'_>, practitioner: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let practitioner: PractitionerId = argument("practitioner", &practitioner)?;
        let there = permitted(context, Permission::ReadPractitioners)?.load(practitioner).await?.is_some();
        Ok(changes(context, there, OF_PRACTITIONER, practitioner.0).await?.map(|(position, appointments)| AppointmentChanges { position, appointments }))
    }

    /// A facility's appointments, as they change; also those that are moved to another facility.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn facility_appointments(&self, context: &Context<'_>, facility: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let facility: FacilityId = argument("facility", &facility)?;
        let there = permitted(context, Permission::ReadOrganizations)?.load(facility).await?.is_some();
        Ok(changes(context, there, OF_FACILITY, facility.0).await?.map(|(position, appointments)| AppointmentChanges { position, appointments }))
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

/// Facts of a chart that have changed.
#[derive(SimpleObject)]
pub struct ChartUpdates {
    /// Every change of what is followed up to this position has been sent with this message.
    position: Position,
    /// The facts as they are now, in the order of their changes.
    entries: Vec<ChartEntry>,
}

/// What can be followed: rows that name the event that changed them last.
trait Followed: for<'row> FromRow<'row, PgRow> + Send + Unpin + 'static {
    const PERMISSION: Permission;
    /// The projection that writes the rows.
    const PROJECTION: &'static str;
    /// Of anything that the caller sees, the last change: whatever is followed has not changed beyond it.
    const LATEST: &'static str;
    fn disclosed(&self, permitted: Permitted<'_>);
}

impl Followed for Appointment {
    const PERMISSION: Permission = Permission::ReadAppointments;
    const PROJECTION: &'static str = "scheduling";
    const LATEST: &'static str = "select coalesce(max(position), 0) from appointment";
    fn disclosed(&self, permitted: Permitted<'_>) {
        self.disclosed(permitted);
    }
}

impl Followed for ChartEntry {
    const PERMISSION: Permission = Permission::ReadChart;
    const PROJECTION: &'static str = "records";
    const LATEST: &'static str = "select coalesce(max(position), 0) from chart_fact";
    fn disclosed(&self, permitted: Permitted<'_>) {
        self.disclosed(permitted);
    }
}

#[derive(FromRow)]
struct Changed<T> {
    #[sqlx(flatten)]
    row: T,
    last: i64,
    changes: i64,
}

async fn changes<T: Followed>(
    context: &Context<'_>,
    there: bool,
    statement: &'static str,
    id: Uuid,
) -> Result<impl Stream<Item = (Position, Vec<T>)> + use<T>> {
    let permitted = permitted(context, T::PERMISSION)?;
    if !there {
        return Err(Failure::Refused(Code::NotFound, "there is nothing of this id that you may see").into());
    }
    let progress = context.data_opt::<Progress>().ok_or(Failure::Internal)?;
    let item = match progress.get().position {
        None => {
            let latest = sqlx::query_scalar(T::LATEST).fetch_one(&mut *permitted.connection().await).await.map_err(Failure::from)?;
            progress.set(Seen { position: Some(latest), more: false, projection: Some(T::PROJECTION) });
            None
        }
        Some(after) => changes_after(permitted, statement, id, after, progress).await?,
    };
    Ok(futures::stream::iter(item))
}

async fn changes_after<T: Followed>(
    permitted: Permitted<'_>,
    statement: &'static str,
    id: Uuid,
    after: i64,
    progress: &Progress,
) -> Result<Option<(Position, Vec<T>)>, Failure> {
    let rows: Vec<Changed<T>> = sqlx::query_as(statement).bind(id).bind(after).bind(MOST_CHANGES).fetch_all(&mut *permitted.connection().await).await?;
    let Some(position) = rows.iter().map(|row| row.last).max() else { return Ok(None) };
    let more = rows.iter().map(|row| row.changes).sum::<i64>() >= MOST_CHANGES;
    progress.set(Seen { position: Some(position), more, projection: Some(T::PROJECTION) });
    let rows: Vec<T> = rows.into_iter().map(|row| row.row).collect();
    for row in &rows {
        row.disclosed(permitted);
    }
    Ok(Some((Position(position), rows)))
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
const OF_CHART: &str = "select f.*, f.position as last, 1::bigint as changes from chart_fact f \
    where patient_id in (select record_id from patient_link where patient_id = $1) and position > $2 order by position limit $3";
