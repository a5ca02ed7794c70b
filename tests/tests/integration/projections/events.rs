//! A clinic's events, from the clear values that a person would write.

use domain::organizations::{FacilityOpened, OrganizationRegistered, RoomAdded};
use domain::patients::PatientRegistered;
use domain::providers::{AvailabilitySet, PractitionerOnboarded, RoleAssigned};
use domain::scheduling::{AppointmentBooked, AppointmentCheckedIn};
use domain::{Event, EventData};
use event_store::fresh_id;
use serde_json::{Value, json};
use uuid::Uuid;

/// An event from its clear values.
pub fn event<T: EventData + Into<Event>>(clear: Value) -> Event {
    serde_json::from_value::<T>(clear).expect("the values are an event's").into()
}

/// A clinic in Chicago with one practitioner.
#[derive(Clone, Copy)]
pub struct Clinic {
    pub organization: Uuid,
    pub facility: Uuid,
    pub room: Uuid,
    pub practitioner: Uuid,
}

impl Clinic {
    pub fn new() -> Self {
        Self { organization: fresh_id(), facility: fresh_id(), room: fresh_id(), practitioner: fresh_id() }
    }

    /// It is founded.
    pub fn opened(&self) -> Vec<Event> {
        let Self { organization, facility, room, practitioner } = self;
        let hours = json!({ "start": "08:00:00", "end": "17:00:00" });
        vec![
            event::<OrganizationRegistered>(json!({ "organization": organization, "name": "Élan Health", "partOf": null, "type": [], "identifiers": [],
                "telecom": [], "address": [] })),
            event::<FacilityOpened>(json!({ "facility": facility, "organization": organization, "name": "Main", "timeZone": "America/Chicago",
                "identifiers": [], "telecom": [], "address": { "line": ["1 Main St"], "city": "Chicago" } })),
            event::<RoomAdded>(json!({ "room": room, "facility": facility, "name": "Room 1" })),
            event::<PractitionerOnboarded>(json!({ "practitioner": practitioner, "name": [{ "prefix": ["Dr."], "given": ["Zoë"], "family": "O'Brien" }],
                "gender": "female", "identifiers": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }], "telecom": [], "address": [],
                "unverifiedNpiAccepted": null })),
            event::<RoleAssigned>(json!({ "practitioner": practitioner, "role": fresh_id(), "organization": organization, "facilities": [facility],
                "code": [], "specialty": [], "telecom": [] })),
            event::<AvailabilitySet>(json!({ "practitioner": practitioner, "facility": facility, "zone": "America/Chicago", "from": "2026-01-01",
                "until": null, "weekly": [{ "day": "mon", "hours": hours }, { "day": "tue", "hours": hours }], "slot": 30 })),
        ]
    }

    /// Where and when an appointment is.
    pub fn placement(&self, start: &str) -> Value {
        json!({ "practitioner": self.practitioner, "facility": self.facility, "room": self.room,
            "time": { "start": start, "zone": "America/Chicago", "minutes": 30 } })
    }

    pub fn booked(&self, appointment: Uuid, patient: Uuid, start: &str) -> Event {
        let placement = self.placement(start);
        event::<AppointmentBooked>(json!({ "appointment": appointment, "patient": patient, "placement": placement, "reason": "cough", "exception": null }))
    }

    pub fn checked_in(&self, appointment: Uuid, patient: Uuid, start: &str) -> Event {
        event::<AppointmentCheckedIn>(json!({ "appointment": appointment, "patient": patient, "placement": self.placement(start) }))
    }
}

/// A patient with a name, a birth date and a medical record number.
pub fn registered(patient: Uuid, given: &str, family: &str, birth_date: &str, number: &str) -> Event {
    event::<PatientRegistered>(json!({
        "patient": patient,
        "identifiers": [{ "system": "urn:mrn", "value": number, "type": "MR" }],
        "demographics": { "name": [{ "given": [given], "family": family }], "gender": "female", "birthDate": birth_date },
        "contact": { "telecom": [{ "system": "phone", "value": "555-0100" }] },
        "knownIdentifierAccepted": null,
    }))
}
