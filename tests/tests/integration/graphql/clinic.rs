//! A clinic in Chicago, made by commands like anyone's.

use event_store::fresh_id;
use gate::Role::{Administrator, Clinician, FrontDesk};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;

/// A hospital with a site and two rooms, and two practitioners who work there on weekdays from 08:00 to 17:00.
pub struct Clinic {
    pub organization: Uuid,
    pub facility: Uuid,
    pub rooms: [Uuid; 2],
    pub practitioners: [Uuid; 2],
}

impl Clinic {
    pub async fn open(world: &World) -> Self {
        let clinic = Self { organization: fresh_id(), facility: fresh_id(), rooms: [fresh_id(), fresh_id()], practitioners: [fresh_id(), fresh_id()] };
        let Self { organization, facility, rooms, practitioners } = &clinic;
        let prov = json!([{ "system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov" }]);
        let hospital = json!({ "organization": organization, "name": "Lakeside Hospital", "type": prov });
        world.tell(Administrator, "organizations/register-organization", hospital).await;
        let site = json!({ "facility": facility, "organization": organization, "name": "Lakeside Main", "timeZone": "America/Chicago" });
        world.tell(Administrator, "organizations/open-facility", site).await;
        for (room, name) in rooms.iter().zip(["Room 1", "Room 2"]) {
            world.tell(Administrator, "organizations/add-room", json!({ "room": room, "facility": facility, "name": name })).await;
        }
        for (practitioner, family) in practitioners.iter().zip(["Blackwell", "Ångström"]) {
            let npi = json!([{ "system": "urn:clinic:staff", "value": format!("S-{family}") }]);
            let telecom = json!([{ "system": "phone", "value": "555-0100" }]);
            let name = json!([{ "family": family, "given": ["Elizabeth"] }]);
            let body = json!({ "practitioner": practitioner, "name": name, "identifiers": npi, "telecom": telecom, "address": [{ "city": "Chicago" }], "gender": "female" });
            world.tell(Administrator, "providers/onboard-practitioner", body).await;
            let hours = json!({ "start": "08:00:00", "end": "17:00:00" });
            let weekly: Vec<Value> = ["mon", "tue", "wed", "thu", "fri"].iter().map(|day| json!({ "day": day, "hours": hours })).collect();
            let body = json!({ "practitioner": practitioner, "facility": facility, "from": "2026-01-01", "weekly": weekly, "slot": 30 });
            world.tell(Administrator, "providers/set-availability", body).await;
        }
        clinic
    }

    /// Registers a patient.
    pub async fn patient(&self, world: &World, given: &str, family: &str) -> Uuid {
        let patient = fresh_id();
        let demographics = json!({ "name": [{ "family": family, "given": [given] }], "birthDate": "1950-02", "gender": "female" });
        let identifiers = json!([{ "system": "urn:clinic:mrn", "value": patient.to_string(), "type": "MR" }]);
        let contact = json!({ "telecom": [{ "system": "phone", "value": "555-0111", "use": "home" }] });
        let body = json!({ "patient": patient, "demographics": demographics, "identifiers": identifiers, "contact": contact });
        world.tell(FrontDesk, "patients/register-patient", body).await;
        patient
    }

    /// Where an appointment of half an hour is to be, with the first practitioner.
    pub fn placement(&self, start: &str) -> Value {
        json!({ "practitioner": self.practitioners[0], "facility": self.facility, "room": self.rooms[0], "start": start, "minutes": 30 })
    }

    /// Books one; weekdays of early March 2031 are 3 to 7.
    pub async fn book(&self, world: &World, patient: Uuid, start: &str) -> Uuid {
        let appointment = fresh_id();
        let body = json!({ "appointment": appointment, "patient": patient, "placement": self.placement(start), "reason": "cough" });
        world.tell(FrontDesk, "scheduling/book-appointment", body).await;
        appointment
    }

    /// Enters one that has already begun.
    pub async fn enter(&self, world: &World, patient: Uuid, start: &str) -> Uuid {
        let appointment = fresh_id();
        let exception = json!({ "kind": "back-entered", "reason": "walk-in" });
        let body = json!({ "appointment": appointment, "patient": patient, "placement": self.placement(start), "exception": exception });
        world.tell(Clinician, "scheduling/book-appointment", body).await;
        appointment
    }
}
