//! A small clinic, made through the API like anyone's.

use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

/// A facility in Chicago, and a practitioner who is there day and night.
pub struct Clinic {
    pub facility: Uuid,
    pub practitioner: Uuid,
}

impl Clinic {
    /// Opens it.
    pub async fn open(app: &App) -> Self {
        let clinic = Self { facility: event_store::fresh_id(), practitioner: event_store::fresh_id() };
        let (facility, practitioner) = (clinic.facility, clinic.practitioner);
        app.accepted("/v1/organizations/open-facility", Role::Administrator, json!({ "facility": facility, "name": "Main", "timeZone": "America/Chicago" }))
            .await;
        let name = json!([{ "family": "Blackwell", "given": ["Elizabeth"] }]);
        app.accepted("/v1/providers/onboard-practitioner", Role::Administrator, json!({ "practitioner": practitioner, "name": name })).await;
        let hours = json!({ "start": "00:00:00", "end": "00:00:00" });
        let weekly: Vec<Value> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().map(|day| json!({ "day": day, "hours": hours })).collect();
        let body = json!({ "practitioner": practitioner, "facility": facility, "from": "2026-01-01", "weekly": weekly, "slot": 30 });
        app.accepted("/v1/providers/set-availability", Role::Administrator, body).await;
        clinic
    }

    /// Registers a patient.
    pub async fn patient(&self, app: &App, family: &str) -> Uuid {
        let patient = event_store::fresh_id();
        let body = json!({ "patient": patient, "demographics": { "name": [{ "family": family, "given": ["Ada"] }] } });
        app.accepted("/v1/patients/register-patient", Role::FrontDesk, body).await;
        patient
    }

    /// The body that books half an hour on a day of 2031.
    pub fn booking(&self, appointment: Uuid, patient: Uuid, start: &str) -> Value {
        let placement = json!({ "practitioner": self.practitioner, "facility": self.facility, "start": start, "minutes": 30 });
        json!({ "appointment": appointment, "patient": patient, "placement": placement })
    }
}

/// The path that books.
pub const BOOK: &str = "/v1/scheduling/book-appointment";
