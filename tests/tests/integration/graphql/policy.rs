//! Who sees what: sensitive labels, consents, dissents, restrictions, people whom patients let in, broken glass, roles at facilities, and how a decision is explained.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{AccessOutcome, DecisionFact, DecisionOutcome};
use domain::{FacilityId, Label, PatientId, PractitionerId, UserId};
use event_store::fresh_id;
use gate::{REDISCLOSURE, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::socket::Socket;
use crate::documents::desk::form;

/// What nobody finds who is not to see it.
const SECRET: &str = "Xylophonia";

/// Everything of a patient in which a fact, a document or their history could show.
const EVERYWHERE: &str = "query($id: ID!, $fact: ID!, $document: ID!) { patient(id: $id) { displayName \
    chart { allergyStatus screening { conflicts { with { uuid title } } } documents { nodes { uuid title masked security download } } \
        nodes { uuid title masked security content { ... on Condition { code { text } } } } } \
    past: chart(asOf: { time: \"2099-01-01T00:00:00Z\" }) { documents { nodes { uuid title masked } } nodes { uuid title masked security content { ... on Condition { code { text } } } } } \
    chartChanges(from: { position: 0 }, to: { time: \"2099-01-01T00:00:00Z\" }) { nodes { uuid title fields { after } } } \
    history { nodes { summary masked details { label value } } } } \
    fact: node(id: $fact) { ... on ChartEntry { uuid title masked } } document: node(id: $document) { ... on Document { uuid title masked } } }";

struct Story<'world> {
    world: &'world World,
    clinic: Clinic,
    patient: Uuid,
    fact: Uuid,
    document: Uuid,
}

impl<'world> Story<'world> {
    /// A patient with a fact and a document of a label.
    async fn of(world: &'world World, label: &str) -> Self {
        let clinic = Clinic::open(world).await;
        let patient = clinic.patient(world, "Ada", "Lovelace").await;
        let fact = fresh_id();
        let content = json!({ "code": { "text": SECRET } });
        world.tell(Role::Clinician, "records/record-condition", json!({ "fact": fact, "patient": patient, "content": content, "security": [label] })).await;
        let document = fresh_id();
        let content = json!({ "status": "current", "attachment": { "contentType": "text/plain", "title": SECRET } });
        let uploaded = json!({ "document": document, "patient": patient, "content": content, "security": [label] });
        let (kind, body) = form(&uploaded.to_string(), SECRET.as_bytes());
        let request = world.client.post(format!("{}/v1/documents/upload", world.at)).bearer_auth(world.token(Role::Clinician));
        let answer = request.header("Content-Type", kind).body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        Self { world, clinic, patient, fact, document }
    }

    async fn everywhere(&self, token: &str, purpose: Option<&str>) -> Value {
        let variables = json!({ "id": self.patient, "fact": format!("ChartEntry/{}", self.fact), "document": format!("Document/{}", self.document) });
        let extensions = json!({ "carelog": { "waitFor": self.world.tell(Role::FrontDesk, "patients/change-contact-details", self.touch()).await } });
        let mut request = self.world.request(token, &json!({ "query": EVERYWHERE, "variables": variables, "extensions": extensions }));
        if let Some(purpose) = purpose {
            request = request.header("carelog-purpose-of-use", purpose);
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer
    }

    /// Something that changes, so that whoever waits for it sees all before.
    fn touch(&self) -> Value {
        json!({ "patient": self.patient, "contact": { "telecom": [{ "system": "phone", "value": fresh_id().to_string() }] } })
    }

    async fn get(&self, token: &str, path: &str) -> (StatusCode, String, Option<String>) {
        let answer = self.world.client.get(format!("{}{path}", self.world.at)).bearer_auth(token).send().await.unwrap();
        let notice = answer.headers().get("carelog-notice").map(|notice| notice.to_str().unwrap().to_owned());
        (answer.status(), answer.text().await.unwrap(), notice)
    }

    /// What of it a token sees in all APIs.
    async fn seen(&self, token: &str, purpose: Option<&str>) -> Seen {
        let answer = self.everywhere(token, purpose).await;
        let chart = &answer["data"]["patient"]["chart"];
        let count = |nodes: &Value| nodes.as_array().map_or(0, Vec::len);
        let there = count(&chart["nodes"]) + count(&chart["documents"]["nodes"]);
        let masked = |nodes: &Value| nodes.as_array().into_iter().flatten().filter(|node| !node["masked"].is_null()).count();
        Seen { graphql: answer.to_string().contains(SECRET), there, masked: masked(&chart["nodes"]) + masked(&chart["documents"]["nodes"]), answer }
    }
}

struct Seen {
    /// Whether the text is anywhere in the answer.
    graphql: bool,
    /// How many entries and documents the chart has.
    there: usize,
    /// How many of them are masked.
    masked: usize,
    answer: Value,
}

impl Seen {
    fn whole(&self) -> bool {
        self.graphql && self.there == 2 && self.masked == 0
    }
    fn masked(&self) -> bool {
        !self.graphql && self.there == 2 && self.masked == 2
    }
    fn hidden(&self) -> bool {
        !self.graphql && self.there == 0
    }
}

/// A clinician who wrote nothing of it.
fn colleague(world: &World, user: u128) -> String {
    world.token_of(|claims| (claims.sub, claims.roles) = (UserId(Uuid::from_u128(user)), [Role::Clinician].into()))
}

#[tokio::test]
async fn what_bears_a_sensitive_label_is_masked_unless_something_opens_it() {
    let world = World::new().await;
    let story = Story::of(&world, "HIV").await;
    let stranger = colleague(&world, 21);
    let seen = story.seen(&stranger, None).await;
    assert!(seen.masked(), "{:#}", seen.answer);
    assert_eq!(seen.answer["data"]["patient"]["chart"]["nodes"][0]["security"], json!([]), "not even what sort of thing it is");
    assert_eq!(seen.answer["data"]["patient"]["chart"]["nodes"][0]["masked"], "LABEL");
    assert_eq!(seen.answer["data"]["patient"]["chartChanges"]["nodes"], json!([]));
    assert_eq!(seen.answer["data"]["fact"]["title"], Value::Null);

    let fact = format!("/fhir/Condition/{}", story.fact);
    let everything = format!("/fhir/Patient/{}/$everything", story.patient);
    let document = format!("/v1/documents/{}", story.document);
    let (status, text, _) = story.get(&stranger, &fact).await;
    assert!(status == StatusCode::FORBIDDEN && text.contains("suppressed") && !text.contains(SECRET), "{text}");
    let (status, text, _) = story.get(&stranger, &everything).await;
    assert!(status == StatusCode::OK && text.contains("suppressed") && !text.contains(SECRET), "{text}");
    let (status, text, _) = story.get(&stranger, &document).await;
    assert!(status == StatusCode::FORBIDDEN && text.contains("document-masked"), "{text}");
    let link = world.client.post(format!("{}{document}/link", world.at)).bearer_auth(&stranger).send().await.unwrap();
    assert_eq!(link.status(), StatusCode::FORBIDDEN);

    // The author, the patient, and who treats the patient see it.
    assert!(story.seen(&world.token(Role::Clinician), None).await.whole());
    let patient =
        world.token_of(|claims| (claims.sub, claims.roles, claims.patient) = (UserId(fresh_id()), [Role::Patient].into(), Some(PatientId(story.patient))));
    assert!(story.seen(&patient, None).await.whole());
    let practitioner = PractitionerId(story.clinic.practitioners[0]);
    let treats = world.token_of(|claims| (claims.sub, claims.roles, claims.practitioner) = (UserId(fresh_id()), [Role::Clinician].into(), Some(practitioner)));
    assert!(story.seen(&treats, None).await.masked(), "nobody treats yet");
    let appointment = story.clinic.book(&world, story.patient, "2031-03-03T09:00:00").await;
    assert!(story.seen(&treats, None).await.whole());
    assert!(story.seen(&treats, Some("HRESCH")).await.masked(), "to treat somebody opens nothing for research");
    for path in [&fact, &everything, &document] {
        assert!(story.get(&treats, path).await.1.contains(SECRET), "{path}");
    }
    world.tell(Role::FrontDesk, "scheduling/cancel-appointment", json!({ "appointment": appointment, "patient": story.patient, "reason": "moved" })).await;
    assert!(story.seen(&treats, None).await.masked());

    // Whoever changes it does not become its author, and takes no label off.
    let content = json!({ "code": { "text": "Other" } });
    let amended = json!({ "fact": story.fact, "patient": story.patient, "content": content, "security": [], "reason": "declassified" });
    world.tell_as(&stranger, "records/amend-condition", amended).await;
    assert!(story.seen(&stranger, None).await.masked());
    world.tell_as(&stranger, "records/enter-condition-in-error", json!({ "fact": story.fact, "patient": story.patient, "reason": "curious" })).await;
    assert!(story.seen(&stranger, None).await.masked());
    // And nobody opens anything to themselves.
    let provision = json!({ "recipient": { "user": Uuid::from_u128(21) }, "labels": ["HIV"] });
    let consent = json!({ "consent": fresh_id(), "patient": story.patient, "decision": "permit", "provision": provision });
    assert_eq!(world.try_to(&stranger, "consents/grant-consent", &consent).await.1["code"], "recipient-records");
}

#[tokio::test]
async fn a_dissent_to_a_facility_reaches_everyone_who_works_in_the_tenant() {
    let world = World::new().await;
    let story = Story::of(&world, "R").await;
    let token = colleague(&world, 28);
    assert!(story.seen(&token, None).await.whole());
    let provision = json!({ "recipient": { "facility": story.clinic.facility }, "kinds": ["chart", "documents"] });
    let dissent = json!({ "consent": fresh_id(), "patient": story.patient, "decision": "deny", "provision": provision });
    world.tell_as(&world.token_of_patient(story.patient), "consents/grant-consent", dissent).await;
    assert!(story.seen(&token, None).await.masked());
}

#[tokio::test]
async fn a_consent_opens_what_it_names_and_goes_with_its_notice() {
    let world = World::new().await;
    let story = Story::of(&world, "ETH").await;
    let (stranger, other) = (colleague(&world, 22), colleague(&world, 23));
    story.clinic.book(&world, story.patient, "2031-03-03T09:00:00").await;
    assert!(story.seen(&stranger, None).await.masked());
    let consent = fresh_id();
    let provision = json!({ "recipient": { "user": Uuid::from_u128(22) }, "purposes": ["TREAT"], "labels": ["ETH"] });
    let granted = json!({ "consent": consent, "patient": story.patient, "decision": "permit", "provision": provision });
    world.tell_as(&world.token_of_patient(story.patient), "consents/grant-consent", granted).await;
    let seen = story.seen(&stranger, None).await;
    assert!(seen.whole(), "{:#}", seen.answer);
    assert_eq!(seen.answer["extensions"]["carelog"]["notices"], json!([REDISCLOSURE]));
    assert_eq!(story.get(&stranger, &format!("/fhir/Condition/{}", story.fact)).await.2.as_deref(), Some(REDISCLOSURE));
    assert!(story.seen(&stranger, Some("HRESCH")).await.masked(), "for another purpose it is closed");
    assert!(story.seen(&other, None).await.masked(), "and to anybody else");
    world
        .tell_as(&world.token_of_patient(story.patient), "consents/revoke-consent", json!({ "consent": consent, "patient": story.patient, "reason": "no" }))
        .await;
    assert!(story.seen(&stranger, None).await.masked(), "the next read obeys");
}

#[tokio::test]
async fn a_dissent_beats_what_permits_and_the_next_message_of_a_stream_obeys_it() {
    let world = World::new().await;
    let story = Story::of(&world, "R").await;
    let user = Uuid::from_u128(24);
    let token = colleague(&world, 24);
    assert!(story.seen(&token, None).await.whole(), "restricted is not sensitive");
    let mut socket = Socket::open(&world, &token).await;
    let follow = format!("subscription {{ patientChart(patient: \"{}\") {{ entries {{ title masked }} }} }}", story.patient);
    socket.say(&json!({ "id": "1", "type": "subscribe", "payload": { "query": follow } })).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let record = async || {
        let content = json!({ "code": { "text": SECRET } });
        world.tell(Role::Clinician, "records/record-condition", json!({ "fact": fresh_id(), "patient": story.patient, "content": content })).await
    };
    record().await;
    assert!(socket.next().await.to_string().contains(SECRET));

    let provision = json!({ "recipient": { "user": user }, "kinds": ["chart", "documents"] });
    let patient = world.token_of_patient(story.patient);
    let dissent = json!({ "consent": fresh_id(), "patient": story.patient, "decision": "deny", "provision": provision });
    let permit =
        json!({ "consent": fresh_id(), "patient": story.patient, "decision": "permit", "provision": { "recipient": { "user": user }, "labels": ["HIV"] } });
    world.tell_as(&patient, "consents/grant-consent", permit).await;
    world.tell_as(&patient, "consents/grant-consent", dissent).await;
    record().await;
    let message = socket.next().await;
    assert!(!message.to_string().contains(SECRET) && message.to_string().contains("DISSENT"), "{message}");
    let seen = story.seen(&token, None).await;
    assert!(!seen.graphql && seen.there == seen.masked, "{:#}", seen.answer);
    assert_eq!(seen.answer["data"]["patient"]["displayName"], "Ada Lovelace", "who they are was not denied");
    assert!(story.seen(&world.token_of_patient(story.patient), None).await.graphql, "the patient's own record stays theirs");

    // In an emergency the glass can be broken; that is on record, and for minutes.
    assert!(!story.seen(&token, Some("BTG")).await.graphql, "asking for the purpose breaks nothing");
    let glass = fresh_id();
    world.tell_as(&token, "emergency/break-glass", json!({ "breakGlass": glass, "patient": story.patient, "reason": "unconscious", "minutes": 5 })).await;
    assert!(!story.seen(&token, None).await.graphql, "and it is used knowingly");
    let seen = story.seen(&token, Some("BTG")).await;
    assert!(seen.graphql && seen.masked == 0, "{:#}", seen.answer);
    let records = world.access_of_answer(&seen.answer).await;
    let facts: BTreeSet<DecisionFact> =
        records.iter().flat_map(|record| record.decisions.as_ref().unwrap().known().unwrap()).flat_map(|decision| decision.facts.clone()).collect();
    assert!(facts.contains(&DecisionFact::BrokenGlass(domain::BreakGlassId(glass))), "{facts:?}");
}

#[tokio::test]
async fn a_restriction_closes_but_for_emergency_treatment() {
    let world = World::new().await;
    let story = Story::of(&world, "R").await;
    let token = colleague(&world, 25);
    let restriction = fresh_id();
    let provision = json!({ "recipient": { "role": "clinician" }, "kinds": ["chart", "documents"] });
    let asked = json!({ "restriction": restriction, "patient": story.patient, "provision": provision, "reason": "private" });
    world.tell_as(&world.token_of_patient(story.patient), "consents/request-restriction", asked).await;
    assert!(story.seen(&token, None).await.whole(), "asked for is not agreed to");
    world.tell(Role::ComplianceOfficer, "consents/agree-to-restriction", json!({ "restriction": restriction, "patient": story.patient })).await;
    let seen = story.seen(&token, None).await;
    assert!(seen.masked() && seen.answer["data"]["fact"]["masked"] == "RESTRICTION", "{:#}", seen.answer);
    assert!(story.seen(&token, Some("ETREAT")).await.whole());
}

#[tokio::test]
async fn records_of_partner_abuse_stay_hidden_from_the_partner() {
    let world = World::new().await;
    let story = Story::of(&world, "SDV").await;
    let partner = fresh_id();
    let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(partner), [Role::Patient].into()));
    let patient = world.token_of_patient(story.patient);
    // Even where the patient was made to open everything to them.
    let scope = json!({ "relationship": "SPS", "labels": ["SDV", "PSY", "HIV"] });
    world.tell_as(&patient, "patients/grant-access", json!({ "patient": story.patient, "grantee": partner, "scope": scope })).await;
    let provision = json!({ "recipient": { "user": partner }, "labels": ["SDV"] });
    let consent = json!({ "consent": fresh_id(), "patient": story.patient, "decision": "permit", "provision": provision });
    world.tell_as(&patient, "consents/grant-consent", consent).await;
    let seen = story.seen(&token, None).await;
    assert!(seen.hidden(), "{:#}", seen.answer);
    assert_eq!(seen.answer["data"]["patient"]["displayName"], "Ada Lovelace");
    for nothing in ["fact", "document"] {
        assert_eq!(seen.answer["data"][nothing], Value::Null);
    }
    for part in ["past", "chartChanges"] {
        assert_eq!(seen.answer["data"]["patient"][part]["nodes"], json!([]), "{part}");
    }
    let history = seen.answer["data"]["patient"]["history"]["nodes"].to_string();
    assert!(!history.contains("clinical fact") && !history.contains("document") && !history.contains("condition"), "{history}");
    for path in [format!("/fhir/Condition/{}", story.fact), format!("/v1/documents/{}", story.document)] {
        let (status, text, _) = story.get(&token, &path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {text}");
    }
    let (_, text, _) = story.get(&token, &format!("/fhir/Patient/{}/$everything", story.patient)).await;
    assert!(!text.contains(SECRET) && !text.contains("suppressed") && !text.contains(&story.fact.to_string()), "{text}");
    let mut socket = Socket::open(&world, &token).await;
    let follow = format!("subscription {{ patientChart(patient: \"{}\") {{ entries {{ uuid title masked }} }} }}", story.patient);
    socket.say(&json!({ "id": "1", "type": "subscribe", "payload": { "query": follow } })).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    for (text, label) in [(SECRET, json!(["SDV"])), ("Asthma", json!([]))] {
        let content = json!({ "code": { "text": text } });
        let body = json!({ "fact": fresh_id(), "patient": story.patient, "content": content, "security": label });
        world.tell(Role::Clinician, "records/record-condition", body).await;
    }
    loop {
        let message = socket.next().await.to_string();
        assert!(!message.contains(SECRET), "{message}");
        if message.contains("Asthma") {
            break;
        }
    }
    assert!(story.seen(&patient, None).await.graphql, "the patient sees it");

    // Also where the partner works here, and would treat the patient.
    let practitioner = PractitionerId(story.clinic.practitioners[0]);
    let works_here = world
        .token_of(|claims| (claims.sub, claims.roles, claims.practitioner) = (UserId(partner), [Role::Patient, Role::Clinician].into(), Some(practitioner)));
    story.clinic.book(&world, story.patient, "2031-03-03T09:00:00").await;
    assert!(!story.seen(&works_here, None).await.graphql);
}

#[tokio::test]
async fn whom_a_patient_lets_in_sees_the_kinds_and_labels_that_the_patient_opens() {
    let world = World::new().await;
    let story = Story::of(&world, "PSY").await;
    let friend = fresh_id();
    let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(friend), [Role::Patient].into()));
    let patient = world.token_of_patient(story.patient);
    let grant = async |scope: Value| {
        world.tell_as(&patient, "patients/grant-access", json!({ "patient": story.patient, "grantee": friend, "scope": scope })).await;
    };
    grant(json!({})).await;
    assert!(story.seen(&token, None).await.hidden(), "nothing sensitive unless it is opened");
    grant(json!({ "labels": ["PSY"] })).await;
    assert!(story.seen(&token, None).await.whole());
    grant(json!({ "labels": ["PSY"], "kinds": ["appointments"] })).await;
    assert!(story.seen(&token, None).await.hidden());
}

#[tokio::test]
async fn what_becomes_sensitive_later_was_so_all_along() {
    let world = World::new().await;
    let story = Story::of(&world, "R").await;
    let token = colleague(&world, 26);
    assert!(story.seen(&token, None).await.whole());
    let content = json!({ "code": { "text": SECRET } });
    let amended = json!({ "fact": story.fact, "patient": story.patient, "content": content, "security": ["HIV"], "reason": "labelled" });
    world.tell(Role::Clinician, "records/amend-condition", amended).await;
    let answer = story.everywhere(&token, None).await;
    let patient = &answer["data"]["patient"];
    for part in [&patient["chart"]["nodes"], &patient["past"]["nodes"], &answer["data"]["fact"]] {
        assert!(!part.to_string().contains(SECRET), "{part}");
    }
    let changed = patient["chartChanges"]["nodes"].as_array().unwrap();
    assert!(changed.iter().all(|change| change["uuid"] != json!(story.fact)), "{changed:?}");
    let facts: Vec<&Value> = patient["history"]["nodes"].as_array().unwrap().iter().filter(|entry| !entry["masked"].is_null()).collect();
    assert_eq!(facts.len(), 2, "{facts:?}");
}

#[tokio::test]
async fn a_label_of_a_later_build_closes_wherever_it_is_read() {
    let world = World::new().await;
    let story = Story::of(&world, "R").await;
    story.clinic.book(&world, story.patient, "2031-03-03T09:00:00").await;
    let practitioner = PractitionerId(story.clinic.practitioners[0]);
    let treats = world.token_of(|claims| (claims.sub, claims.roles, claims.practitioner) = (UserId(fresh_id()), [Role::Clinician].into(), Some(practitioner)));
    let patient =
        world.token_of(|claims| (claims.sub, claims.roles, claims.patient) = (UserId(fresh_id()), [Role::Patient].into(), Some(PatientId(story.patient))));
    assert!(story.seen(&treats, None).await.whole() && story.seen(&patient, None).await.whole());
    for (projection, table) in [("records", "chart_fact"), ("documents", "document")] {
        let schema: String = sqlx::query_scalar("select schema_name from projection.version where active and name = $1")
            .bind(projection)
            .fetch_one(&world.side.read)
            .await
            .unwrap();
        let labelled = format!("update \"{schema}\".{table} set security = '{{LATER}}'");
        sqlx::query(sqlx::AssertSqlSafe(labelled)).execute(&world.side.read).await.unwrap();
    }
    for token in [&treats, &patient] {
        let seen = story.seen(token, None).await;
        assert!(seen.masked() && seen.answer["data"]["fact"]["masked"] == "LABEL", "{:#}", seen.answer);
        for path in
            [format!("/fhir/Condition/{}", story.fact), format!("/fhir/Patient/{}/$everything", story.patient), format!("/v1/documents/{}", story.document)]
        {
            let (_, text, _) = story.get(token, &path).await;
            assert!(!text.contains(SECRET), "{path}: {text}");
        }
    }
    let seen = story.seen(&treats, None).await;
    let records = world.access_of_answer(&seen.answer).await;
    let decisions = records[0].decisions.as_ref().unwrap().known().unwrap();
    assert!(decisions.iter().any(|decision| decision.label == Some(Label::Unknown) && decision.outcome == DecisionOutcome::Masked), "{decisions:?}");
    assert!(story.seen(&world.token(Role::Clinician), None).await.whole(), "whoever wrote it sees it");
}

#[tokio::test]
async fn a_role_at_one_facility_reaches_what_is_there() {
    let world = World::new().await;
    let story = Story::of(&world, "R").await;
    let elsewhere = Clinic::open(&world).await;
    let at = |facility: Uuid, role: Role| {
        world.token_of(|claims| {
            (claims.sub, claims.roles) = (UserId(fresh_id()), BTreeSet::new());
            claims.facility_roles = BTreeMap::from([(FacilityId(facility), BTreeSet::from([role]))]);
        })
    };
    let (here, there) = (at(story.clinic.facility, Role::Clinician), at(elsewhere.facility, Role::Clinician));
    let appointment = story.clinic.book(&world, story.patient, "2031-03-03T09:00:00").await;
    assert!(story.seen(&here, None).await.whole());
    let seen = story.seen(&there, None).await;
    assert!(seen.masked(), "{:#}", seen.answer);
    assert_eq!(seen.answer["data"]["patient"]["displayName"], "Ada Lovelace", "whoever receives patients must find them");
    let appointments = "query($id: ID!) { appointment(id: $id) { uuid } patient(id: $id) { uuid } appointments { nodes { uuid } } }";
    for (token, expected) in [(&here, json!([{ "uuid": appointment }])), (&there, json!([]))] {
        let query = appointments.replace("patient(id: $id) { uuid } ", "");
        let data = world.data(token, &query, json!({ "id": format!("Appointment/{appointment}") })).await;
        assert_eq!(data["appointments"]["nodes"], expected);
        assert_eq!(data["appointment"].is_null(), expected == json!([]));
    }
    let cancel = json!({ "appointment": appointment, "patient": story.patient, "reason": "moved" });
    assert_eq!(world.try_to(&there, "scheduling/cancel-appointment", &cancel).await.0, StatusCode::FORBIDDEN);
    let book = |clinic: &Clinic| json!({ "appointment": fresh_id(), "patient": story.patient, "placement": clinic.placement("2031-03-04T09:00:00") });
    assert_eq!(world.try_to(&there, "scheduling/book-appointment", &book(&story.clinic)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.try_to(&there, "scheduling/book-appointment", &book(&elsewhere)).await.0, StatusCode::OK);
    assert!(story.seen(&there, None).await.whole(), "from then on they are cared for there");
    assert_eq!(world.try_to(&here, "scheduling/cancel-appointment", &cancel).await.0, StatusCode::OK);
    let room = json!({ "room": fresh_id(), "facility": story.clinic.facility, "name": "Room 9" });
    assert_eq!(world.try_to(&at(elsewhere.facility, Role::Administrator), "organizations/add-room", &room).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.try_to(&at(story.clinic.facility, Role::Administrator), "organizations/add-room", &room).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_field_that_a_role_does_not_need_is_null_and_marked() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let query = "query($id: ID!) { patient(id: $id) { displayName contact { telecom { value } } } }";
    let officer = world.ask(&world.token(Role::ComplianceOfficer), query, json!({ "id": patient })).await;
    assert_eq!(officer["data"]["patient"], json!({ "displayName": "Ada Lovelace", "contact": null }));
    assert_eq!(officer["extensions"]["carelog"]["masked"], json!(["Patient.contact"]));
    let desk = world.ask(&world.token(Role::FrontDesk), query, json!({ "id": patient })).await;
    assert_eq!((&desk["data"]["patient"]["contact"]["telecom"][0]["value"], &desk["extensions"]["carelog"]["masked"]), (&json!("555-0111"), &Value::Null));
    let read = async |role: Role| -> Value {
        let request = world.client.get(format!("{}/fhir/Patient/{patient}", world.at)).bearer_auth(world.token(role));
        request.send().await.unwrap().json().await.unwrap()
    };
    let officer = read(Role::ComplianceOfficer).await;
    assert_eq!((&officer["telecom"], &officer["meta"]["security"][0]["code"]), (&Value::Null, &json!("MASKED")));
    let clinician = read(Role::Clinician).await;
    assert_eq!((&clinician["telecom"][0]["value"], &clinician["meta"]["security"]), (&json!("555-0111"), &Value::Null));
}

#[tokio::test]
async fn every_decision_can_be_explained() {
    let world = World::new().await;
    let story = Story::of(&world, "ETH").await;
    let token = colleague(&world, 27);
    let seen = story.seen(&token, None).await;
    let request = &seen.answer["extensions"]["carelog"]["requestId"];
    let why = "query($request: UUID!) { accessDecision(request: $request) { outcome decisions { action label outcome count facts { kind id } policies { id description text } } } }";
    let officer = world.token(Role::ComplianceOfficer);
    let explained = world.data(&officer, why, json!({ "request": request })).await["accessDecision"].clone();
    let decisions = explained[0]["decisions"].as_array().unwrap();
    let masked = decisions.iter().find(|decision| decision["action"] == "open").unwrap();
    assert_eq!((&masked["label"], &masked["outcome"], &masked["policies"]), (&json!("ETH"), &json!("MASKED"), &json!([])));
    let read = decisions.iter().find(|decision| decision["action"] == "read-patients").unwrap();
    assert_eq!((&read["outcome"], &read["policies"][0]["id"]), (&json!("PERMITTED"), &json!("clinicians")));
    assert!(read["policies"][0]["text"].as_str().unwrap().contains("permit"), "{read}");

    // A refusal is explained as well, and a patient learns who looked, not by what it was decided.
    let refused =
        world.ask(&world.token(Role::FrontDesk), "query($id: ID!) { patient(id: $id) { chart { nodes { uuid } } } }", json!({ "id": story.patient })).await;
    let records = world.access_of_answer(&refused).await;
    let outcomes: Vec<_> = records[0].decisions.as_ref().unwrap().known().unwrap().iter().map(|decision| (decision.action.clone(), decision.outcome)).collect();
    assert!(outcomes.contains(&("read-chart".to_owned(), DecisionOutcome::Refused)), "{outcomes:?}");
    assert_eq!(records[0].outcome, AccessOutcome::Shown, "the patient was shown, their chart was not");
    let own = world.data(&world.token_of_patient(story.patient), why, json!({ "request": request })).await["accessDecision"].clone();
    assert_eq!(own[0]["decisions"], json!([]));
    assert_eq!(world.data(&officer, why, json!({ "request": fresh_id() })).await["accessDecision"], json!([]));
}
