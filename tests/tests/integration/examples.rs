//! Events to append, and what a test expects of them.

use chrono::NaiveDate;
use domain::access::Authority;
use domain::fhir_values::{Code, HumanName, Identifier};
use domain::patients::{Contact, Demographics, PatientRegistered};
use domain::scheduling::{AppointmentBooked, Placement};
use domain::time::{IntendedTime, Zone};
use domain::{AppointmentId, Event, FacilityId, Named, PatientId, Phi, PractitionerId, Query, Subject, Tag};
use event_store::{Append, CommandKey, Position, fresh_id};
use serde_json::json;
use uuid::Uuid;

use crate::harness::TestLog;

/// A patient with a name and a medical record number.
pub fn registered(patient: PatientId, family: &str, number: &str) -> Event {
    let identifier =
        Identifier { system: "urn:clinic:mrn".try_into().unwrap(), value: number.try_into().unwrap(), r#type: Some(Code::try_from("MR").unwrap()) };
    let name: HumanName = serde_json::from_value(json!({ "family": family, "given": ["Ada"] })).unwrap();
    PatientRegistered {
        patient,
        identifiers: Phi::Known(vec![identifier]),
        demographics: Phi::Known(Demographics { name: vec![name], ..Demographics::default() }),
        contact: Phi::Known(Contact::default()),
        known_identifier_accepted: None,
    }
    .into()
}

/// An appointment of half an hour in Chicago, at a local time such as `2027-01-05T09:00:00`.
pub fn booked(patient: PatientId, practitioner: PractitionerId, start: &str) -> Event {
    let time = IntendedTime { start: start.parse().unwrap(), zone: Zone(chrono_tz::America::Chicago), repeated: None, minutes: 30.try_into().unwrap() };
    let placement = Placement { practitioner, facility: FacilityId(fresh_id()), room: None, time: Phi::Known(time) };
    AppointmentBooked { appointment: AppointmentId(fresh_id()), patient, placement, reason: Some(Phi::Known("cough".try_into().unwrap())), exception: None }
        .into()
}

/// The bookings of a practitioner's day.
pub fn bookings_of(practitioner: PractitionerId, day: &str) -> Query {
    let day: NaiveDate = day.parse().unwrap();
    Query::new().and(&[AppointmentBooked::TYPE], Tag::practitioner(practitioner).on(day))
}

/// The registration of a patient.
pub fn registration_of(patient: PatientId) -> Query {
    Query::new().and(&[PatientRegistered::TYPE], Tag::patient(patient))
}

pub fn patient() -> PatientId {
    PatientId(fresh_id())
}

pub fn practitioner() -> PractitionerId {
    PractitionerId(fresh_id())
}

impl TestLog {
    /// An append of these events, under no condition and a fresh command id. Its body is empty.
    pub async fn append(&self, events: Vec<Event>) -> Append {
        self.append_as(fresh_id(), b"{}", events).await
    }

    /// An append by the command of this id with this body.
    pub async fn append_as(&self, command: Uuid, body: &[u8], events: Vec<Event>) -> Append {
        Append {
            tenant: self.tenant,
            actor: self.actor.clone(),
            authority: Authority::Installation,
            command: self.command(command, body).await,
            correlation: fresh_id(),
            causation: None,
            events,
            boundary: Query::new(),
            read_at: Position(0),
            answer: json!({ "answer": command }),
        }
    }

    /// A command about the tenant's own facility.
    pub async fn command(&self, id: Uuid, body: &[u8]) -> CommandKey {
        let subject = Subject::Facility(FacilityId(self.tenant.0));
        CommandKey { id, name: "test.command".to_owned(), digest: self.vault.digest(self.tenant, subject, body).await.unwrap() }
    }

    /// Registers a patient, and says where that is in the log.
    pub async fn register(&self, patient: PatientId) -> Position {
        self.store.append(self.append(vec![registered(patient, "Lovelace", &patient.to_string())]).await).await.unwrap().position
    }
}
