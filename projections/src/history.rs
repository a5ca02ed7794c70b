//! A patient's events, each as a sentence with its details.

mod consents;
mod disclosures;
mod documents;
mod emergency;
mod patients;
mod records;
mod scheduling;
mod words;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use domain::fhir_values::HumanName;
use domain::identity::IdentityEvent;
use domain::organizations::{FacilityOpened, OrganizationsEvent, RoomAdded};
use domain::providers::{PractitionerOnboarded, ProvidersEvent};
use domain::{Event, EventType, Label, Named, PatientId, TenantId};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::{Value, to_value};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::rows::{Key, Row, Rows, insert};
use words::Detail;

/// The read model `history`; its tables are in `history.sql`.
pub(crate) struct History;

/// An event as one of the patients that it concerns reads it.
struct Entry {
    patient: PatientId,
    summary: String,
    details: Vec<Detail>,
}

#[derive(Serialize)]
struct EntryRow {
    tenant: Uuid,
    patient_id: Uuid,
    position: i64,
    event_id: Uuid,
    event_type: String,
    occurred: Option<DateTime<Utc>>,
    recorded: DateTime<Utc>,
    actor_user: Uuid,
    actor_role: String,
    summary: String,
    details: Value,
    about: Option<Uuid>,
    place: Option<Uuid>,
    security: Vec<Label>,
}

#[derive(Serialize, Deserialize)]
struct NameRow {
    tenant: Uuid,
    id: Uuid,
    name: String,
}

impl Row for NameRow {
    const TABLE: &'static str = "history_name";
    const ID: &'static str = "id";
}

/// What practitioners, facilities and rooms of one tenant are called.
struct Names<'batch> {
    tenant: TenantId,
    rows: &'batch Rows<NameRow>,
}

impl Names<'_> {
    fn of(&self, id: Uuid) -> String {
        self.rows.get((self.tenant, id)).map_or_else(|| id.to_string(), |row| row.name.clone())
    }
}

#[async_trait::async_trait]
impl Projection for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn sql(&self) -> &'static str {
        include_str!("history.sql")
    }

    fn types(&self) -> Vec<EventType> {
        // Every context but those of which nothing but names is told, so that a new one is told of as soon as `entries` has its arm.
        let named = [FacilityOpened::TYPE, RoomAdded::TYPE, PractitionerOnboarded::TYPE];
        let of_nobody = [OrganizationsEvent::TYPES, ProvidersEvent::TYPES, IdentityEvent::TYPES].concat();
        Event::types().into_iter().filter(|event_type| named.contains(event_type) || !of_nobody.contains(event_type)).collect()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let mut names = Rows::load(connection, events.iter().flat_map(mentions)).await?;
        let mut rows = Vec::new();
        for recorded in events {
            if let Some((id, name)) = introduces(&recorded.event) {
                names.put((recorded.tenant, id), NameRow { tenant: recorded.tenant.0, id, name });
            }
            for entry in entries(&recorded.event, &Names { tenant: recorded.tenant, rows: &names }) {
                rows.push(row(recorded, entry)?);
            }
        }
        names.save(connection).await?;
        insert(connection, "history_entry", &rows).await
    }
}

/// What every event says about patients.
fn entries(event: &Event, names: &Names) -> Vec<Entry> {
    match event {
        Event::Patients(event) => patients::entries(event),
        Event::Scheduling(event) => vec![scheduling::entry(event, names)],
        Event::Records(event) => vec![records::entry(&event.change())],
        Event::Documents(event) => vec![documents::entry(event)],
        Event::Consents(event) => vec![consents::entry(event)],
        Event::Emergency(event) => vec![emergency::entry(event)],
        Event::Disclosures(event) => vec![disclosures::entry(event)],
        // About those who act, and in a log of its own.
        Event::Identity(_) | Event::Access(_) => Vec::new(),
        Event::Organizations(event) => match event {
            OrganizationsEvent::OrganizationRegistered(_) | OrganizationsEvent::FacilityOpened(_) | OrganizationsEvent::RoomAdded(_) => Vec::new(),
        },
        Event::Providers(event) => match event {
            ProvidersEvent::PractitionerOnboarded(_)
            | ProvidersEvent::QualificationAdded(_)
            | ProvidersEvent::RoleAssigned(_)
            | ProvidersEvent::AvailabilitySet(_)
            | ProvidersEvent::AvailabilityExceptionSet(_)
            | ProvidersEvent::TimeBlocked(_)
            | ProvidersEvent::TimeUnblocked(_)
            | ProvidersEvent::PractitionerRetired(_) => Vec::new(),
        },
    }
}

/// The name that an event gives to somebody or something.
fn introduces(event: &Event) -> Option<(Uuid, String)> {
    match event {
        Event::Organizations(OrganizationsEvent::FacilityOpened(event)) => Some((event.facility.0, event.name.as_str().to_owned())),
        Event::Organizations(OrganizationsEvent::RoomAdded(event)) => Some((event.room.0, event.name.as_str().to_owned())),
        Event::Providers(ProvidersEvent::PractitionerOnboarded(event)) => {
            let names = event.name.known()?;
            names.first().map(|name: &HumanName| (event.practitioner.0, name.display()))
        }
        _ => None,
    }
}

/// Whose names the sentences about an event mention.
fn mentions(recorded: &Recorded) -> HashSet<Key> {
    let Event::Scheduling(event) = &recorded.event else { return HashSet::new() };
    let placements = scheduling::placements(event);
    let ids = placements.into_iter().flat_map(|placement| [Some(placement.practitioner.0), Some(placement.facility.0), placement.room.map(|room| room.0)]);
    ids.flatten().map(|id| (recorded.tenant, id)).collect()
}

fn row(recorded: &Recorded, entry: Entry) -> Result<EntryRow, ApplyError> {
    Ok(EntryRow {
        tenant: recorded.tenant.0,
        patient_id: entry.patient.0,
        position: recorded.position.0,
        event_id: recorded.event_id,
        event_type: recorded.event.event_type().to_string(),
        occurred: recorded.occurred.known().copied(),
        recorded: recorded.recorded,
        actor_user: recorded.actor.user.0,
        actor_role: recorded.actor.role.clone(),
        summary: entry.summary,
        details: to_value(entry.details)?,
        about: match &recorded.event {
            Event::Records(event) => Some(event.change().fact.0),
            Event::Documents(event) => Some(event.about().1.0),
            _ => None,
        },
        place: match &recorded.event {
            Event::Scheduling(event) => scheduling::placements(event).first().map(|placement| placement.facility.0),
            _ => None,
        },
        security: recorded.event.labels().into_iter().filter(|label| *label != Label::Normal).collect(),
    })
}
