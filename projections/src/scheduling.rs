//! Appointments as they are now.

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::scheduling::{AppointmentStatus, Exception, Placement, SchedulingEvent};
use domain::time::Repeated;
use domain::value::Reason;
use domain::{AppointmentId, Event, EventType, PatientId, Phi};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::rows::{Row, Rows, insert};

/// The read model `scheduling`; its tables are in `scheduling.sql`.
pub(crate) struct Scheduling;

#[derive(Serialize, Deserialize)]
struct AppointmentRow {
    tenant: Uuid,
    appointment_id: Uuid,
    patient_id: Uuid,
    practitioner_id: Uuid,
    facility_id: Uuid,
    room_id: Option<Uuid>,
    status: AppointmentStatus,
    earlier_statuses: Vec<AppointmentStatus>,
    previous_status: Option<AppointmentStatus>,
    erased: bool,
    start_at: Option<DateTime<Utc>>,
    end_at: Option<DateTime<Utc>>,
    local_start: Option<NaiveDateTime>,
    zone: Option<String>,
    repeated: Option<Repeated>,
    minutes: Option<i64>,
    reason: Option<String>,
    exception: Option<String>,
    exception_reason: Option<String>,
    status_reason: Option<String>,
    booked_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    position: i64,
}

impl Row for AppointmentRow {
    const TABLE: &'static str = "appointment";
    const ID: &'static str = "appointment_id";
}

#[derive(Serialize)]
struct LeftRow {
    tenant: Uuid,
    patient_id: Uuid,
    appointment_id: Uuid,
    position: i64,
    practitioner_id: Uuid,
    facility_id: Uuid,
}

#[derive(Serialize, Deserialize)]
struct TakenRow {
    tenant: Uuid,
    appointment_id: Uuid,
    practitioner_id: Uuid,
    start_at: Option<DateTime<Utc>>,
    end_at: Option<DateTime<Utc>>,
}

impl Row for TakenRow {
    const TABLE: &'static str = "taken_time";
    const ID: &'static str = "appointment_id";
}

#[async_trait::async_trait]
impl Projection for Scheduling {
    fn name(&self) -> &'static str {
        "scheduling"
    }

    fn sql(&self) -> &'static str {
        include_str!("scheduling.sql")
    }

    fn types(&self) -> Vec<EventType> {
        SchedulingEvent::TYPES.to_vec()
    }

    /// Local times win when the rules of their zone change, so new rules come to other rows.
    fn edition(&self) -> &'static str {
        chrono_tz::IANA_TZDB_VERSION
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Scheduling(event) = &recorded.event { Some((recorded, event)) } else { None });
        let keys = own().map(|(recorded, event)| (recorded.tenant, appointment(event).0));
        let mut appointments = Rows::load(connection, keys).await?;
        let mut left = Vec::new();
        for (recorded, event) in own() {
            left.extend(leaves(&appointments, recorded, event));
            apply(&mut appointments, recorded, event)?;
        }
        appointments.save(connection).await?;
        insert(connection, "appointment_left", &left).await?;
        let mut taken = Rows::default();
        appointments.changed().for_each(|(key, row)| taken.put(*key, row.taken()));
        taken.save(connection).await
    }
}

fn appointment(event: &SchedulingEvent) -> AppointmentId {
    match event {
        SchedulingEvent::AppointmentBooked(event) => event.appointment,
        SchedulingEvent::AppointmentRescheduled(event) => event.appointment,
        SchedulingEvent::AppointmentCancelled(event) => event.appointment,
        SchedulingEvent::AppointmentCheckedIn(event) => event.appointment,
        SchedulingEvent::AppointmentFulfilled(event) => event.appointment,
        SchedulingEvent::AppointmentNoShow(event) => event.appointment,
        SchedulingEvent::AppointmentStatusReverted(event) => event.appointment,
    }
}

/// The place that a move gives up.
fn leaves(appointments: &Rows<AppointmentRow>, recorded: &Recorded, event: &SchedulingEvent) -> Option<LeftRow> {
    let SchedulingEvent::AppointmentRescheduled(event) = event else { return None };
    let row = appointments.get((recorded.tenant, event.appointment.0))?;
    let elsewhere = row.practitioner_id != event.to.practitioner.0 || row.facility_id != event.to.facility.0;
    elsewhere.then_some(LeftRow {
        tenant: row.tenant,
        patient_id: row.patient_id,
        appointment_id: row.appointment_id,
        position: recorded.position.0,
        practitioner_id: row.practitioner_id,
        facility_id: row.facility_id,
    })
}

fn apply(appointments: &mut Rows<AppointmentRow>, recorded: &Recorded, event: &SchedulingEvent) -> Result<(), ApplyError> {
    let key = (recorded.tenant, appointment(event).0);
    if let SchedulingEvent::AppointmentBooked(event) = event {
        let mut row = AppointmentRow::new(recorded, event.appointment, event.patient, &event.placement);
        row.reason = row.text(event.reason.as_ref());
        row.let_pass(event.exception.as_ref());
        return appointments.add(key, row);
    }
    let row = appointments.change(key)?;
    row.changed_at = recorded.recorded;
    row.position = recorded.position.0;
    match event {
        SchedulingEvent::AppointmentBooked(_) => {}
        SchedulingEvent::AppointmentRescheduled(event) => {
            row.place(&event.to);
            row.status_reason = row.text(event.reason.as_ref());
            row.let_pass(event.exception.as_ref());
        }
        SchedulingEvent::AppointmentCancelled(event) => {
            row.step(AppointmentStatus::Cancelled);
            row.status_reason = row.text(Some(&event.reason));
        }
        SchedulingEvent::AppointmentCheckedIn(_) => row.step(AppointmentStatus::CheckedIn),
        SchedulingEvent::AppointmentFulfilled(_) => row.step(AppointmentStatus::Fulfilled),
        SchedulingEvent::AppointmentNoShow(_) => row.step(AppointmentStatus::NoShow),
        SchedulingEvent::AppointmentStatusReverted(event) => {
            row.earlier_statuses.pop();
            row.previous_status = row.earlier_statuses.last().copied();
            row.status = event.to;
            row.status_reason = row.text(Some(&event.reason));
        }
    }
    Ok(())
}

impl AppointmentRow {
    fn new(recorded: &Recorded, appointment: AppointmentId, patient: PatientId, placement: &Placement) -> Self {
        let mut row = Self {
            tenant: recorded.tenant.0,
            appointment_id: appointment.0,
            patient_id: patient.0,
            practitioner_id: placement.practitioner.0,
            facility_id: placement.facility.0,
            room_id: None,
            status: AppointmentStatus::Booked,
            earlier_statuses: Vec::new(),
            previous_status: None,
            erased: false,
            start_at: None,
            end_at: None,
            local_start: None,
            zone: None,
            repeated: None,
            minutes: None,
            reason: None,
            exception: None,
            exception_reason: None,
            status_reason: None,
            booked_at: recorded.recorded,
            changed_at: recorded.recorded,
            position: recorded.position.0,
        };
        row.place(placement);
        row
    }

    fn place(&mut self, placement: &Placement) {
        self.practitioner_id = placement.practitioner.0;
        self.facility_id = placement.facility.0;
        self.room_id = placement.room.map(|room| room.0);
        let time = placement.time.known();
        let interval = placement.interval();
        self.erased |= time.is_none();
        self.start_at = interval.map(|interval| interval.start);
        self.end_at = interval.map(|interval| interval.end);
        self.local_start = time.map(|time| time.start);
        self.zone = time.map(|time| String::from(time.zone));
        self.repeated = time.and_then(|time| time.repeated);
        self.minutes = time.map(|time| time.minutes.get());
    }

    fn taken(&self) -> TakenRow {
        let interval = self.start_at.zip(self.end_at).filter(|_| self.status.is_active());
        TakenRow {
            tenant: self.tenant,
            appointment_id: self.appointment_id,
            practitioner_id: self.practitioner_id,
            start_at: interval.map(|(start, _)| start),
            end_at: interval.map(|(_, end)| end),
        }
    }

    fn step(&mut self, status: AppointmentStatus) {
        let before = std::mem::replace(&mut self.status, status);
        self.earlier_statuses.push(before);
        self.previous_status = Some(before);
    }

    fn let_pass(&mut self, exception: Option<&Exception>) {
        let (kind, reason) = match exception {
            None => (None, None),
            Some(Exception::Overbooked { reason }) => (Some("overbooked"), Some(reason)),
            Some(Exception::BackEntered { reason }) => (Some("back-entered"), Some(reason)),
        };
        self.exception = kind.map(str::to_owned);
        self.exception_reason = self.text(reason);
    }

    fn text(&mut self, reason: Option<&Phi<Reason>>) -> Option<String> {
        self.erased |= reason.is_some_and(|reason| reason.known().is_none());
        reason.and_then(|reason| reason.known()).map(|reason| reason.as_str().to_owned())
    }
}
