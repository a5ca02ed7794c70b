//! One appointment.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{NaiveDateTime, Utc};
use chrono_tz::Tz;
use domain::time::Interval;
use domain::{AppointmentId, FacilityId, PatientId, Permission, PractitionerId, RoomId};
use gate::OfPatient;
use sqlx::FromRow;
use uuid::Uuid;

use super::READ;
use crate::actions::{AppointmentAction, offered};
use crate::errors::Failure;
use crate::ids::global;
use crate::organizations::{Facility, Room};
use crate::paging::cost;
use crate::patients::{Patient, patient};
use crate::providers::Practitioner;
use crate::reads::{Loads, by_id, permitted};
use crate::scalars::{DateTime, LocalDateTime};
use crate::values::Masked;

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

/// The stored codes of some statuses.
pub(super) fn codes(status: &[AppointmentStatus]) -> Vec<&'static str> {
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
    fn type_name(&self) -> &'static str {
        "Appointment"
    }
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
            uuid: self.uuid,
            patient_id: self.patient_id,
            practitioner_id: self.practitioner_id,
            facility_id: self.facility_id,
            room_id: self.room_id,
            status: self.status,
            erased: self.erased,
            exception: self.exception,
            booked_at: self.booked_at,
            changed_at: self.changed_at,
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
