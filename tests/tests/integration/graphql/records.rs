//! Charts: now, at any moment before, what changed in between, and who sees them.

use std::collections::BTreeSet;

use domain::records::FactKind;
use domain::{PatientId, TenantId};
use event_schemas::examples::{contents, encounter_id};
use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::crawl::Objects;
use super::listening::Listening;
use super::socket::Socket;

const PROVENANCE: &str = "position event user role time";
const CHART: &str = "query($id: ID!, $asOf: AsOf, $first: Int, $after: String, $kinds: [FactKind!]) { patient(id: $id) { \
    chart(asOf: $asOf, first: $first, after: $after, kinds: $kinds) { allergyStatus position pageInfo { hasNextPage endCursor } nodes { \
        id uuid kind title status statusReason security amendments occurred recorded { PROVENANCE } changed { PROVENANCE } \
        screening { checked acknowledged conflicts { kind with { uuid status } } } \
        encounter { uuid content { ... on Encounter { status class { code } } } } \
        content { __typename ... on Condition { code { text } severity { text } } ... on AllergyIntolerance { code { coding { code } } } \
            ... on MedicationRequest { medicationCodeableConcept { coding { code } } } } } } } }";

async fn chart(world: &World, token: &str, variables: Value) -> Value {
    let answer = world.data(token, &CHART.replace("PROVENANCE", PROVENANCE), variables).await;
    answer["patient"]["chart"].clone()
}

async fn titles(world: &World, token: &str, patient: Uuid, position: i64) -> Vec<String> {
    let chart = chart(world, token, json!({ "id": patient, "asOf": { "position": position } })).await;
    let mut titles: Vec<String> = chart["nodes"].as_array().into_iter().flatten().map(|node| node["title"].as_str().unwrap_or_default().to_owned()).collect();
    titles.sort();
    titles
}

/// What a chart says, whatever moment it is said to be of.
fn said(chart: &Value) -> (Value, Value) {
    (chart["allergyStatus"].clone(), chart["nodes"].clone())
}

fn coded(code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": "urn:substances", "code": code, "display": display }] })
}

async fn record(world: &World, kind: &str, patient: Uuid, content: Value) -> Uuid {
    let fact = fresh_id();
    world.tell(Role::Clinician, &format!("records/record-{kind}"), json!({ "fact": fact, "patient": patient, "content": content })).await;
    fact
}

/// Elements of which FHIR allows one type at a time, each with more than one here.
const CHOICES: [&str; 9] = ["value", "effective", "onset", "abatement", "performed", "occurrence", "asNeeded", "dose", "rate"];
const TYPES: [&str; 9] = ["DateTime", "Period", "String", "Quantity", "CodeableConcept", "Boolean", "Integer", "Range", "Age"];

/// The content with one type of each choice: the first, the second …, or the last where there are no more.
fn chosen(content: &Value, which: usize) -> Value {
    let choice = |name: &str| CHOICES.iter().find(|choice| name.strip_prefix(**choice).is_some_and(|of_type| TYPES.contains(&of_type)));
    match content {
        Value::Object(fields) => {
            let kept = |name: &String| {
                let Some(of) = choice(name) else { return true };
                let types: Vec<&String> = fields.keys().filter(|other| choice(other) == Some(of)).collect();
                types[which.min(types.len() - 1)] == name
            };
            fields.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), chosen(value, which))).collect()
        }
        Value::Array(items) => items.iter().map(|item| chosen(item, which)).collect(),
        other => other.clone(),
    }
}

/// Facts of every kind with every field, and one that another does not go together with.
pub async fn chart_of_everything(world: &World, patient: Uuid) -> Vec<(FactKind, Uuid, Value)> {
    let concept = json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "X1" }] });
    record(world, "medication-request", patient, json!({ "status": "active", "intent": "order", "medicationCodeableConcept": concept })).await;
    let mut contents = contents();
    contents.sort_by_key(|content| content.kind != FactKind::Encounter);
    let (mut facts, mut encounter): (Vec<(FactKind, Uuid, Value)>, String) = (Vec::new(), String::new());
    for content in contents {
        let full: Value = serde_json::from_str(&content.full.to_string().replace(&encounter_id(), &encounter)).unwrap();
        let mut variants: Vec<Value> = Vec::new();
        for which in 0..TYPES.len() {
            let variant = chosen(&full, which);
            if !variants.contains(&variant) {
                variants.push(variant);
            }
        }
        for variant in variants {
            let mut body = json!({ "fact": fresh_id(), "patient": patient, "content": variant });
            if content.kind == FactKind::MedicationRequest {
                body["acknowledged"] = "The same in other words".into();
            }
            world.tell(Role::Clinician, &format!("records/record-{}", content.kind.name()), body.clone()).await;
            let fact: Uuid = body["fact"].as_str().unwrap().parse().unwrap();
            if content.kind == FactKind::Encounter {
                encounter = fact.to_string();
            }
            facts.push((content.kind, fact, variant));
        }
    }
    facts
}

/// Without what is null or empty.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().filter(|(_, value)| !value.is_null() && *value != &json!([])).map(|(name, value)| (name.clone(), pruned(value))).collect()
        }
        Value::Array(items) => items.iter().map(pruned).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn every_field_of_every_kind_reads_back_as_it_was_written() {
    let world = World::new().await;
    let patient = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    let (facts, objects, token) = (chart_of_everything(&world, patient).await, Objects::of_the_schema(), world.token(Role::Clinician));
    assert_eq!(facts.iter().map(|(kind, ..)| *kind).collect::<BTreeSet<_>>().len(), FactKind::ALL.len());
    for (kind, fact, written) in facts {
        let name = kind.resource_type();
        let query = format!("{{ node(id: \"ChartEntry/{fact}\") {{ ... on ChartEntry {{ content {{ ... on {name} {{ {} }} }} }} }} }}", objects.whole(name));
        let data = world.data(&token, &query, json!({})).await;
        assert_eq!(pruned(&data["node"]["content"]), written, "{name}");
    }
    world.side.agrees(&projections::all()).await;
}

/// A story of two records that are merged for a while, and what both charts said after each step.
struct Story {
    world: World,
    ada: Uuid,
    bob: Uuid,
    condition: Uuid,
    allergy: Uuid,
    steps: Vec<(i64, [(Value, Value); 2])>,
}

impl Story {
    async fn tell() -> Self {
        let world = World::new().await;
        let clinic = Clinic::open(&world).await;
        let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Ada", "Byron").await);
        let (visit, condition, tablets, allergy, none) = (fresh_id(), fresh_id(), fresh_id(), fresh_id(), fresh_id());
        let merge = json!({ "survivor": ada, "merged": bob, "reason": "same person" });
        let encounter = |status: &str| json!({ "status": status, "class": { "code": "AMB", "display": "Ambulatory" }, "period": { "start": "2026-03-02" } });
        let asthma = |severity: &str| {
            json!({ "code": { "text": "Asthma" }, "severity": { "text": severity }, "onsetDateTime": "2001",
                "encounter": { "reference": format!("Encounter/{visit}") } })
        };
        let amoxicillin = json!({ "status": "active", "intent": "order", "medicationCodeableConcept": coded("A", "Amoxicillin"), "authoredOn": "2026-02-01" });
        let no_known_allergy = json!({ "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy" }] } });
        let mut story = Self { world, ada, bob, condition, allergy, steps: Vec::new() };
        for (role, command, body) in [
            (Role::Clinician, "records/record-encounter", json!({ "fact": visit, "patient": ada, "content": encounter("planned") })),
            (Role::Clinician, "records/record-condition", json!({ "fact": condition, "patient": ada, "content": asthma("Mild"), "security": ["R"] })),
            (Role::Clinician, "records/record-medication-request", json!({ "fact": tablets, "patient": bob, "content": amoxicillin })),
            (Role::Clinician, "records/record-allergy", json!({ "fact": none, "patient": ada, "content": no_known_allergy })),
            (Role::Administrator, "patients/merge-patients", merge.clone()),
            (Role::Clinician, "records/amend-condition", json!({ "fact": condition, "patient": ada, "content": asthma("Severe"), "reason": "Worse" })),
            (Role::Clinician, "records/record-allergy", json!({ "fact": allergy, "patient": ada, "content": { "code": coded("A", "Amoxicillin") } })),
            (Role::Clinician, "records/enter-allergy-in-error", json!({ "fact": allergy, "patient": ada, "reason": "Of the sister" })),
            (Role::Administrator, "patients/undo-merge", merge),
            (Role::Clinician, "records/amend-encounter", json!({ "fact": visit, "patient": ada, "content": encounter("finished"), "reason": "Done" })),
        ] {
            let position = story.world.tell(role, command, body).await;
            let said = [story.said(ada, Value::Null).await, story.said(bob, Value::Null).await];
            story.steps.push((position, said));
        }
        story
    }

    async fn said(&self, patient: Uuid, as_of: Value) -> (Value, Value) {
        said(&chart(&self.world, &self.world.token(Role::Clinician), json!({ "id": patient, "asOf": as_of })).await)
    }

    fn at(&self, step: usize) -> i64 {
        self.steps[step].0
    }
}

#[tokio::test]
async fn a_chart_as_of_a_moment_is_what_it_said_then() {
    let story = Story::tell().await;
    let world = &story.world;
    for (step, (position, then)) in story.steps.iter().enumerate() {
        let as_of = json!({ "position": position });
        assert_eq!([story.said(story.ada, as_of.clone()).await, story.said(story.bob, as_of).await], *then, "step {step}");
    }
    let count = |step: usize| story.steps[step].1.each_ref().map(|(_, nodes)| nodes.as_array().unwrap().len());
    assert_eq!((count(3), count(4), count(7), count(8)), ([3, 1], [4, 4], [5, 5], [4, 1]), "facts come and go with the merge");
    let status = |step: usize| story.steps[step].1[0].0.clone();
    assert_eq!([status(0), status(3), status(6), status(7)], ["NOT_ASKED", "NONE_KNOWN", "KNOWN", "NONE_KNOWN"]);

    let (_, flagged) = &story.steps[6].1[0];
    let flagged = flagged.as_array().unwrap().iter().find(|node| node["uuid"] == story.allergy.to_string()).unwrap();
    assert_eq!(flagged["screening"]["conflicts"][0]["kind"], "ACTIVE_MEDICATION");
    let (_, after) = &story.steps[7].1[0];
    let gone = after.as_array().unwrap().iter().find(|node| node["uuid"] == story.allergy.to_string()).unwrap();
    assert_eq!((&gone["status"], &gone["statusReason"]), (&json!("ENTERED_IN_ERROR"), &json!("Of the sister")), "it stays readable as such");

    let token = world.token(Role::Clinician);
    let (_, nodes) = &story.steps[5].1[0];
    let amended = nodes.as_array().unwrap().iter().find(|node| node["uuid"] == story.condition.to_string()).unwrap();
    assert_eq!((&amended["amendments"], &amended["security"], &amended["changed"]["position"]), (&json!(1), &json!(["R"]), &json!(story.at(5))), "labels stay");
    let by_time = chart(world, &token, json!({ "id": story.ada, "asOf": { "time": amended["changed"]["time"] } })).await;
    assert_eq!((said(&by_time), &by_time["position"]), (story.steps[5].1[0].clone(), &json!(story.at(5))), "a time means the last position at or before it");
    let ahead = chart(world, &token, json!({ "id": story.ada, "asOf": { "position": 1_000_000_000 } })).await;
    assert_eq!((said(&ahead), &ahead["position"]), (story.steps[9].1[0].clone(), &json!(story.at(9))), "what has not come yet is the end of the log");
    world.side.agrees(&projections::all()).await;
}

#[tokio::test]
async fn pages_of_the_past_and_of_the_present_are_the_same() {
    let story = Story::tell().await;
    let token = story.world.token(Role::Clinician);
    for kinds in [Value::Null, json!(["CONDITION", "ENCOUNTER"])] {
        let mut pages = [Vec::new(), Vec::new()];
        for (pages, as_of) in pages.iter_mut().zip([Value::Null, json!({ "position": story.at(9) })]) {
            let mut after = Value::Null;
            loop {
                let page = chart(&story.world, &token, json!({ "id": story.ada, "asOf": as_of, "first": 1, "after": after, "kinds": kinds })).await;
                after = page["pageInfo"]["endCursor"].clone();
                pages.push(page["nodes"].clone());
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
        }
        assert_eq!(pages[0], pages[1]);
        assert_eq!(pages[0].len(), if kinds.is_null() { 4 } else { 2 });
    }
}

#[tokio::test]
async fn what_changed_between_two_moments_is_told_field_by_field() {
    let story = Story::tell().await;
    let query = "query($id: ID!, $from: AsOf!, $to: AsOf!) { patient(id: $id) { chartChanges(from: $from, to: $to) { nodes { \
        uuid kind title what reason by { position user role } fields { path before after } } } } }";
    let changes = async |from: i64, to: i64| {
        let variables = json!({ "id": story.ada, "from": { "position": from }, "to": { "position": to } });
        let data = story.world.data(&story.world.token(Role::ComplianceOfficer), query, variables).await;
        data["patient"]["chartChanges"]["nodes"].as_array().unwrap().clone()
    };
    let told = |changes: &[Value]| changes.iter().map(|change| change["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(told(&changes(story.at(3), story.at(7)).await), ["JOINED", "AMENDED", "RECORDED", "ENTERED_IN_ERROR"]);
    assert_eq!(told(&changes(story.at(7), story.at(8)).await), ["LEFT"]);
    assert!(changes(story.at(9), story.at(9)).await.is_empty());
    let amendment = &changes(story.at(4), story.at(5)).await[0];
    assert_eq!((&amendment["title"], &amendment["reason"], &amendment["by"]["role"]), (&json!("Asthma"), &json!("Worse"), &json!("clinician")));
    let fields = json!([{ "path": "Condition.severity.text", "before": "Mild", "after": "Severe" }]);
    assert_eq!(amendment["fields"], fields);
    let backwards = json!({ "id": story.ada, "from": { "position": story.at(5) }, "to": { "position": story.at(4) } });
    let answer = story.world.ask(&story.world.token(Role::ComplianceOfficer), query, backwards).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_patient_sees_their_own_past_and_nobody_elses() {
    let story = Story::tell().await;
    let (world, ada, bob) = (&story.world, story.ada, story.bob);
    let (staff, as_ada, as_bob) = (world.token(Role::Clinician), world.token_of_patient(ada), world.token_of_patient(bob));
    let merged = story.at(5);
    let all = ["Ambulatory", "Amoxicillin", "Asthma", "No known allergy"];
    assert_eq!(titles(world, &staff, bob, merged).await, all, "the records were one person's then");
    assert_eq!(titles(world, &as_bob, bob, merged).await, ["Amoxicillin"], "another's facts are not shown to who was taken for them");
    assert_eq!(titles(world, &as_ada, ada, merged).await, ["Ambulatory", "Asthma", "No known allergy"]);
    let none = Vec::<String>::new();
    assert_eq!(titles(world, &as_ada, bob, merged).await, none);
    let changes = "query($id: ID!) { patient(id: $id) { chartChanges(from: { position: 0 }, to: { position: 100000 }) { nodes { uuid } } } }";
    let own = world.data(&as_bob, changes, json!({ "id": bob })).await;
    assert_eq!(own["patient"]["chartChanges"]["nodes"].as_array().unwrap().len(), 1);
    let entry = format!("{{ node(id: \"ChartEntry/{}\") {{ id }} }}", story.condition);
    assert!(world.data(&as_bob, &entry, json!({})).await["node"].is_null());
    assert!(!world.data(&as_ada, &entry, json!({})).await["node"].is_null());
    let elsewhere = world.token_of(|claims| (claims.tenant, claims.roles) = (TenantId(Uuid::from_u128(99)), [Role::Clinician].into()));
    let query = json!({ "query": CHART.replace("PROVENANCE", PROVENANCE), "variables": { "id": ada, "asOf": { "position": merged } } });
    let answer = world.request(&elsewhere, &query).send().await.unwrap().json::<Value>().await.unwrap();
    assert!(answer["data"]["patient"].is_null(), "{answer}");
    for role in [Role::FrontDesk, Role::Administrator, Role::Analyst] {
        let answer = world.ask(&world.token(role), &CHART.replace("PROVENANCE", PROVENANCE), json!({ "id": ada })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}");
    }
}

#[tokio::test]
async fn a_chart_is_followed_as_it_changes() {
    let world = World::new().await;
    let patient = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    record(&world, "condition", patient, json!({ "code": { "text": "Earlier" } })).await;
    let mut socket = Socket::open(
        &world,
        &world.token_of(|claims| {
            (claims.roles, claims.patient) = ([Role::Patient].into(), Some(PatientId(patient)));
        }),
    )
    .await;
    let query = format!("subscription {{ patientChart(patient: \"{patient}\") {{ position entries {{ uuid title status }} }} }}");
    socket.subscribe("1", &json!({ "query": query, "extensions": { "carelog": { "waitFor": world.position() } } })).await;
    assert_eq!(socket.silence().await, None, "only what changes from now on");
    let fact = record(&world, "condition", patient, json!({ "code": { "text": "Asthma" } })).await;
    let message = socket.next().await;
    let change = &message["payload"]["data"]["patientChart"];
    assert_eq!(change["entries"], json!([{ "uuid": fact, "title": "Asthma", "status": "CURRENT" }]), "{message}");
    assert_eq!(change["position"], world.position());
    world.tell(Role::Clinician, "records/enter-condition-in-error", json!({ "fact": fact, "patient": patient, "reason": "Wrong chart" })).await;
    let message = socket.next().await;
    assert_eq!(message["payload"]["data"]["patientChart"]["entries"][0]["status"], "ENTERED_IN_ERROR", "{message}");
}

#[tokio::test]
async fn a_merge_brings_facts_and_its_undoing_takes_them() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Ada", "Byron").await);
    let tablets =
        record(&world, "medication-request", ada, json!({ "status": "active", "intent": "order", "medicationCodeableConcept": coded("A", "Amoxicillin") }))
            .await;
    let allergy = record(&world, "allergy", bob, json!({ "code": coded("A", "Amoxicillin") })).await;
    let mut sockets = Vec::new();
    for token in [world.token(Role::Clinician), world.token_of_patient(ada)] {
        let mut socket = Socket::open(&world, &token).await;
        let query = format!("subscription {{ patientChart(patient: \"{ada}\") {{ position leftRecords entries {{ uuid record }} }} }}");
        socket.subscribe("1", &json!({ "query": query, "extensions": { "carelog": { "waitFor": world.position() } } })).await;
        assert_eq!(socket.silence().await, None);
        sockets.push(socket);
    }
    let screening = async || {
        let query = "query($id: ID!) { patient(id: $id) { chart { allergyStatus screening { checked conflicts { kind entry { uuid } with { uuid } } } \
            nodes { uuid screening { conflicts { kind } } } } } }";
        world.data(&world.token(Role::Clinician), query, json!({ "id": ada })).await["patient"]["chart"].clone()
    };
    assert_eq!(screening().await["screening"], json!({ "checked": true, "conflicts": [] }));

    let merge = json!({ "survivor": ada, "merged": bob, "reason": "same person" });
    let merged = world.tell(Role::Administrator, "patients/merge-patients", merge.clone()).await;
    for socket in &mut sockets {
        let message = socket.next().await;
        let update = &message["payload"]["data"]["patientChart"];
        assert_eq!(*update, json!({ "position": merged, "leftRecords": [], "entries": [{ "uuid": allergy, "record": bob }] }), "{message}");
    }
    let chart = screening().await;
    let conflict = json!({ "kind": "ALLERGY", "entry": { "uuid": tablets }, "with": { "uuid": allergy } });
    assert_eq!((&chart["screening"], &chart["allergyStatus"]), (&json!({ "checked": true, "conflicts": [conflict] }), &json!("KNOWN")), "{chart}");
    assert!(chart["nodes"].as_array().unwrap().iter().all(|node| node["screening"]["conflicts"] == json!([])), "what was told at the time stays");

    let parted = world.tell(Role::Administrator, "patients/undo-merge", merge).await;
    for socket in &mut sockets {
        let message = socket.next().await;
        assert_eq!(message["payload"]["data"]["patientChart"], json!({ "position": parted, "leftRecords": [bob], "entries": [] }), "{message}");
        assert_eq!(socket.silence().await, None, "each change comes once");
    }
    assert_eq!(screening().await["screening"]["conflicts"], json!([]));
    world.side.agrees(&projections::all()).await;
}

#[tokio::test]
async fn of_a_parked_patient_nothing_is_said_to_be_absent() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (parked, merged, other) =
        (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Ada", "Byron").await, clinic.patient(&world, "Bob", "Byron").await);
    world.tell(Role::Administrator, "patients/merge-patients", json!({ "survivor": parked, "merged": merged, "reason": "same person" })).await;
    let query = "query($id: ID!) { patient(id: $id) { chart { allergyStatus screening { checked } } } }";
    let said = async |patient: Uuid| world.data(&world.token(Role::Clinician), query, json!({ "id": patient })).await["patient"]["chart"].clone();
    let nothing_asked = json!({ "allergyStatus": "NOT_ASKED", "screening": { "checked": true } });
    assert_eq!(said(parked).await, nothing_asked);
    let statement = "insert into projection.parked (schema_name, tenant, subject, position, event_type, reason, parked_at) \
                     select schema_name, $1, $2, 1, 'records.AllergyIntoleranceRecorded', 'a test', now() from projection.version where active and name = $3";
    let park = async |subject: Uuid, projection: &str| {
        let parked = sqlx::query(statement).bind(world.tenant.0).bind(format!("patient/{subject}")).bind(projection);
        assert_eq!(parked.execute(&world.side.read).await.unwrap().rows_affected(), 1);
    };
    park(other, "scheduling").await;
    park(merged, "records").await;
    for patient in [parked, merged] {
        assert_eq!(said(patient).await, json!({ "allergyStatus": null, "screening": null }), "the records are one person's");
    }
    assert_eq!(said(other).await, nothing_asked, "what is known of appointments says nothing of allergies");
}

#[tokio::test]
async fn a_moment_beyond_all_calendars_is_refused_and_once_stored_parks_nothing() {
    let world = World::new().await;
    let patient = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    let content = json!({ "code": { "text": "Asthma" }, "onsetDateTime": "9999-12-31T23:59:59-12:00" });
    let body = json!({ "fact": fresh_id(), "patient": patient, "content": content });
    let refused = world.client.post(format!("{}/v1/records/record-condition", world.at)).bearer_auth(world.token(Role::Clinician)).json(&body);
    let refused: Value = refused.send().await.unwrap().json().await.unwrap();
    let parameters = json!({ "field": "Condition.onsetDateTime", "rule": "lie before the year 10000 of UTC" });
    assert_eq!((&refused["code"], &refused["parameters"]), (&json!("content-invalid"), &parameters), "{refused}");

    let stored = crate::projections::events::event::<domain::records::ConditionRecorded>(
        json!({ "patient": patient, "fact": fresh_id(), "content": content, "security": [], "screening": null }),
    );
    world.side.log.store.append(world.side.log.append(vec![stored]).await).await.unwrap();
    record(&world, "condition", patient, json!({ "code": { "text": "Later" } })).await;
    let chart = chart(&world, &world.token(Role::Clinician), json!({ "id": patient })).await;
    let titles: Vec<&Value> = chart["nodes"].as_array().unwrap().iter().map(|node| &node["title"]).collect();
    assert_eq!((titles, &chart["allergyStatus"]), (vec![&json!("Asthma"), &json!("Later")], &json!("NOT_ASKED")), "{chart}");
}

#[tokio::test]
async fn a_thousand_facts_take_as_many_statements_as_ten() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let mut patients = Vec::new();
    for facts in [10, 1000] {
        let patient = clinic.patient(&world, "Ada", &format!("Lovelace {facts}")).await;
        let visit = record(&world, "encounter", patient, json!({ "status": "planned", "class": { "code": "AMB" } })).await;
        record(&world, "allergy", patient, json!({ "code": { "text": "Dust" } })).await;
        let content = json!({ "code": { "text": "Cough" }, "encounter": { "reference": format!("Encounter/{visit}") } });
        let fact = || {
            crate::projections::events::event::<domain::records::ConditionRecorded>(
                json!({ "patient": patient, "fact": fresh_id(), "content": content, "security": [], "screening": null }),
            )
        };
        let events = (2..facts).map(|_| fact()).collect();
        world.side.log.store.append(world.side.log.append(events).await).await.unwrap();
        patients.push(patient);
    }
    clinic.patient(&world, "Ada", "Last").await;
    let token = world.token(Role::Clinician);
    // Whoever looks for the first time gets a key, under which their looks are recorded.
    world.data(&token, "{ patients(first: 1) { nodes { id } } }", json!({})).await;
    let end = world.position();
    let world = world.at_rest().await;
    let listening = Listening::start();
    for as_of in [Value::Null, json!({ "position": end })] {
        let mut statements = Vec::new();
        for (patient, shown) in patients.iter().zip([10, 100]) {
            listening.statements();
            let chart = chart(&world, &token, json!({ "id": patient, "asOf": as_of, "first": 100 })).await;
            assert_eq!(chart["nodes"].as_array().unwrap().len(), shown);
            statements.push(listening.statements());
        }
        assert!(statements[0] > 5, "the statements are counted: {statements:?}");
        assert_eq!(statements[0], statements[1], "as of {as_of}");
    }
}
