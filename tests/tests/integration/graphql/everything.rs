//! A clinic in which there is something of every type, with something in every field that says something of a patient.

use std::collections::BTreeSet;

use domain::{PatientId, PractitionerId, UserId};
use event_store::{Clock, fresh_id};
use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::consents::consents_of_everything;
use super::crawl::Field;
use super::records::chart_of_everything;
use crate::documents::desk::form;

/// A clinic in which there is something of every type.
pub struct Everything {
    pub clinic: Clinic,
    pub patient: Uuid,
    appointment: Uuid,
    /// A request in which the patient looked at themself.
    request: Uuid,
}

impl Everything {
    pub async fn make(world: &World) -> Self {
        let clinic = Clinic::open(world).await;
        let (practitioner, facility, organization) = (clinic.practitioners[0], clinic.facility, clinic.organization);
        let part = json!({ "organization": fresh_id(), "name": "Lakeside Clinic", "partOf": organization });
        world.tell(Role::Administrator, "organizations/register-organization", part).await;
        let coding = json!({ "system": "urn:codes", "code": "MD" });
        world.tell(Role::Administrator, "providers/add-qualification", json!({ "practitioner": practitioner, "code": coding })).await;
        let role = json!({ "practitioner": practitioner, "role": fresh_id(), "organization": organization, "facilities": [facility], "code": [coding], "telecom": [] });
        world.tell(Role::Administrator, "providers/assign-role", role).await;
        let hours = json!([{ "start": "08:00:00", "end": "09:00:00" }]);
        let other_hours = json!({ "practitioner": practitioner, "facility": facility, "date": "2031-03-05", "hours": hours });
        world.tell(Role::Administrator, "providers/set-availability-exception", other_hours).await;
        let block = json!({ "practitioner": practitioner, "block": fresh_id(), "facility": facility, "start": "2031-03-06T08:00:00", "end": "2031-03-06T09:00:00", "reason": "Needle" });
        world.tell(Role::Administrator, "providers/block-time", block).await;
        let patient = clinic.patient(world, "Ada", "Lovelace").await;
        let contact = json!({ "telecom": [{ "system": "phone", "value": "555-0111" }], "address": [{ "city": "Chicago" }] });
        world.tell(Role::FrontDesk, "patients/change-contact-details", json!({ "patient": patient, "contact": contact })).await;
        clinic.book(world, patient, "2031-03-04T09:00:00").await;
        world.upload(patient).await;
        let appointment = fresh_id();
        let exception = json!({ "kind": "overbooked", "reason": "urgent" });
        let booked = json!({ "appointment": appointment, "patient": patient, "placement": clinic.placement("2031-03-04T09:00:00"), "reason": "cough", "exception": exception });
        world.tell(Role::Clinician, "scheduling/book-appointment", booked).await;
        world.tell(Role::Clinician, "scheduling/cancel-appointment", json!({ "appointment": appointment, "patient": patient, "reason": "moved" })).await;
        chart_of_everything(world, patient).await;
        consents_of_everything(world, patient, facility).await;
        let glass = fresh_id();
        let broken = json!({ "breakGlass": glass, "patient": patient, "reason": "unconscious", "minutes": 30 });
        world.tell(Role::Clinician, "emergency/break-glass", broken).await;
        world.tell(Role::FrontDesk, "disclosures/record-disclosure", disclosure(fresh_id(), patient)).await;
        endings(world, patient, glass).await;
        let own = world.ask(&world.token_of_patient(patient), &format!("{{ patient(id: \"{patient}\") {{ displayName }} }}"), json!({})).await;
        let request = own["extensions"]["carelog"]["requestId"].as_str().and_then(|request| request.parse().ok()).expect("answers name their request");
        Self { clinic, patient, appointment, request }
    }

    /// A field with what it takes to be asked.
    pub fn call(&self, of: &str, field: &Field) -> String {
        let Self { clinic, patient, appointment, request } = self;
        let (yesterday, today, tomorrow) = days();
        let week = r#"from: "2031-03-03T00:00:00Z", to: "2031-03-10T00:00:00Z""#;
        let arguments = match (of, field.name.as_str()) {
            ("Query", "node") => format!(r#"id: "Patient/{patient}""#),
            ("Query", "patient") => format!(r#"id: "{patient}""#),
            ("Query", "practitioner") => format!(r#"id: "{}""#, clinic.practitioners[0]),
            ("Query", "organization") => format!(r#"id: "{}""#, clinic.organization),
            ("Query", "facility") => format!(r#"id: "{}""#, clinic.facility),
            ("Query", "room") => format!(r#"id: "{}""#, clinic.rooms[0]),
            ("Query", "appointment") => format!(r#"id: "{appointment}""#),
            ("Query", "accessDecision") => format!(r#"request: "{request}""#),
            ("Query", "onlookers") => format!(r#"patient: "{patient}", from: "{yesterday}T00:00:00Z", to: "{tomorrow}T00:00:00Z""#),
            // Everybody here is one user.
            ("Query", "seenOnDay") => format!(r#"user: "{}", day: "{today}""#, Uuid::from_u128(7)),
            ("Query", "unusualVolumes") => format!(r#"first: "{today}", last: "{today}", threshold: 0"#),
            ("Practitioner", "calendar") => week.to_owned(),
            ("Practitioner", "freeSlots") => format!(r#"facility: "{}", {week}"#, clinic.facility),
            ("Patient", "chart") => "first: 30".to_owned(),
            ("Patient", "chartChanges") => r#"from: { position: 0 }, to: { time: "2031-03-10T00:00:00Z" }"#.to_owned(),
            ("Calendar", "open") => format!(r#"facility: "{}""#, clinic.facility),
            ("Subscription", "patientAppointments") => format!(r#"patient: "{patient}""#),
            ("Subscription", "patientChart") => format!(r#"patient: "{patient}""#),
            ("Subscription", "practitionerAppointments") => format!(r#"practitioner: "{}""#, clinic.practitioners[0]),
            ("Subscription", "facilityAppointments") => format!(r#"facility: "{}""#, clinic.facility),
            (_, name) if field.required.is_empty() => return name.to_owned(),
            (of, name) => panic!("{of}.{name} takes {:?}: say what", field.required),
        };
        format!("{}({arguments})", field.name)
    }

    pub fn token(&self, world: &World, role: Role) -> String {
        world.token_of(|claims| {
            claims.roles = BTreeSet::from([role]);
            claims.patient = Some(PatientId(self.patient));
            claims.practitioner = Some(PractitionerId(self.clinic.practitioners[0]));
        })
    }
}

/// The days around this moment by UTC.
fn days() -> (String, String, String) {
    let now = Clock::system().now();
    let day = |days: i64| (now + chrono::TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    (day(-1), day(0), day(1))
}

fn disclosure(disclosure: Uuid, patient: Uuid) -> Value {
    json!({ "disclosure": disclosure, "patient": patient, "madeAt": "2026-03-04T09:00:00Z", "what": "A test", "basis": "public-health", "kinds": ["chart"],
        "recipient": { "name": "County", "address": { "city": "Chicago" } } })
}

/// How each thing that can come to an end does, with the reason.
async fn endings(world: &World, patient: Uuid, glass: Uuid) {
    let [fact, consent, declined, ended, retracted, removed] = std::array::from_fn(|_| fresh_id());
    let about = |name: &str, id: Uuid, more: Value| {
        let mut body = json!({ "patient": patient, "reason": "Needle" });
        body[name] = json!(id);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let provision = json!({ "provision": { "recipient": "anyone", "period": { "end": "2031-01-01T00:00:00Z" } } });
    let condition = json!({ "fact": fact, "patient": patient, "content": { "code": { "text": "Needle" }, "onsetDateTime": "2031-01" }, "security": ["R"] });
    world.tell(Role::Clinician, "records/record-condition", condition).await;
    world.tell(Role::Clinician, "records/enter-condition-in-error", about("fact", fact, json!({}))).await;
    let granted = json!({ "consent": consent, "patient": patient, "decision": "permit", "provision": provision["provision"], "note": "Needle" });
    world.tell(Role::FrontDesk, "consents/grant-consent", granted).await;
    world.tell(Role::FrontDesk, "consents/revoke-consent", about("consent", consent, json!({}))).await;
    for restriction in [declined, ended] {
        world.tell(Role::FrontDesk, "consents/request-restriction", about("restriction", restriction, provision.clone())).await;
    }
    world.tell(Role::Administrator, "consents/decline-restriction", about("restriction", declined, json!({}))).await;
    world.tell(Role::Administrator, "consents/agree-to-restriction", json!({ "restriction": ended, "patient": patient })).await;
    world.tell(Role::Administrator, "consents/end-restriction", about("restriction", ended, json!({ "by": "notice" }))).await;
    let scope = json!({ "relationship": "SIB", "ends": "2031-01-01T00:00:00Z" });
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": patient, "grantee": fresh_id(), "scope": scope })).await;
    let somebody_else = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(fresh_id()), [Role::ComplianceOfficer].into()));
    let reviewed = json!({ "breakGlass": glass, "patient": patient, "finding": "justified", "note": "Needle" });
    world.tell_as(&somebody_else, "emergency/review-break-glass", reviewed).await;
    let mut told = disclosure(retracted, patient);
    let more = json!({ "basis": "oversight", "purpose": "Needle", "purposeOfUse": "PUBHLTH", "suspendedUntil": "2031-01-01T00:00:00Z" });
    told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.tell(Role::FrontDesk, "disclosures/record-disclosure", told).await;
    world.tell(Role::FrontDesk, "disclosures/retract-disclosure", about("disclosure", retracted, json!({}))).await;
    upload(world, patient, removed).await;
    world.tell(Role::Clinician, "documents/remove-document", about("document", removed, json!({}))).await;
    let correction = json!({ "correction": { "maritalStatus": "M", "language": ["en"] } });
    world.tell(Role::FrontDesk, "patients/correct-demographics", about("patient", patient, correction)).await;
    world.tell(Role::FrontDesk, "patients/record-death", json!({ "patient": patient, "deceased": { "on": "2021-11-01" } })).await;
}

/// Uploads a document with a date and a label.
async fn upload(world: &World, patient: Uuid, document: Uuid) {
    let content = json!({ "status": "current", "date": "2026-01-01T00:00:00Z", "attachment": { "contentType": "text/plain", "title": "Needle" } });
    let (kind, body) = form(&json!({ "document": document, "patient": patient, "content": content, "security": ["R"] }).to_string(), b"Needle");
    let request = world.client.post(format!("{}/v1/documents/upload", world.at)).bearer_auth(world.token(Role::Clinician));
    let answer = request.header("Content-Type", kind).body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}
