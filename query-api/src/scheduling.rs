//! Appointments, and what this caller may do with each.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{Days, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use domain::time::Interval;
use domain::{AppointmentId, FacilityId, InvalidValue, PatientId, Permission, PractitionerId, RoomId};
use gate::{MaskedRows, OfPatient};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::actions::{AppointmentAction, offered};
use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::{argument, global, optional};
use crate::organizations::{Facility, Room};
use crate::paging::{Page, cost, cost_at_root};
use crate::patients::{Patient, patient};
use crate::providers::Practitioner;
use crate::reads::{Loads, by_arguments, by_id, permitted};
use crate::scalars::{Date, DateTime, LocalDateTime};
use crate::values::Masked;

const READ: Permission = Permission::ReadAppointments;

/// The queries of this context.
#[derive(Default)]
pub struct SchedulingQueries;

#[Object]
impl SchedulingQueries {
    /// The appointments that match everything asked for, by their start.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn appointments(
        &self,
        context: &Context<'_>,
        filter: Option<AppointmentFilter>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Uuid, Appointment>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, READ)?;
        // That one was found by what is masked would tell it.
        let masked = if filter.is_some() { MaskedRows::LeftOut } else { MaskedRows::Kept };
        let filter = filter.unwrap_or_default();
        let appointments = |page| {
            let statement = filter.statement(&page);
            async move { Ok(statement?.build_query_as().fetch_all(&mut *permitted.connection().await).await?) }
        };
        Ok(permitted.show_page(page, masked, Appointment::key, appointments).await?)
    }

    /// One appointment; null when there is none that you may see.
    async fn appointment(&self, context: &Context<'_>, id: ID) -> Result<Option<Appointment>> {
        Ok(appointment(context, argument("id", &id)?).await?)
    }
}

/// One appointment, and the note that it is shown.
pub async fn appointment(context: &Context<'_>, id: AppointmentId) -> Result<Option<Appointment>, Failure> {
    let permitted = permitted(context, READ)?;
    permitted.show_one(permitted.load(id).await?).await
}

/// What appointments are found by; everything given must match.
#[derive(Default, InputObject)]
pub struct AppointmentFilter {
    /// The local date at each appointment's own facility; also finds what goes on over midnight.
    day: Option<Date>,
    /// Only what is not over at this moment.
    from: Option<DateTime>,
    /// Only what starts before this moment.
    to: Option<DateTime>,
    /// With whom.
    practitioner: Option<ID>,
    /// Where.
    facility: Option<ID>,
    /// In which room.
    room: Option<ID>,
    /// In any of these statuses.
    status: Option<Vec<AppointmentStatus>>,
}

impl AppointmentFilter {
    fn statement(&self, page: &Page<Uuid>) -> Result<QueryBuilder<Postgres>, Failure> {
        let period = Period::of(self.from, self.to)?;
        let practitioner: Option<PractitionerId> = optional("practitioner", self.practitioner.as_ref())?;
        let facility: Option<FacilityId> = optional("facility", self.facility.as_ref())?;
        let room: Option<RoomId> = optional("room", self.room.as_ref())?;
        let mut statement = QueryBuilder::new("select a.* from appointment a where a.start_at is not null");
        if let Some(Date(day)) = self.day {
            let midnight = |days: u64| day.checked_add_days(Days::new(days)).map(|day| day.and_time(NaiveTime::MIN));
            let (Some(start), Some(end)) = (midnight(0), midnight(1)) else { return Err(Failure::Argument("day", InvalidValue("be an ordinary date"))) };
            statement.push(" and a.local_start < ").push_bind(end);
            statement.push(" and a.end_at at time zone a.zone > ").push_bind(start);
            // No zone is more than a day from UTC, and no appointment is longer than a day: so that the index on the start bounds what is looked at.
            statement.push(" and a.start_at > ").push_bind((start - chrono::Duration::days(2)).and_utc());
            statement.push(" and a.start_at < ").push_bind((end + chrono::Duration::days(1)).and_utc());
        }
        if let Some(from) = period.from {
            statement.push(" and a.end_at > ").push_bind(from);
        }
        if let Some(to) = period.to {
            statement.push(" and a.start_at < ").push_bind(to);
        }
        for (column, id) in [("practitioner_id", practitioner.map(|id| id.0)), ("facility_id", facility.map(|id| id.0)), ("room_id", room.map(|id| id.0))] {
            if let Some(id) = id {
                statement.push(format_args!(" and a.{column} = ")).push_bind(id);
            }
        }
        if let Some(status) = &self.status {
            statement.push(" and a.status = any(").push_bind(codes(status)).push(")");
        }
        if let Some(after) = page.after {
            statement.push(" and (a.start_at, a.appointment_id) > (select start_at, appointment_id from appointment where appointment_id = ");
            statement.push_bind(after).push(")");
        }
        statement.push(" order by a.start_at, a.appointment_id limit ").push_bind(page.limit());
        Ok(statement)
    }
}

/// A half-open stretch of time that may lack a bound.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Period {
    /// The first moment.
    pub from: Option<chrono::DateTime<Utc>>,
    /// The first moment after.
    pub to: Option<chrono::DateTime<Utc>>,
}

impl Period {
    /// The arguments `from` and `to`.
    pub fn of(from: Option<DateTime>, to: Option<DateTime>) -> Result<Self, Failure> {
        let (from, to) = (from.map(|time| time.0.to_utc()), to.map(|time| time.0.to_utc()));
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            Err(Failure::Argument("to", InvalidValue("be later than `from`")))
        } else {
            Ok(Self { from, to })
        }
    }
}

/// FHIR `appointmentstatus`, as far as Carelog uses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Enum)]
pub enum AppointmentStatus {
    /// It will take place.
    Booked,
    /// The patient is there.
    CheckedIn,
    /// It took place.
    Fulfilled,
    /// It will not take place.
    Cancelled,
    /// The patient did not come.
    NoShow,
}

impl AppointmentStatus {
    const ALL: [(Self, domain::scheduling::AppointmentStatus); 5] = {
        use domain::scheduling::AppointmentStatus as Status;
        [
            (Self::Booked, Status::Booked),
            (Self::CheckedIn, Status::CheckedIn),
            (Self::Fulfilled, Status::Fulfilled),
            (Self::Cancelled, Status::Cancelled),
            (Self::NoShow, Status::NoShow),
        ]
    };
}

fn codes(status: &[AppointmentStatus]) -> Vec<&'static str> {
    AppointmentStatus::ALL.into_iter().filter(|(known, _)| status.contains(known)).map(|(_, status)| status.code()).collect()
}

/// What was let pass for an appointment, by explicit permission.
#[derive(Clone, SimpleObject)]
pub struct AppointmentException {
    /// What it was.
    kind: AppointmentExceptionKind,
    /// Why; null once erased.
    reason: Option<String>,
}

/// What can be let pass.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum AppointmentExceptionKind {
    /// Over another appointment, or outside of availability.
    Overbooked,
    /// After the fact: a walk-in, a downtime slip.
    BackEntered,
}

/// A patient's appointment with a practitioner (FHIR `Appointment`).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Appointment {
    /// The id as commands have it.
    #[sqlx(rename = "appointment_id")]
    uuid: Uuid,
    #[graphql(skip)]
    patient_id: Uuid,
    #[graphql(skip)]
    practitioner_id: Uuid,
    #[graphql(skip)]
    facility_id: Uuid,
    #[graphql(skip)]
    room_id: Option<Uuid>,
    #[graphql(skip)]
    status: String,
    /// Whether the time and the texts are gone for good.
    erased: bool,
    #[graphql(skip)]
    start_at: Option<chrono::DateTime<Utc>>,
    #[graphql(skip)]
    end_at: Option<chrono::DateTime<Utc>>,
    #[graphql(skip)]
    local_start: Option<NaiveDateTime>,
    /// The IANA zone of the facility.
    zone: Option<String>,
    /// How long it takes.
    minutes: Option<i32>,
    /// What for, in a person's words.
    reason: Option<String>,
    #[graphql(skip)]
    exception: Option<String>,
    #[graphql(skip)]
    exception_reason: Option<String>,
    /// Why it was last moved, cancelled or corrected.
    status_reason: Option<String>,
    #[graphql(skip)]
    booked_at: chrono::DateTime<Utc>,
    #[graphql(skip)]
    changed_at: chrono::DateTime<Utc>,
    /// Why the time and the texts are not shown, where they are not.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

impl OfPatient for Appointment {
    fn permission(&self) -> Permission {
        READ
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn facility(&self) -> Option<FacilityId> {
        Some(FacilityId(self.facility_id))
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            start_at: None,
            end_at: None,
            local_start: None,
            zone: None,
            minutes: None,
            reason: None,
            exception_reason: None,
            status_reason: None,
            masked: Some(why.into()),
            ..self
        }
    }
}

impl Appointment {
    /// What a cursor names.
    pub fn key(&self) -> Uuid {
        self.uuid
    }

    fn at_its_place(&self, time: Option<chrono::DateTime<Utc>>) -> Option<DateTime> {
        let zone: Tz = self.zone.as_deref()?.parse().ok()?;
        time.map(|time| DateTime(time.with_timezone(&zone).fixed_offset()))
    }

    fn domain_status(code: &str) -> Result<domain::scheduling::AppointmentStatus, Failure> {
        Ok(serde_json::from_value(code.into())?)
    }
}

#[ComplexObject]
impl Appointment {
    /// The global id.
    pub async fn id(&self) -> ID {
        global(AppointmentId(self.uuid))
    }

    /// How far it has come.
    async fn status(&self) -> Result<AppointmentStatus> {
        let status = Self::domain_status(&self.status)?;
        let known = AppointmentStatus::ALL.into_iter().find(|(_, known)| *known == status);
        Ok(known.map(|(status, _)| status).ok_or(Failure::Internal)?)
    }

    /// When it starts, with the facility's offset from UTC.
    async fn start(&self) -> Option<DateTime> {
        self.at_its_place(self.start_at)
    }

    /// The first moment after it.
    async fn end(&self) -> Option<DateTime> {
        self.at_its_place(self.end_at)
    }

    /// The date and time on the facility's clocks, as it was agreed on: this is what counts when the rules of the zone change.
    async fn local_start(&self) -> Option<LocalDateTime> {
        self.local_start.map(LocalDateTime)
    }

    /// Who comes.
    async fn patient(&self, context: &Context<'_>) -> Result<Option<Patient>> {
        Ok(patient(context, PatientId(self.patient_id)).await?)
    }

    /// With whom.
    async fn practitioner(&self, context: &Context<'_>) -> Result<Option<Practitioner>> {
        Ok(permitted(context, Permission::ReadPractitioners)?.load(PractitionerId(self.practitioner_id)).await?)
    }

    /// Where.
    async fn facility(&self, context: &Context<'_>) -> Result<Option<Facility>> {
        Ok(permitted(context, Permission::ReadOrganizations)?.load(FacilityId(self.facility_id)).await?)
    }

    /// In which room, if it matters.
    async fn room(&self, context: &Context<'_>) -> Result<Option<Room>> {
        let Some(room) = self.room_id else { return Ok(None) };
        Ok(permitted(context, Permission::ReadOrganizations)?.load(RoomId(room)).await?)
    }

    /// What was let pass for it.
    async fn exception(&self) -> Option<AppointmentException> {
        let kind = match self.exception.as_deref()? {
            "overbooked" => AppointmentExceptionKind::Overbooked,
            _ => AppointmentExceptionKind::BackEntered,
        };
        Some(AppointmentException { kind, reason: self.exception_reason.clone() })
    }

    /// What can be done with it, which of that you may do now, and why not the rest. None once it was erased.
    #[graphql(complexity = "cost(Some(6), child_complexity)")]
    async fn actions(&self, context: &Context<'_>) -> Result<Vec<AppointmentAction>> {
        let permitted = permitted(context, READ)?;
        let Some((start, end)) = self.start_at.zip(self.end_at) else { return Ok(Vec::new()) };
        let status = Self::domain_status(&self.status)?;
        Ok(offered(permitted, PatientId(self.patient_id), status, Interval { start, end }).await?)
    }

    /// When it was booked.
    async fn booked_at(&self) -> DateTime {
        self.booked_at.into()
    }

    /// When it last changed.
    async fn changed_at(&self) -> DateTime {
        self.changed_at.into()
    }
}

impl Loader<AppointmentId> for Loads {
    type Value = Appointment;
    type Error = Failure;
    async fn load(&self, ids: &[AppointmentId]) -> Result<HashMap<AppointmentId, Appointment>, Failure> {
        let found: Vec<Appointment> = self.rows("select * from appointment where appointment_id = any($1)", ids).await?;
        Ok(by_id(found, |appointment| AppointmentId(appointment.uuid)))
    }
}

/// Whose appointments are meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// A patient's, under any record of theirs.
    Patient(Uuid),
    /// A practitioner's.
    Practitioner(Uuid),
}

/// A page of somebody's appointments. Those that were erased come last.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AppointmentsOf {
    /// Whose.
    pub whose: Whose,
    /// When.
    pub period: Period,
    /// In any of these statuses.
    pub status: Option<Vec<AppointmentStatus>>,
    /// The page.
    pub page: Page<Uuid>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    appointment: Appointment,
}

impl Loader<AppointmentsOf> for Loads {
    type Value = Vec<Appointment>;
    type Error = Failure;
    async fn load(&self, keys: &[AppointmentsOf]) -> Result<HashMap<AppointmentsOf, Vec<Appointment>>, Failure> {
        let mut found: HashMap<AppointmentsOf, Vec<Appointment>> = HashMap::new();
        for ((patients, arguments), whose) in by_arguments(keys.iter().map(|key| {
            let (patient, of) = match key.whose {
                Whose::Patient(of) => (true, of),
                Whose::Practitioner(of) => (false, of),
            };
            (of, (patient, (key.period, key.status.clone(), key.page)))
        })) {
            let (period, status, page) = arguments;
            let rows: Vec<Row> = sqlx::query_as(if patients { OF_PATIENTS } else { OF_PRACTITIONERS })
                .bind(whose)
                .bind(period.from)
                .bind(period.to)
                .bind(status.as_deref().map(codes))
                .bind(page.after)
                .bind(page.limit())
                .fetch_all(&mut *self.connection().await)
                .await?;
            for row in rows {
                let whose = if patients { Whose::Patient(row.of) } else { Whose::Practitioner(row.of) };
                let key = AppointmentsOf { whose, period, status: status.clone(), page };
                found.entry(key).or_default().push(row.appointment);
            }
        }
        Ok(found)
    }
}

macro_rules! appointments_of {
    ($whose:literal) => {
        concat!(
            "select parent.id as of, a.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
             select *, coalesce(start_at, 'infinity') as sort_at from appointment where ",
            $whose,
            " and ($2::timestamptz is null or end_at > $2) and ($3::timestamptz is null or start_at < $3) and ($4::text[] is null or status = any($4)) \
             and ($5::uuid is null or (coalesce(start_at, 'infinity'), appointment_id) > \
             (select coalesce(start_at, 'infinity'), appointment_id from appointment where appointment_id = $5)) \
             order by sort_at, appointment_id limit $6) a order by a.sort_at, a.appointment_id"
        )
    };
}

const OF_PATIENTS: &str = appointments_of!("patient_id in (select record_id from patient_link where patient_id = parent.id)");
const OF_PRACTITIONERS: &str = appointments_of!("practitioner_id = parent.id");
