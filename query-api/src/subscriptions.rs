//! What can be followed. Each message is an execution of its own, on a snapshot of its own, of whatever has changed since the one before; the first only notes where it begins.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Result, SimpleObject, Subscription};
use domain::{FacilityId, PatientId, Permission, PractitionerId};
use futures::{Stream, stream};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::documents::Document;
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

    /// The projection whose rows are followed, once that is known and where it is one.
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
        appointments(context, there, OF_PATIENT, patient.0).await
    }

    /// A person's chart under any record of theirs, facts and documents, as it changes: only what changes from now on, and several changes may come together.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn patient_chart(&self, context: &Context<'_>, patient: ID) -> Result<impl Stream<Item = ChartUpdates>> {
        let patient: PatientId = argument("patient", &patient)?;
        let there = permitted(context, Permission::ReadPatients)?.load(patient).await?.is_some();
        chart_updates(context, there, patient.0).await
    }

    /// A practitioner's appointments, as they change; also those that are moved to another practitioner.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn practitioner_appointments(&self, context: &Context<'_>, practitioner: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let practitioner: PractitionerId = argument("practitioner", &practitioner)?;
        let there = permitted(context, Permission::ReadPractitioners)?.load(practitioner).await?.is_some();
        appointments(context, there, OF_PRACTITIONER, practitioner.0).await
    }

    /// A facility's appointments, as they change; also those that are moved to another facility.
    #[graphql(complexity = "cost(None, child_complexity)")]
    async fn facility_appointments(&self, context: &Context<'_>, facility: ID) -> Result<impl Stream<Item = AppointmentChanges>> {
        let facility: FacilityId = argument("facility", &facility)?;
        let there = permitted(context, Permission::ReadOrganizations)?.load(facility).await?.is_some();
        appointments(context, there, OF_FACILITY, facility.0).await
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

/// Facts and documents of a chart that have changed.
#[derive(SimpleObject)]
pub struct ChartUpdates {
    /// Every change of what is followed up to this position has been sent with this message.
    position: Position,
    /// The facts as they are now, in the order of their changes.
    entries: Vec<ChartEntry>,
    /// The documents as they are now, in the order of their changes; none for those who may not read documents.
    documents: Vec<Document>,
}

/// What rows that name the event that changed them last come to.
#[derive(FromRow)]
struct Changed<T> {
    #[sqlx(flatten)]
    row: T,
    last: i64,
    changes: i64,
}

/// How far it has come, where there is anything to follow.
fn begin<'context>(context: &Context<'context>, there: bool) -> Result<&'context Progress, Failure> {
    if !there {
        return Err(Failure::Refused(Code::NotFound, "there is nothing of this id that you may see"));
    }
    context.data_opt::<Progress>().ok_or(Failure::Internal)
}

async fn appointments(context: &Context<'_>, there: bool, statement: &'static str, id: Uuid) -> Result<impl Stream<Item = AppointmentChanges> + use<>> {
    const PROJECTION: Option<&str> = Some("scheduling");
    let permitted = permitted(context, Permission::ReadAppointments)?;
    let progress = begin(context, there)?;
    let Some(after) = progress.get().position else {
        // Of anything that the caller sees, the last change: whatever is followed has not changed beyond it.
        let latest = "select coalesce(max(position), 0) from appointment";
        let latest = sqlx::query_scalar(latest).fetch_one(&mut *permitted.connection().await).await.map_err(Failure::from)?;
        progress.set(Seen { position: Some(latest), more: false, projection: PROJECTION });
        return Ok(stream::iter(None));
    };
    let rows: Vec<Changed<Appointment>> = changed_after(permitted, statement, id, after, i64::MAX).await?;
    let Some(position) = rows.iter().map(|row| row.last).max() else { return Ok(stream::iter(None)) };
    let more = rows.iter().map(|row| row.changes).sum::<i64>() >= MOST_CHANGES;
    progress.set(Seen { position: Some(position), more, projection: PROJECTION });
    let appointments: Vec<Appointment> = rows.into_iter().map(|row| row.row).collect();
    for appointment in &appointments {
        appointment.disclosed(permitted);
    }
    Ok(stream::iter(Some(AppointmentChanges { position: Position(position), appointments })))
}

/// Two projections write what is followed, and one may be ahead of the other: only what both have come to is told, so any of them may be what was waited for.
async fn chart_updates(context: &Context<'_>, there: bool, patient: Uuid) -> Result<impl Stream<Item = ChartUpdates> + use<>> {
    let permitted = permitted(context, Permission::ReadChart)?;
    let progress = begin(context, there)?;
    let through = permitted.reflects();
    let Some(after) = progress.get().position else {
        progress.set(Seen { position: Some(through), more: false, projection: None });
        return Ok(stream::iter(None));
    };
    let mut entries: Vec<Changed<ChartEntry>> = changed_after(permitted, OF_CHART, patient, after, through).await?;
    let mut documents: Vec<Changed<Document>> = match crate::reads::permitted(context, Permission::ReadDocuments) {
        Ok(permitted) => changed_after(permitted, OF_DOCUMENTS, patient, after, through).await?,
        Err(_) => Vec::new(),
    };
    // Of two pages that are both full only what lies before the end of the first is told.
    let full = |length: usize, last: Option<i64>| last.filter(|_| i64::try_from(length).is_ok_and(|length| length >= MOST_CHANGES));
    let ends = [full(entries.len(), entries.last().map(|row| row.last)), full(documents.len(), documents.last().map(|row| row.last))];
    let end = ends.into_iter().flatten().min();
    entries.retain(|row| end.is_none_or(|end| row.last <= end));
    documents.retain(|row| end.is_none_or(|end| row.last <= end));
    let Some(position) = entries.iter().map(|row| row.last).chain(documents.iter().map(|row| row.last)).max() else { return Ok(stream::iter(None)) };
    progress.set(Seen { position: Some(position), more: end.is_some(), projection: None });
    let entries: Vec<ChartEntry> = entries.into_iter().map(|row| row.row).collect();
    let documents: Vec<Document> = documents.into_iter().map(|row| row.row).collect();
    for entry in &entries {
        entry.disclosed(permitted);
    }
    for document in &documents {
        document.disclosed(permitted);
    }
    Ok(stream::iter(Some(ChartUpdates { position: Position(position), entries, documents })))
}

/// What has changed after a position and up to another, at most so many changes of it.
async fn changed_after<T>(permitted: Permitted<'_>, statement: &'static str, id: Uuid, after: i64, through: i64) -> Result<Vec<Changed<T>>, Failure>
where
    T: for<'row> FromRow<'row, PgRow> + Send + Unpin,
{
    let statement = sqlx::query_as(statement).bind(id).bind(after).bind(MOST_CHANGES).bind(through);
    Ok(statement.fetch_all(&mut *permitted.connection().await).await?)
}

/// The appointments that have changed in one place ($1) after a position ($2) and up to another ($4), at most so many changes of them ($3).
macro_rules! changed {
    ($changes:literal) => {
        concat!(
            "select a.*, c.last, c.changes from \
             (select appointment_id, max(position) as last, count(*) as changes from (select * from (",
            $changes,
            ") changes where position <= $4 order by position limit $3) page group by appointment_id) c \
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

/// The rows of a person ($1) in a table of charts that have changed after a position ($2) and up to another ($4), at most so many ($3).
macro_rules! changed_rows {
    ($table:literal) => {
        concat!(
            "select f.*, f.position as last, 1::bigint as changes from ",
            $table,
            " f where patient_id in (select record_id from patient_link where patient_id = $1) and position > $2 and position <= $4 order by position limit $3"
        )
    };
}

const OF_CHART: &str = changed_rows!("chart_fact");
const OF_DOCUMENTS: &str = changed_rows!("document");
