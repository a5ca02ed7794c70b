//! Every field there is, asked for by every role, by nobody, and from another tenant. A field or a type that is in none of the tables fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use domain::access::{AccessOutcome, DataKind};
use domain::{PatientId, Permission, PractitionerId, TenantId};
use futures::stream::{self, StreamExt};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::crawl::{Field, Objects, Path};
use super::everything::Everything;
use super::socket::Socket;
use crate::classification::is_protected;

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

/// Of which there is nothing to see here, and where it is seen.
const SEEN_ELSEWHERE: &[(&str, &str)] = &[("UsualVolume", "what is usual shows after days: `domain/src/access/volumes.rs`")];

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

/// Whether an answer holds a field of an object of a type with something in it.
fn filled(answer: &Value, of: &str, field: &str) -> bool {
    match answer {
        Value::Object(fields) => {
            let here = fields.get("__typename").is_some_and(|name| name == of);
            here && fields.get(field).is_some_and(|value| !value.is_null() && *value != json!([])) || fields.values().any(|value| filled(value, of, field))
        }
        Value::Array(items) => items.iter().any(|item| filled(item, of, field)),
        _ => false,
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
    let (there, told) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
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
                    if answer.to_string().contains(&format!("\"__typename\":\"{of}\"")) {
                        there.lock().unwrap().insert(format!("{of}.{field}"));
                    }
                    if filled(&answer["data"], of, field) {
                        told.lock().unwrap().insert(format!("{of}.{field}"));
                    }
                } else {
                    assert!(forbidden(&answer), "{role:?} may not see {of}.{field}: {query}\n{answer:#}");
                }
            })
            .await;
    }
    // Whatever there is was seen by somebody who may see it, so that to see it was tried.
    let elsewhere = |of: &str| SEEN_ELSEWHERE.iter().any(|(name, _)| *name == of);
    let paths = || asked.iter().filter(|(of, ..)| !elsewhere(of)).map(|(of, field, ..)| format!("{of}.{}", field.name));
    let (there, told) = (there.into_inner().unwrap(), told.into_inner().unwrap());
    let missing: Vec<String> = paths().filter(|path| !there.contains(path)).collect();
    assert!(missing.is_empty(), "nobody who may see them came to {missing:?}");
    let protected = |path: &String| path.split_once('.').is_some_and(|(of, field)| is_protected(of, field));
    let can_be_masked = |of: &str| objects.0[of].iter().any(|field| field.name == "masked");
    let empty: Vec<String> =
        paths().filter(|path| protected(path) && path.split_once('.').is_some_and(|(of, _)| can_be_masked(of)) && !told.contains(path)).collect();
    assert!(empty.is_empty(), "nobody who may see them was told {empty:?}");
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
