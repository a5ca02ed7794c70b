//! Every field there is, asked for by every role, by nobody, and from another tenant. A field or a type that is in none of the tables fails.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{AccessOutcome, DataKind};
use domain::{PatientId, Permission, PractitionerId, TenantId};
use event_store::fresh_id;
use futures::stream::{self, StreamExt};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::consents::consents_of_everything;
use super::crawl::{Field, Objects, Path};
use super::records::chart_of_everything;
use super::socket::Socket;

/// What each root field needs.
pub const ROOT_FIELDS: &[(&str, Option<Permission>)] = &[
    ("Query.viewer", None),
    // Whatever the type of the object needs.
    ("Query.node", Some(Permission::ReadPatients)),
    ("Query.patients", Some(Permission::ReadPatients)),
    ("Query.patient", Some(Permission::ReadPatients)),
    ("Query.practitioners", Some(Permission::ReadPractitioners)),
    ("Query.practitioner", Some(Permission::ReadPractitioners)),
    ("Query.organizations", Some(Permission::ReadOrganizations)),
    ("Query.organization", Some(Permission::ReadOrganizations)),
    ("Query.facilities", Some(Permission::ReadOrganizations)),
    ("Query.facility", Some(Permission::ReadOrganizations)),
    ("Query.room", Some(Permission::ReadOrganizations)),
    ("Query.appointments", Some(Permission::ReadAppointments)),
    ("Query.appointment", Some(Permission::ReadAppointments)),
    ("Query.accessRecords", Some(Permission::ReadAccessRecords)),
    ("Query.accessDecision", Some(Permission::ReadAccessRecords)),
    ("Query.restrictions", Some(Permission::ReadConsents)),
    ("Query.brokenGlass", Some(Permission::ReviewBreakGlass)),
    ("Query.onlookers", Some(Permission::ReadAccessRecords)),
    ("Query.seenOnDay", Some(Permission::ReadAccessRecords)),
    ("Query.unusualVolumes", Some(Permission::ReadAccessRecords)),
    ("Subscription.patientAppointments", Some(Permission::ReadAppointments)),
    ("Subscription.patientChart", Some(Permission::ReadChart)),
    ("Subscription.practitionerAppointments", Some(Permission::ReadAppointments)),
    ("Subscription.facilityAppointments", Some(Permission::ReadAppointments)),
    ("Subscription.brokenGlass", Some(Permission::ReviewBreakGlass)),
];

/// What every object of a type needs, wherever it comes from.
pub const TYPES: &[(&str, Option<Permission>)] = &[
    ("AccessGrant", Some(Permission::ReadConsents)),
    ("AccessGrantConnection", Some(Permission::ReadConsents)),
    ("AccessGrantEdge", Some(Permission::ReadConsents)),
    ("AccessDecision", Some(Permission::ReadAccessRecords)),
    ("AccessRecord", Some(Permission::ReadAccessRecords)),
    ("AccessRecordConnection", Some(Permission::ReadAccessRecords)),
    ("AccessRecordEdge", Some(Permission::ReadAccessRecords)),
    ("AccessVolume", Some(Permission::ReadAccessRecords)),
    ("Address", None),
    ("AllergyIntolerance", Some(Permission::ReadChart)),
    ("AllergyReaction", Some(Permission::ReadChart)),
    ("Annotation", Some(Permission::ReadChart)),
    ("Appointment", Some(Permission::ReadAppointments)),
    ("AppointmentAction", Some(Permission::ReadAppointments)),
    ("AppointmentChanges", Some(Permission::ReadAppointments)),
    ("AppointmentConnection", Some(Permission::ReadAppointments)),
    ("AppointmentEdge", Some(Permission::ReadAppointments)),
    ("AppointmentException", Some(Permission::ReadAppointments)),
    ("Availability", Some(Permission::ReadPractitioners)),
    ("AvailabilityException", Some(Permission::ReadPractitioners)),
    ("BlockedTime", Some(Permission::ReadPractitioners)),
    ("BrokenGlass", Some(Permission::ReviewBreakGlass)),
    ("BrokenGlassAlerts", Some(Permission::ReviewBreakGlass)),
    ("BrokenGlassConnection", Some(Permission::ReviewBreakGlass)),
    ("BrokenGlassEdge", Some(Permission::ReviewBreakGlass)),
    ("Calendar", Some(Permission::ReadPractitioners)),
    ("ChartChange", Some(Permission::ReadChart)),
    ("ChartChangeConnection", Some(Permission::ReadChart)),
    ("ChartChangeEdge", Some(Permission::ReadChart)),
    ("ChartConflict", Some(Permission::ReadChart)),
    ("ChartEntry", Some(Permission::ReadChart)),
    ("ChartEntryConnection", Some(Permission::ReadChart)),
    ("ChartEntryEdge", Some(Permission::ReadChart)),
    ("ChartScreening", Some(Permission::ReadChart)),
    ("ChartUpdates", Some(Permission::ReadChart)),
    ("CodeableConcept", Some(Permission::ReadChart)),
    ("Coding", None),
    ("Condition", Some(Permission::ReadChart)),
    ("Consent", Some(Permission::ReadConsents)),
    ("ConsentConnection", Some(Permission::ReadConsents)),
    ("ConsentEdge", Some(Permission::ReadConsents)),
    ("Contact", Some(Permission::ReadPatients)),
    ("ContactPoint", None),
    ("DecisionFact", Some(Permission::ReadAccessRecords)),
    ("Device", Some(Permission::ReadChart)),
    ("DeviceName", Some(Permission::ReadChart)),
    ("Disclosure", Some(Permission::ReadDisclosures)),
    ("DisclosureConnection", Some(Permission::ReadDisclosures)),
    ("DisclosureEdge", Some(Permission::ReadDisclosures)),
    ("DispenseRequest", Some(Permission::ReadChart)),
    ("Document", Some(Permission::ReadDocuments)),
    ("DocumentConnection", Some(Permission::ReadDocuments)),
    ("DocumentEdge", Some(Permission::ReadDocuments)),
    ("Dosage", Some(Permission::ReadChart)),
    ("DoseAndRate", Some(Permission::ReadChart)),
    ("Encounter", Some(Permission::ReadChart)),
    ("EncounterLocation", Some(Permission::ReadChart)),
    ("EncounterParticipant", Some(Permission::ReadChart)),
    ("Facility", Some(Permission::ReadOrganizations)),
    ("FacilityConnection", Some(Permission::ReadOrganizations)),
    ("FacilityEdge", Some(Permission::ReadOrganizations)),
    ("FactCoding", Some(Permission::ReadChart)),
    ("FactIdentifier", Some(Permission::ReadChart)),
    ("FamilyMemberCondition", Some(Permission::ReadChart)),
    ("FamilyMemberHistory", Some(Permission::ReadChart)),
    ("FieldChange", Some(Permission::ReadChart)),
    ("HistoryDetail", Some(Permission::ReadHistory)),
    ("HistoryEntry", Some(Permission::ReadHistory)),
    ("HistoryEntryConnection", Some(Permission::ReadHistory)),
    ("HistoryEntryEdge", Some(Permission::ReadHistory)),
    ("Hospitalization", Some(Permission::ReadChart)),
    ("HumanName", None),
    ("Identifier", None),
    ("Immunization", Some(Permission::ReadChart)),
    ("ImmunizationPerformer", Some(Permission::ReadChart)),
    ("Interval", Some(Permission::ReadPractitioners)),
    ("MedicationRequest", Some(Permission::ReadChart)),
    ("Observation", Some(Permission::ReadChart)),
    ("ObservationComponent", Some(Permission::ReadChart)),
    ("Onlooker", Some(Permission::ReadAccessRecords)),
    ("OpenHours", Some(Permission::ReadPractitioners)),
    ("Organization", Some(Permission::ReadOrganizations)),
    ("OrganizationConnection", Some(Permission::ReadOrganizations)),
    ("OrganizationEdge", Some(Permission::ReadOrganizations)),
    ("PageInfo", None),
    ("Patient", Some(Permission::ReadPatients)),
    ("PatientConnection", Some(Permission::ReadPatients)),
    ("PatientEdge", Some(Permission::ReadPatients)),
    ("Period", Some(Permission::ReadChart)),
    ("Policy", Some(Permission::ReadAccessRecords)),
    ("Practitioner", Some(Permission::ReadPractitioners)),
    ("PractitionerConnection", Some(Permission::ReadPractitioners)),
    ("PractitionerEdge", Some(Permission::ReadPractitioners)),
    ("PractitionerRole", Some(Permission::ReadPractitioners)),
    ("Procedure", Some(Permission::ReadChart)),
    ("ProcedurePerformer", Some(Permission::ReadChart)),
    // Of facts, documents and consents alike.
    ("Provenance", None),
    ("Provision", Some(Permission::ReadConsents)),
    ("Qualification", Some(Permission::ReadPractitioners)),
    ("Quantity", Some(Permission::ReadChart)),
    ("Query", None),
    ("Range", Some(Permission::ReadChart)),
    ("Recipient", Some(Permission::ReadConsents)),
    ("Reference", Some(Permission::ReadChart)),
    ("ReferenceRange", Some(Permission::ReadChart)),
    ("Restriction", Some(Permission::ReadConsents)),
    ("RestrictionConnection", Some(Permission::ReadConsents)),
    ("RestrictionEdge", Some(Permission::ReadConsents)),
    ("Room", Some(Permission::ReadOrganizations)),
    ("RoomConnection", Some(Permission::ReadOrganizations)),
    ("RoomEdge", Some(Permission::ReadOrganizations)),
    ("ScreeningConflict", Some(Permission::ReadChart)),
    ("ScreeningResult", Some(Permission::ReadChart)),
    ("SeenOnDay", Some(Permission::ReadAccessRecords)),
    ("SeenOperation", Some(Permission::ReadAccessRecords)),
    ("SeenPatient", Some(Permission::ReadAccessRecords)),
    ("SeenPatientConnection", Some(Permission::ReadAccessRecords)),
    ("SeenPatientEdge", Some(Permission::ReadAccessRecords)),
    ("Subscription", None),
    ("Timing", Some(Permission::ReadChart)),
    ("TimingRepeat", Some(Permission::ReadChart)),
    ("UdiCarrier", Some(Permission::ReadChart)),
    ("UsualVolume", Some(Permission::ReadAccessRecords)),
    ("Viewer", None),
    ("ViewerPermission", None),
    ("WeeklyHours", Some(Permission::ReadPractitioners)),
];

/// What tells of everyone: who has their permission for their own record alone does not have it for these.
const OF_EVERYONE: &[&str] = &["Onlooker", "SeenOnDay", "AccessVolume"];

/// The permissions that something needs, and whether over the whole tenant.
struct Needed {
    permissions: Vec<Option<Permission>>,
    of_everyone: bool,
}

fn needs(table: &[(&str, Option<Permission>)], name: &str) -> Option<Permission> {
    table.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} is not in the table: say what it needs")).1
}

/// A clinic in which there is something of every type.
struct Everything {
    clinic: Clinic,
    patient: Uuid,
    appointment: Uuid,
}

impl Everything {
    async fn make(world: &World) -> Self {
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
        let appointment = clinic.enter(world, patient, "2026-03-04T09:00:00").await;
        chart_of_everything(world, patient).await;
        consents_of_everything(world, patient, facility).await;
        let glass = json!({ "breakGlass": fresh_id(), "patient": patient, "reason": "unconscious", "minutes": 30 });
        world.tell(Role::Clinician, "emergency/break-glass", glass).await;
        let disclosure = json!({ "disclosure": fresh_id(), "patient": patient, "madeAt": "2026-03-04T09:00:00Z", "what": "A test", "basis": "public-health",
            "recipient": { "name": "County", "address": { "city": "Chicago" } } });
        world.tell(Role::FrontDesk, "disclosures/record-disclosure", disclosure).await;
        Self { clinic, patient, appointment }
    }

    /// A field with what it takes to be asked.
    fn call(&self, of: &str, field: &Field) -> String {
        let Self { clinic, patient, appointment } = self;
        let week = r#"from: "2031-03-03T00:00:00Z", to: "2031-03-10T00:00:00Z""#;
        let arguments = match (of, field.name.as_str()) {
            ("Query", "node") => format!(r#"id: "Patient/{patient}""#),
            ("Query", "patient") => format!(r#"id: "{patient}""#),
            ("Query", "practitioner") => format!(r#"id: "{}""#, clinic.practitioners[0]),
            ("Query", "organization") => format!(r#"id: "{}""#, clinic.organization),
            ("Query", "facility") => format!(r#"id: "{}""#, clinic.facility),
            ("Query", "room") => format!(r#"id: "{}""#, clinic.rooms[0]),
            ("Query", "appointment") => format!(r#"id: "{appointment}""#),
            ("Query", "accessDecision") => format!(r#"request: "{patient}""#),
            ("Query", "onlookers") => format!(r#"patient: "{patient}", from: "2031-03-03T00:00:00Z", to: "2031-03-10T00:00:00Z""#),
            ("Query", "seenOnDay") => format!(r#"user: "{patient}", day: "2031-03-03""#),
            ("Query", "unusualVolumes") => r#"first: "2031-03-03", last: "2031-03-09""#.to_owned(),
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

    fn token(&self, world: &World, role: Role) -> String {
        world.token_of(|claims| {
            claims.roles = BTreeSet::from([role]);
            claims.patient = Some(PatientId(self.patient));
            claims.practitioner = Some(PractitionerId(self.clinic.practitioners[0]));
        })
    }
}

fn forbidden(answer: &Value) -> bool {
    answer["errors"].as_array().into_iter().flatten().any(|error| error["extensions"]["code"] == "FORBIDDEN")
}

fn may(role: Role, needed: impl IntoIterator<Item = Option<Permission>>) -> bool {
    needed.into_iter().flatten().all(|permission| gate::reach(&BTreeSet::from([role]), permission).is_some())
}

impl Needed {
    fn allow(&self, role: Role) -> bool {
        let wide = |permission: &Permission| gate::reach(&BTreeSet::from([role]), *permission) == Some(gate::Reach::Tenant);
        may(role, self.permissions.iter().copied()) && (!self.of_everyone || self.permissions.iter().flatten().all(wide))
    }
}

/// What it takes to come to a field and to see what it comes to.
fn needed(path: &Path, of: &str, field: &Field, objects: &Objects) -> Needed {
    let mut needed: Vec<Option<Permission>> = path.through.iter().map(|name| needs(TYPES, name)).collect();
    needed.push(if of == "Query" { needs(ROOT_FIELDS, &format!("Query.{}", field.name)) } else { None });
    // A field that comes to an object shows it only to those who may see such objects.
    let object = objects.0.contains_key(&field.comes_to);
    needed.push(if object { needs(TYPES, &field.comes_to) } else { None });
    let of_everyone = path.through.iter().chain([&field.comes_to]).any(|name| OF_EVERYONE.contains(&name.as_str()));
    Needed { permissions: needed, of_everyone }
}

/// That what shows something of a patient, or was refused to, has left its access record by the time it is answered.
async fn recorded(world: &World, everything: &Everything, (of, field): (&str, &str), needed: &Needed, answer: &Value, role: Role) {
    let records = world.access_of_answer(answer).await;
    let sought: BTreeSet<DataKind> = needed.permissions.iter().flatten().filter_map(|permission| permission.data_kind()).collect();
    let asked = format!("{role:?} asks for {of}.{field}");
    let allowed = needed.allow(role);
    let Some(record) = records.first() else {
        // Whoever is refused on the way by what says nothing of anyone has not come to what does.
        let turned_back = needed.permissions.iter().flatten().any(|permission| permission.data_kind().is_none() && !may(role, [Some(*permission)]));
        assert!(sought.is_empty() || turned_back, "{asked}, and there is no access record");
        return;
    };
    assert_eq!(record.refused.is_empty(), allowed, "{asked}");
    assert_eq!(record.outcome == AccessOutcome::Refused, !allowed && record.count == 0 && record.patients.is_empty(), "{asked}");
    if allowed {
        assert!(sought.iter().all(|kind| record.kinds.contains(kind)), "{asked}: {:?}", record.kinds);
        let there = answer.to_string().contains(&format!("\"__typename\":\"{of}\""));
        let name = format!("{of}.{field}");
        let masked = answer["extensions"]["carelog"]["masked"].as_array().is_some_and(|masked| masked.contains(&json!(name)));
        assert!(!there || masked != record.fields.contains(&name), "{asked}: {:?}", record.fields);
        let of_the_patient = !sought.is_empty() && !sought.contains(&DataKind::AccessRecords) && of != "Query";
        assert!(!there || !of_the_patient || record.patients.contains(&PatientId(everything.patient)), "{asked}, and the record does not name the patient");
    }
}

#[tokio::test]
async fn every_field_is_for_those_who_may_see_it() {
    let world = World::new().await;
    let everything = Everything::make(&world).await;
    let objects = Objects::of_the_schema();
    let paths: BTreeMap<String, Path> = objects.paths(|of, field| everything.call(of, field));
    let mut asked = Vec::new();
    for (of, fields) in &objects.0 {
        needs(TYPES, of);
        let Some(path) = paths.get(of) else {
            assert!(["Subscription", "AppointmentChanges", "BrokenGlassAlerts", "ChartUpdates"].contains(&of.as_str()), "no query comes to {of}");
            continue;
        };
        for field in fields {
            let nested = if objects.is_composite(&field.comes_to) || field.comes_to == "Node" { "{ __typename }" } else { "" };
            let selection = format!("__typename {} {nested}", everything.call(of, field));
            asked.push((of, field, path.ask(&selection), needed(path, of, field, &objects)));
        }
    }
    assert!(asked.len() > 200, "the schema was read");
    // Once, so that no later question has to wait.
    world.data(&world.token(Role::Clinician), "{ viewer { user } }", json!({})).await;
    for role in Role::ALL {
        let token = &everything.token(&world, role);
        let world = &world;
        stream::iter(&asked)
            .for_each_concurrent(4, async |(of, field, query, needed)| {
                let (of, field) = (of.as_str(), &field.name);
                let answer = world.ask(token, query, json!({})).await;
                recorded(world, &everything, (of, field), needed, &answer, role).await;
                if needed.allow(role) {
                    assert!(answer.get("errors").is_none(), "{role:?} may see {of}.{field}: {query}\n{answer:#}");
                    let there = answer.to_string().contains(&format!("\"__typename\":\"{of}\""));
                    assert!(there || role != Role::Clinician, "there is no {of} to ask for {field}: {query}\n{answer:#}");
                } else {
                    assert!(forbidden(&answer), "{role:?} may not see {of}.{field}: {query}\n{answer:#}");
                }
            })
            .await;
    }
}

#[tokio::test]
async fn nothing_is_said_without_a_token_and_nothing_to_another_tenant() {
    let world = World::new().await;
    let everything = Everything::make(&world).await;
    let objects = Objects::of_the_schema();
    world.data(&world.token(Role::Clinician), "{ viewer { user } }", json!({})).await;
    let elsewhere = |role: Role| {
        world.token_of(|claims| {
            claims.tenant = TenantId(Uuid::from_u128(99));
            claims.roles = BTreeSet::from([role]);
            claims.patient = Some(PatientId(everything.patient));
            claims.practitioner = Some(PractitionerId(everything.clinic.practitioners[0]));
        })
    };
    for field in &objects.0["Query"] {
        let object = objects.0.get(&field.comes_to);
        let connection = object.is_some_and(|fields| fields.iter().any(|field| field.name == "nodes"));
        let nested = if connection {
            "{ nodes { id } }"
        } else if field.name == "viewer" {
            "{ patient { id } practitioner { id } }"
        } else {
            "{ id }"
        };
        let query = format!("{{ {} {nested} }}", everything.call("Query", field));
        let nobody = world.client.post(format!("{}/graphql", world.at)).json(&json!({ "query": query })).send().await.unwrap();
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{query}");
        for role in Role::ALL {
            let answer = world.request(&elsewhere(role), &json!({ "query": query })).send().await.unwrap().json::<Value>().await.unwrap();
            let found = answer["data"].to_string();
            let nothing = ["null", "{\"viewer\":{\"patient\":null,\"practitioner\":null}}"].contains(&found.as_str())
                || found == format!("{{\"{}\":null}}", field.name)
                || found == format!("{{\"{}\":{{\"nodes\":[]}}}}", field.name);
            assert!(nothing, "{role:?} of another tenant finds something: {query}\n{answer:#}");
        }
    }
}

#[tokio::test]
async fn every_subscription_is_for_those_who_may_follow() {
    let world = World::new().await;
    let everything = Everything::make(&world).await;
    let objects = Objects::of_the_schema();
    for field in &objects.0["Subscription"] {
        let needed = needs(ROOT_FIELDS, &format!("Subscription.{}", field.name));
        let query = format!("subscription {{ {} {{ position }} }}", everything.call("Subscription", field));
        let extensions = json!({ "carelog": { "waitFor": world.position() } });
        let subscribe = json!({ "query": query, "extensions": extensions });
        for role in Role::ALL {
            let mut socket = Socket::open(&world, &everything.token(&world, role)).await;
            socket.subscribe("1", &subscribe).await;
            if may(role, [needed]) {
                assert_eq!(socket.silence().await, None, "{role:?} may follow {query}");
            } else {
                let message = socket.next().await;
                assert_eq!((&message["type"], &message["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("FORBIDDEN")), "{role:?}: {message}");
            }
        }
        // What names nothing is of the caller's own tenant.
        if field.required.is_empty() {
            continue;
        }
        let elsewhere = world.token_of(|claims| (claims.tenant, claims.roles) = (TenantId(Uuid::from_u128(99)), BTreeSet::from([Role::Clinician])));
        let mut socket = Socket::open(&world, &elsewhere).await;
        socket.subscribe("1", &json!({ "query": query })).await;
        let message = socket.next().await;
        assert_eq!(message["payload"][0]["extensions"]["code"], "NOT_FOUND", "{message}");
    }
    let followed: BTreeSet<String> = objects.0["Subscription"].iter().chain(&objects.0["Query"]).map(|field| field.name.clone()).collect();
    let tabled: BTreeSet<String> = ROOT_FIELDS.iter().filter_map(|(name, _)| name.split('.').nth(1)).map(str::to_owned).collect();
    assert_eq!(followed, tabled, "the table and the schema name the same root fields");
}
