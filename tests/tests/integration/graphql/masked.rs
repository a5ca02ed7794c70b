//! What is left of what is masked: nothing that is classified as protected, whatever the type; and the fields that not everybody sees, in every place where they show.

use std::collections::BTreeSet;

use domain::{Context, PractitionerId, UserId};
use event_store::fresh_id;
use gate::{PROTECTED_FIELDS, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::crawl::{Field, Objects};
use super::everything::Everything;
use crate::classification::is_protected;

/// Who sees things of a type masked once the patient has denied everyone everything, for which purpose they ask, and how they come to them.
const MASKED: &[(&str, Role, &str, &str)] = &[
    ("AccessGrant", Role::Clinician, "TREAT", "grants { nodes { … } }"),
    ("Appointment", Role::Clinician, "TREAT", "appointments { nodes { … } }"),
    ("BrokenGlass", Role::ComplianceOfficer, "PUBHLTH", "brokenGlass { nodes { … } }"),
    ("ChartEntry", Role::Clinician, "TREAT", "chart(first: 30) { nodes { … } }"),
    ("Consent", Role::Clinician, "TREAT", "consents { nodes { … } }"),
    ("Disclosure", Role::ComplianceOfficer, "PUBHLTH", "disclosures { nodes { … } }"),
    ("Document", Role::Clinician, "TREAT", "chart { documents { nodes { … } } }"),
    ("HistoryEntry", Role::Clinician, "TREAT", "history { nodes { … } }"),
    ("Patient", Role::Clinician, "TREAT", "…"),
    ("Restriction", Role::Clinician, "TREAT", "restrictions { nodes { … } }"),
];

/// Protected, and told in general words of what is masked.
const IN_GENERAL_WORDS: &str = "HistoryEntry.summary";

/// The fields of a type that take no arguments and lead to nothing that is shown by itself, with what they come to.
fn own_fields<'schema>(objects: &'schema Objects, of: &str) -> impl Iterator<Item = &'schema Field> {
    let shown_by_itself = |name: &str| name.ends_with("Connection") || MASKED.iter().any(|(of, ..)| *of == name);
    objects.0[of].iter().filter(move |field| field.required.is_empty() && !shown_by_itself(&field.comes_to))
}

fn selection(objects: &Objects, of: &str) -> String {
    let field = |field: &Field| {
        if objects.0.contains_key(&field.comes_to) {
            format!("{} {{ {} }}", field.name, selection(objects, &field.comes_to))
        } else if objects.is_composite(&field.comes_to) {
            format!("{} {{ __typename }}", field.name)
        } else {
            field.name.clone()
        }
    };
    // What is said of a practitioner or a facility is no patient's.
    let of_the_patient = |field: &&Field| !["Practitioner", "Facility", "Room", "Organization"].contains(&field.comes_to.as_str());
    let fields: Vec<String> = own_fields(objects, of).filter(of_the_patient).map(field).collect();
    format!("__typename {}", fields.join(" "))
}

/// The protected fields of an object, and of what is in it, that say something; of what is masked where `masked`, otherwise of the rest.
fn said(objects: &Objects, object: &Value, masked: bool, found: &mut BTreeSet<(String, String)>) {
    match object {
        Value::Array(items) => items.iter().for_each(|item| said(objects, item, masked, found)),
        Value::Object(fields) => {
            let of = fields.get("__typename").and_then(Value::as_str).unwrap_or_default();
            if fields.get("masked").is_some_and(|why| why.is_null() == masked) {
                return;
            }
            for (name, value) in fields.iter().filter(|(name, value)| *name != "__typename" && !value.is_null() && **value != json!([])) {
                if is_protected(of, name) || is_content(objects, of, name) {
                    found.insert((format!("{of}.{name}"), value.to_string()));
                } else {
                    said(objects, value, masked, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether a field comes to what a fact says, of whatever kind.
fn is_content(objects: &Objects, of: &str, name: &str) -> bool {
    let fields = objects.0.get(of).into_iter().flatten();
    fields.filter(|field| field.name == name).any(|field| objects.is_composite(&field.comes_to) && !objects.0.contains_key(&field.comes_to))
}

/// Everything with a `masked` that an answer holds.
fn maskable<'answer>(answer: &'answer Value, of: &str, found: &mut Vec<&'answer Value>) {
    match answer {
        Value::Array(items) => items.iter().for_each(|item| maskable(item, of, found)),
        Value::Object(fields) => {
            if fields.get("__typename").is_some_and(|name| name == of) {
                found.push(answer);
            }
            fields.values().for_each(|value| maskable(value, of, found));
        }
        _ => {}
    }
}

async fn look(world: &World, everything: &Everything, (of, role, purpose, way): (&str, Role, &str, &str), objects: &Objects) -> Value {
    let inner = way.replace('…', &selection(objects, of));
    let patient = everything.patient;
    let query = if of == "BrokenGlass" { format!("{{ {inner} }}") } else { format!("{{ patient(id: \"{patient}\") {{ {inner} }} }}") };
    // Whoever treats the patient sees what bears most labels, so that what is masked is masked by the dissent.
    let practitioner = Some(PractitionerId(everything.clinic.practitioners[0]));
    let token = world.token_of(|claims| (claims.sub, claims.roles, claims.practitioner) = (UserId(Uuid::from_u128(31)), [role].into(), practitioner));
    let extensions = json!({ "carelog": { "waitFor": world.position() } });
    let request = world.request(&token, &json!({ "query": query, "extensions": extensions })).header("carelog-purpose-of-use", purpose);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
    answer
}

#[tokio::test]
async fn nothing_that_is_classified_as_protected_is_left_of_what_is_masked() {
    let objects = Objects::of_the_schema();
    let with_masked = objects.0.iter().filter(|(_, fields)| fields.iter().any(|field| field.name == "masked")).map(|(of, _)| of.as_str());
    assert_eq!(with_masked.collect::<Vec<_>>(), MASKED.iter().map(|(of, ..)| *of).collect::<Vec<_>>(), "every type that can be masked is looked at");

    let world = World::new().await;
    let everything = Everything::make(&world).await;
    let mut before = BTreeSet::new();
    for masked in MASKED {
        let answer = look(&world, &everything, *masked, &objects).await;
        said(&objects, &answer["data"], false, &mut before);
    }
    for (of, ..) in MASKED {
        assert!(
            before.iter().any(|(path, _)| path.starts_with(&format!("{of}."))),
            "nothing protected is said of a {of}, so nothing can be masked: {before:?}"
        );
    }
    let dissent = json!({ "consent": fresh_id(), "patient": everything.patient, "decision": "deny", "provision": { "recipient": "anyone" } });
    world.tell_as(&world.token_of_patient(everything.patient), "consents/grant-consent", dissent).await;
    for masked in MASKED {
        let of = masked.0;
        let answer = look(&world, &everything, *masked, &objects).await;
        let (mut after, mut found) = (BTreeSet::new(), Vec::new());
        said(&objects, &answer["data"], true, &mut after);
        maskable(&answer["data"], of, &mut found);
        assert!(!found.is_empty() && found.iter().all(|object| object["masked"] == "DISSENT"), "{of}: {answer:#}");
        let (general, left): (Vec<_>, Vec<_>) = after.iter().partition(|(path, _)| path == IN_GENERAL_WORDS);
        assert!(left.is_empty(), "{of}: {left:?}");
        assert!(general.iter().all(|said| !before.contains(said)), "{of}: {general:?}");
        let named = answer["extensions"]["carelog"]["masked"].as_array().unwrap();
        assert!(named.contains(&json!(of)), "the answer says that something is masked: {named:?}");
    }
    // The law is not closed out: an officer who sees that rules are kept sees it all.
    for of in ["BrokenGlass", "Consent", "Disclosure", "Restriction"] {
        let (.., way) = MASKED.iter().find(|(known, ..)| *known == of).unwrap();
        let answer = look(&world, &everything, (of, Role::ComplianceOfficer, "HCOMPL", way), &objects).await;
        let mut found = Vec::new();
        maskable(&answer["data"], of, &mut found);
        assert!(found.iter().any(|object| object["masked"].is_null()) && found.iter().all(|object| object["masked"] != "DISSENT"), "{answer:#}");
    }
}

/// A patient, an appointment and a history in which every field shows that not everybody sees.
async fn with_every_field(world: &World) -> (Uuid, Uuid) {
    let clinic = Clinic::open(world).await;
    let (patient, appointment) = (fresh_id(), fresh_id());
    let demographics = json!({ "name": [{ "family": "Lovelace" }], "maritalStatus": "M" });
    let contact = json!({ "telecom": [{ "system": "phone", "value": "555-0111" }], "address": [{ "city": "Chicago" }] });
    world.tell(Role::FrontDesk, "patients/register-patient", json!({ "patient": patient, "demographics": demographics, "contact": contact })).await;
    let booked = json!({ "appointment": appointment, "patient": patient, "placement": clinic.placement("2031-03-03T09:00:00"), "reason": "cough" });
    world.tell(Role::FrontDesk, "scheduling/book-appointment", booked).await;
    world.tell(Role::FrontDesk, "scheduling/cancel-appointment", json!({ "appointment": appointment, "patient": patient, "reason": "moved" })).await;
    (patient, appointment)
}

/// Which of the fields an answer holds something in, by its path there.
fn shows(answer: &Value, path: &str) -> bool {
    let (of, field) = path.split_once('.').unwrap();
    !answer["data"][of.to_lowercase()][field].is_null()
}

#[tokio::test]
async fn a_field_that_not_everybody_sees_is_closed_in_every_place_where_it_shows() {
    let world = World::new().await;
    let (patient, appointment) = with_every_field(&world).await;
    let query = "query($patient: ID!, $appointment: ID!) { patient(id: $patient) { maritalStatus contact { telecom { value } } } \
                 appointment(id: $appointment) { reason statusReason } }";
    let history = "query($patient: ID!) { patient(id: $patient) { history { nodes { eventType details { label } } } } }";
    for role in [Role::Clinician, Role::FrontDesk, Role::Administrator, Role::ComplianceOfficer] {
        let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(Uuid::from_u128(32)), [role].into()));
        let answer = world.ask(&token, query, json!({ "patient": patient, "appointment": appointment })).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        let resource: Value = world.client.get(format!("{}/fhir/Patient/{patient}", world.at)).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
        assert_eq!(resource["resourceType"], "Patient", "{resource:#}");
        let told = world.ask(&token, history, json!({ "patient": patient })).await;
        let entries = told["data"]["patient"]["history"]["nodes"].as_array().cloned().unwrap_or_default();
        let detail = |context: Context, label: &str| {
            let of_context = entries.iter().filter(|entry| entry["eventType"].as_str().and_then(Context::of) == Some(context));
            of_context.flat_map(|entry| entry["details"].as_array().unwrap()).any(|detail| detail["label"] == label)
        };
        for protected in &PROTECTED_FIELDS {
            let sees = shows(&answer, protected.graphql);
            assert!(sees || role != Role::Clinician, "{} shows nowhere", protected.graphql);
            let masked = answer["extensions"]["carelog"]["masked"].as_array().is_some_and(|masked| masked.contains(&json!(protected.graphql)));
            assert_eq!(masked, !sees, "{role:?} {}", protected.graphql);
            for element in protected.fhir {
                assert_eq!(!resource[element.split_once('.').unwrap().1].is_null(), sees, "{role:?} {element}: {resource:#}");
            }
            for (context, label) in protected.details.iter().filter(|_| role != Role::FrontDesk) {
                assert_eq!(detail(*context, label), sees, "{role:?} {} {label}: {told:#}", context.name());
            }
        }
    }
}
