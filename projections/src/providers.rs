//! Practitioners as they are now, and the events that their calendars are folded from.

use chrono::{Days, NaiveDate};
use domain::fhir_values::{AdministrativeGender, HumanName};
use domain::providers::{PractitionerOnboarded, ProvidersEvent, QualificationAdded, RoleAssigned};
use domain::{Event, EventType, FacilityId, PractitionerId, Subject};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, to_value};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::names::directory_key;
use crate::projection::{ApplyError, Projection};
use crate::rows::{Row, Rows, insert};

/// The read model `providers`; its tables are in `providers.sql`.
pub(crate) struct Providers;

#[derive(Serialize, Deserialize)]
struct PractitionerRow {
    tenant: Uuid,
    practitioner_id: Uuid,
    retired_from: Option<NaiveDate>,
    erased: bool,
    name: Value,
    display_name: Option<String>,
    name_key: String,
    gender: Option<AdministrativeGender>,
    identifiers: Value,
    telecom: Value,
    address: Value,
    position: i64,
}

impl Row for PractitionerRow {
    const TABLE: &'static str = "practitioner";
    const ID: &'static str = "practitioner_id";
}

#[derive(Serialize)]
struct QualificationRow {
    tenant: Uuid,
    practitioner_id: Uuid,
    position: i64,
    code: Value,
    issuer: Option<String>,
    valid_from: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
}

#[derive(Serialize, Deserialize)]
struct RoleRow {
    tenant: Uuid,
    role_id: Uuid,
    practitioner_id: Uuid,
    organization_id: Uuid,
    facilities: Vec<Uuid>,
    code: Value,
    specialty: Value,
    telecom: Value,
    position: i64,
}

impl Row for RoleRow {
    const TABLE: &'static str = "practitioner_role";
    const ID: &'static str = "role_id";
}

#[derive(Serialize)]
struct CalendarRow {
    tenant: Uuid,
    practitioner_id: Uuid,
    position: i64,
    event_type: String,
    version: u16,
    payload: Value,
    reason: Option<String>,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
}

/// What one batch comes to.
struct Batch {
    practitioners: Rows<PractitionerRow>,
    qualifications: Vec<QualificationRow>,
    roles: Rows<RoleRow>,
    calendar: Vec<CalendarRow>,
    places: Vec<(Uuid, Uuid, Uuid, i64)>,
}

#[async_trait::async_trait]
impl Projection for Providers {
    fn name(&self) -> &'static str {
        "providers"
    }

    fn sql(&self) -> &'static str {
        include_str!("providers.sql")
    }

    fn types(&self) -> Vec<EventType> {
        ProvidersEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Providers(event) = &recorded.event { Some((recorded, event)) } else { None });
        let practitioners = own().filter_map(|(recorded, _)| practitioner(recorded).map(|practitioner| (recorded.tenant, practitioner.0)));
        let mut batch = Batch {
            practitioners: Rows::load(connection, practitioners).await?,
            qualifications: Vec::new(),
            roles: Rows::default(),
            calendar: Vec::new(),
            places: Vec::new(),
        };
        for (recorded, event) in own() {
            batch.apply(recorded, event)?;
        }
        batch.practitioners.save(connection).await?;
        insert(connection, "practitioner_qualification", &batch.qualifications).await?;
        batch.roles.save(connection).await?;
        insert(connection, "calendar_event", &batch.calendar).await?;
        batch.save_places(connection).await
    }
}

/// Every event of this context is about one practitioner, who is its subject.
fn practitioner(recorded: &Recorded) -> Option<PractitionerId> {
    match recorded.event.subject() {
        Subject::Practitioner(practitioner) => Some(practitioner),
        _ => None,
    }
}

impl Batch {
    fn apply(&mut self, recorded: &Recorded, event: &ProvidersEvent) -> Result<(), ApplyError> {
        let Some(practitioner) = practitioner(recorded) else { return Ok(()) };
        let key = (recorded.tenant, practitioner.0);
        if let ProvidersEvent::PractitionerOnboarded(event) = event {
            return self.practitioners.add(key, onboarded(recorded, event)?);
        }
        self.practitioners.change(key)?.position = recorded.position.0;
        match event {
            ProvidersEvent::PractitionerOnboarded(_) => {}
            ProvidersEvent::QualificationAdded(event) => self.qualifications.push(qualification(recorded, event)?),
            ProvidersEvent::RoleAssigned(event) => {
                self.roles.put((recorded.tenant, event.role.0), role(recorded, event)?);
                event.facilities.iter().for_each(|facility| self.works_at(recorded, practitioner, *facility));
            }
            ProvidersEvent::AvailabilitySet(event) => {
                self.works_at(recorded, practitioner, event.facility);
                self.calendar.push(calendar_row(recorded, practitioner, None, None)?);
            }
            ProvidersEvent::AvailabilityExceptionSet(event) => {
                self.works_at(recorded, practitioner, event.facility);
                self.calendar.push(calendar_row(recorded, practitioner, None, utc_days(&[event.date]))?);
            }
            ProvidersEvent::TimeBlocked(event) => {
                let reason = event.reason.as_ref().and_then(|reason| reason.known()).map(|reason| reason.as_str().to_owned());
                self.calendar.push(calendar_row(recorded, practitioner, reason, utc_days(&event.time.days()))?);
            }
            ProvidersEvent::TimeUnblocked(event) => {
                self.calendar.push(calendar_row(recorded, practitioner, None, utc_days(&event.time.days()))?);
            }
            ProvidersEvent::PractitionerRetired(event) => {
                self.practitioners.change(key)?.retired_from = Some(event.from);
                let reason = event.reason.as_ref().and_then(|reason| reason.known()).map(|reason| reason.as_str().to_owned());
                self.calendar.push(calendar_row(recorded, practitioner, reason, None)?);
            }
        }
        Ok(())
    }

    fn works_at(&mut self, recorded: &Recorded, practitioner: PractitionerId, facility: FacilityId) {
        self.places.push((recorded.tenant.0, practitioner.0, facility.0, recorded.position.0));
    }

    /// The position stays that of the first event that said so.
    async fn save_places(&self, connection: &mut PgConnection) -> Result<(), ApplyError> {
        if self.places.is_empty() {
            return Ok(());
        }
        let tenants: Vec<Uuid> = self.places.iter().map(|place| place.0).collect();
        let practitioners: Vec<Uuid> = self.places.iter().map(|place| place.1).collect();
        let facilities: Vec<Uuid> = self.places.iter().map(|place| place.2).collect();
        let positions: Vec<i64> = self.places.iter().map(|place| place.3).collect();
        let statement = "insert into practitioner_facility (tenant, practitioner_id, facility_id, position) \
             select tenant, practitioner, facility, min(position) \
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) as new (tenant, practitioner, facility, position) \
             group by tenant, practitioner, facility on conflict do nothing";
        sqlx::query(statement).bind(tenants).bind(practitioners).bind(facilities).bind(positions).execute(connection).await?;
        Ok(())
    }
}

fn onboarded(recorded: &Recorded, event: &PractitionerOnboarded) -> Result<PractitionerRow, ApplyError> {
    let names = event.name.known().map(Vec::as_slice).unwrap_or_default();
    let list = |known: Option<Value>| known.unwrap_or_else(|| json!([]));
    Ok(PractitionerRow {
        tenant: recorded.tenant.0,
        practitioner_id: event.practitioner.0,
        retired_from: None,
        erased: event.name.known().is_none(),
        name: to_value(names)?,
        display_name: names.first().map(HumanName::display),
        name_key: directory_key(names),
        gender: event.gender.as_ref().and_then(|gender| gender.known()).copied(),
        identifiers: list(event.identifiers.known().map(to_value).transpose()?),
        telecom: list(event.telecom.known().map(to_value).transpose()?),
        address: list(event.address.known().map(to_value).transpose()?),
        position: recorded.position.0,
    })
}

fn qualification(recorded: &Recorded, event: &QualificationAdded) -> Result<QualificationRow, ApplyError> {
    Ok(QualificationRow {
        tenant: recorded.tenant.0,
        practitioner_id: event.practitioner.0,
        position: recorded.position.0,
        code: to_value(&event.code)?,
        issuer: event.issuer.as_ref().map(|issuer| issuer.as_str().to_owned()),
        valid_from: event.valid_from,
        valid_until: event.valid_until,
    })
}

fn role(recorded: &Recorded, event: &RoleAssigned) -> Result<RoleRow, ApplyError> {
    Ok(RoleRow {
        tenant: recorded.tenant.0,
        role_id: event.role.0,
        practitioner_id: event.practitioner.0,
        organization_id: event.organization.0,
        facilities: event.facilities.iter().map(|facility| facility.0).collect(),
        code: to_value(&event.code)?,
        specialty: to_value(&event.specialty)?,
        telecom: event.telecom.known().map(to_value).transpose()?.unwrap_or_else(|| json!([])),
        position: recorded.position.0,
    })
}

/// The first and the last UTC day that local days can touch: those before and after them too, depending on the zone.
fn utc_days(local: &[NaiveDate]) -> Option<(NaiveDate, NaiveDate)> {
    local.first()?.checked_sub_days(Days::new(1)).zip(local.last()?.checked_add_days(Days::new(1)))
}

/// The event as [`crate::calendar`] reads it again: its clear half, so that a reason does not travel with the hours.
fn calendar_row(
    recorded: &Recorded,
    practitioner: PractitionerId,
    reason: Option<String>,
    days: Option<(NaiveDate, NaiveDate)>,
) -> Result<CalendarRow, ApplyError> {
    let event_type = recorded.event.event_type();
    Ok(CalendarRow {
        tenant: recorded.tenant.0,
        practitioner_id: practitioner.0,
        position: recorded.position.0,
        event_type: event_type.to_string(),
        version: event_type.version,
        payload: recorded.event.split()?.0,
        reason,
        first_day: days.map(|days| days.0),
        last_day: days.map(|days| days.1),
    })
}
