//! What can be followed. Each message is an execution of its own, on a snapshot of its own, of whatever has changed since the one before; the first only notes where it begins.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::{FacilityId, PatientId, Permission, PractitionerId};
use futures::{Stream, StreamExt};
use gate::OfPatient;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::emergency::{self, BrokenGlass, BrokenGlassAlerts};
use crate::errors::{Code, Failure};
use crate::ids::argument;
use crate::paging::cost;
use crate::reads::{Permitted, permitted};
use crate::records::{ChartUpdates, Followed, PROJECTIONS};
use crate::scalars::Position;
use crate::scheduling::Appointment;

/// The most changes that one message carries; the rest follow in the next.
const MOST_CHANGES: i64 = 100;

const NOTHING_TO_FOLLOW: Failure = Failure::Refused(Code::NotFound, "there is nothing of this id that you may see");

/// How far one subscription has come, from one of its executions to the next.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<Seen>>);

#[derive(Clone, Copy, Default)]
struct Seen {
    position: Option<i64>,
    more: bool,
    chart: Option<Followed>,
    projections: &'static [&'static str],
}

impl Progress {
    /// Whether more has changed than the last message carried.
    pub fn has_more(&self) -> bool {
        self.get().more
    }

    /// The projections whose rows are followed, once that is known.
    pub fn follows(&self) -> &'static [&'static str] {
        self.get().projections
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

    /// A person's chart under any record of theirs, facts and documents, as it changes, also by a merge or its undoing: only what changes from now on, and several changes may come together.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn patient_chart(&self, context: &Context<'_>, patient: ID) -> Result<impl Stream<Item = ChartUpdates>> {
        let patient: PatientId = argument("patient", &patient)?;
        let there = permitted(context, Permission::ReadPatients)?.load(patient).await?.is_some();
        Ok(futures::stream::iter(chart_changes(context, there, patient).await?))
    }

    /// A practitioner's appointments, as they change; also those that are moved to another practitioner.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn practitioner_appointments(&self, context: &Context<'_>, practitioner: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let practitioner: PractitionerId = argument("practitioner", &practitioner)?;
        let there = permitted(context, Permission::ReadPractitioners)?.load(practitioner).await?.is_some();
        Ok(changes(context, there, OF_PRACTITIONER, practitioner.0).await?.map(|(position, appointments)| AppointmentChanges { position, appointments }))
    }

    /// The alert for those who review broken glass: each time the glass is broken or a review is overdue, from now on.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn broken_glass(&self, context: &Context<'_>) -> Result<impl Stream<Item = BrokenGlassAlerts>> {
        let tenant = permitted(context, emergency::READ)?.caller().tenant;
        let alerts = changes(context, true, BROKEN, tenant.0).await?;
        Ok(alerts.map(|(position, broken_glass)| BrokenGlassAlerts { position, broken_glass }))
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

/// What can be followed: rows that name the event that changed them last.
trait Rows: OfPatient + for<'row> FromRow<'row, PgRow> + Send + Unpin + 'static {
    const PERMISSION: Permission;
    /// The projections that write the rows.
    const PROJECTIONS: &'static [&'static str];
    /// Of anything that the caller sees, the last change: whatever is followed has not changed beyond it.
    const LATEST: &'static str;
}

impl Rows for Appointment {
    const PERMISSION: Permission = Permission::ReadAppointments;
    const PROJECTIONS: &'static [&'static str] = &["scheduling"];
    const LATEST: &'static str = "select coalesce(max(position), 0) from appointment";
}

impl Rows for BrokenGlass {
    const PERMISSION: Permission = emergency::READ;
    const PROJECTIONS: &'static [&'static str] = &["emergency"];
    const LATEST: &'static str = "select coalesce(max(position), 0) from break_glass";
}

#[derive(FromRow)]
struct Changed<T> {
    #[sqlx(flatten)]
    row: T,
    last: i64,
    changes: i64,
}

async fn changes<T: Rows>(context: &Context<'_>, there: bool, statement: &'static str, id: Uuid) -> Result<impl Stream<Item = (Position, Vec<T>)> + use<T>> {
    let permitted = permitted(context, T::PERMISSION)?;
    if !there {
        return Err(NOTHING_TO_FOLLOW.into());
    }
    let progress = context.data_opt::<Progress>().ok_or(Failure::Internal)?;
    let item = match progress.get().position {
        None => {
            let latest = sqlx::query_scalar(T::LATEST).fetch_one(&mut *permitted.connection().await).await.map_err(Failure::from)?;
            progress.set(Seen { position: Some(latest), more: false, projections: T::PROJECTIONS, chart: None });
            None
        }
        Some(after) => changes_after(permitted, statement, id, after, progress).await?,
    };
    Ok(futures::stream::iter(item))
}

async fn chart_changes(context: &Context<'_>, there: bool, patient: PatientId) -> Result<Option<ChartUpdates>, Failure> {
    let permitted = permitted(context, Permission::ReadChart)?;
    if !there {
        return Err(NOTHING_TO_FOLLOW);
    }
    let progress = context.data_opt::<Progress>().ok_or(Failure::Internal)?;
    let seen = Seen { projections: PROJECTIONS, ..Seen::default() };
    let Some(followed) = progress.get().chart else {
        progress.set(Seen { chart: Some(Followed::begin(permitted)), ..seen });
        return Ok(None);
    };
    let (updates, followed, more) = followed.next(permitted, patient, MOST_CHANGES).await?;
    progress.set(Seen { chart: Some(followed), more, ..seen });
    Ok(updates)
}

async fn changes_after<T: Rows>(
    permitted: Permitted<'_>,
    statement: &'static str,
    id: Uuid,
    after: i64,
    progress: &Progress,
) -> Result<Option<(Position, Vec<T>)>, Failure> {
    let rows: Vec<Changed<T>> = sqlx::query_as(statement).bind(id).bind(after).bind(MOST_CHANGES).fetch_all(&mut *permitted.connection().await).await?;
    let Some(position) = rows.iter().map(|row| row.last).max() else {
        progress.set(Seen { more: false, ..progress.get() });
        return Ok(None);
    };
    let more = rows.iter().map(|row| row.changes).sum::<i64>() >= MOST_CHANGES;
    progress.set(Seen { position: Some(position), more, projections: T::PROJECTIONS, chart: None });
    let rows: Vec<T> = rows.into_iter().map(|row| row.row).collect();
    Ok(Some((Position(position), permitted.show_all(rows).await?)))
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

/// What is to be reviewed, of a tenant ($1), after a position ($2), at most so many ($3).
const BROKEN: &str = "select *, position as last, 1::bigint as changes from break_glass \
    where tenant = $1 and position > $2 and status <> 'reviewed' order by position limit $3";

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
