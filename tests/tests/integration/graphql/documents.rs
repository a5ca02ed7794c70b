//! Documents of a chart: now, at any moment before, what changed in between, and who is told.

use domain::UserId;
use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::socket::Socket;
use crate::documents::desk::form;

const DOCUMENTS: &str = "query($id: ID!, $asOf: AsOf, $first: Int, $after: String) { patient(id: $id) { chart(asOf: $asOf, first: 1) { \
    documents(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { \
        id uuid title contentType size status createdAt security supersededBy removalReason download \
        recorded { position event user role time } changed { position event user role time } } } } } }";

async fn documents(world: &World, token: &str, patient: Uuid, as_of: Value) -> Value {
    let answer = world.data(token, DOCUMENTS, json!({ "id": patient, "asOf": as_of })).await;
    answer["patient"]["chart"]["documents"]["nodes"].clone()
}

/// A letter that a scan supersedes, of two records that are merged for a while, and what both charts held after each step.
struct Story {
    world: World,
    ada: Uuid,
    bob: Uuid,
    letter: Uuid,
    scan: Uuid,
    steps: Vec<(i64, [Value; 2])>,
}

impl Story {
    async fn tell() -> Self {
        let world = World::new().await;
        let clinic = Clinic::open(&world).await;
        let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Ada", "Byron").await);
        let mut story = Self { world, ada, bob, letter: Uuid::nil(), scan: Uuid::nil(), steps: Vec::new() };
        story.letter = story.world.upload(ada).await;
        story.note().await;
        story.scan = story.world.upload(bob).await;
        story.note().await;
        let (letter, scan) = (story.letter, story.scan);
        let merge = json!({ "survivor": ada, "merged": bob, "reason": "same person" });
        for (role, command, body) in [
            (Role::Administrator, "patients/merge-patients", merge.clone()),
            (Role::Clinician, "documents/supersede-document", json!({ "document": letter, "patient": ada, "by": scan })),
            (Role::Clinician, "documents/remove-document", json!({ "document": letter, "patient": ada, "reason": "of the sister" })),
            (Role::Administrator, "patients/undo-merge", merge),
        ] {
            story.world.tell(role, command, body).await;
            story.note().await;
        }
        story
    }

    async fn note(&mut self) {
        let token = self.world.token(Role::Clinician);
        let said = [documents(&self.world, &token, self.ada, Value::Null).await, documents(&self.world, &token, self.bob, Value::Null).await];
        self.steps.push((self.world.position(), said));
    }

    fn at(&self, step: usize) -> i64 {
        self.steps[step].0
    }
}

#[tokio::test]
async fn the_documents_as_of_a_moment_are_what_they_were_then() {
    let story = Story::tell().await;
    let (world, token) = (&story.world, story.world.token(Role::Clinician));
    for (step, (position, then)) in story.steps.iter().enumerate() {
        let as_of = json!({ "position": position });
        let now = [documents(world, &token, story.ada, as_of.clone()).await, documents(world, &token, story.bob, as_of).await];
        assert_eq!(now, *then, "step {step}");
    }
    let count = |step: usize| story.steps[step].1.each_ref().map(|nodes| nodes.as_array().unwrap().len());
    assert_eq!((count(0), count(1), count(2), count(5)), ([1, 0], [1, 1], [2, 2], [1, 1]), "documents come and go with the merge");
    let letter = |step: usize| story.steps[step].1[0].as_array().unwrap().iter().find(|node| node["uuid"] == story.letter.to_string()).unwrap().clone();
    assert_eq!([0, 3, 4].map(|step| letter(step)["status"].clone()), ["CURRENT", "SUPERSEDED", "ENTERED_IN_ERROR"]);
    assert_eq!((&letter(3)["supersededBy"], &letter(4)["removalReason"]), (&json!(story.scan), &json!("of the sister")));
    assert_eq!((&letter(4)["changed"]["position"], &letter(4)["recorded"]["role"]), (&json!(story.at(4)), &json!("front-desk")));

    let page = world.data(&token, DOCUMENTS, json!({ "id": story.ada, "asOf": { "position": story.at(4) }, "first": 1 })).await;
    let page = &page["patient"]["chart"]["documents"];
    let rest = json!({ "id": story.ada, "asOf": { "position": story.at(4) }, "first": 1, "after": page["pageInfo"]["endCursor"] });
    let rest = world.data(&token, DOCUMENTS, rest).await;
    let pages = [&page["nodes"][0], &rest["patient"]["chart"]["documents"]["nodes"][0]];
    assert_eq!(json!(pages), story.steps[4].1[0], "page by page it is the same");

    let node = format!("{{ node(id: \"Document/{}\") {{ id ... on Document {{ title status }} }} }}", story.letter);
    let expected = json!({ "id": format!("Document/{}", story.letter), "title": "Needle", "status": "ENTERED_IN_ERROR" });
    assert_eq!(world.data(&token, &node, json!({})).await["node"], expected);
    assert_eq!(world.data(&world.token_of_patient(story.bob), &node, json!({})).await["node"], Value::Null);
    world.side.agrees(&projections::all()).await;
}

/// Uploads a document with labels.
async fn upload(world: &World, patient: Uuid, labels: &Value) -> Uuid {
    let document = event_store::fresh_id();
    let content = json!({ "status": "current", "attachment": { "contentType": "text/plain", "title": "Needle" } });
    let (kind, body) = form(&json!({ "document": document, "patient": patient, "content": content, "security": labels }).to_string(), b"Needle");
    let request = world.client.post(format!("{}/v1/documents/upload", world.at)).bearer_auth(world.token(Role::Clinician));
    assert!(request.header("Content-Type", kind).body(body).send().await.unwrap().status().is_success());
    document
}

#[tokio::test]
async fn a_document_that_is_withheld_is_not_named_by_those_before_and_behind_it() {
    let world = World::new().await;
    let ada = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    let (letter, abuse, summary) = (upload(&world, ada, &json!([])).await, upload(&world, ada, &json!(["SDV"])).await, upload(&world, ada, &json!([])).await);
    for (document, by) in [(letter, abuse), (abuse, summary)] {
        world.tell(Role::Clinician, "documents/supersede-document", json!({ "document": document, "patient": ada, "by": by })).await;
    }
    let friend = event_store::fresh_id();
    world.tell_as(&world.token_of_patient(ada), "patients/grant-access", json!({ "patient": ada, "grantee": friend })).await;
    let let_in = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(friend), [Role::Patient].into()));
    for (token, knows) in [(world.token_of_patient(ada), true), (let_in, false)] {
        for as_of in [Value::Null, json!({ "position": world.position() })] {
            let told = documents(&world, &token, ada, as_of).await;
            let of = |document: Uuid| told.as_array().unwrap().iter().find(|node| node["uuid"] == json!(document)).cloned();
            assert_eq!((of(letter).unwrap()["supersededBy"] == json!(abuse), of(abuse).is_some(), of(summary).is_some()), (knows, knows, true), "{told:#}");
        }
        let history = format!("{{ patient(id: \"{ada}\") {{ history(first: 100) {{ nodes {{ summary details {{ label value }} }} }} }} }}");
        assert_eq!(world.data(&token, &history, json!({})).await.to_string().contains(&abuse.to_string()), knows);
        for path in [format!("/fhir/DocumentReference/{summary}"), format!("/fhir/Patient/{ada}/$everything")] {
            let text = world.client.get(format!("{}{path}", world.at)).bearer_auth(&token).send().await.unwrap().text().await.unwrap();
            assert!(text.contains(&summary.to_string()) && text.contains(&abuse.to_string()) == knows, "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn a_change_of_a_document_is_told_with_who_when_and_why() {
    let story = Story::tell().await;
    let query = "query($id: ID!, $from: AsOf!, $to: AsOf!) { patient(id: $id) { chartChanges(from: $from, to: $to) { nodes { \
        uuid kind fact document title what reason by { position event user role time } fields { path before after } } } } }";
    let changes = async |token: &str, from: i64, to: i64| {
        let variables = json!({ "id": story.ada, "from": { "position": from }, "to": { "position": to } });
        story.world.data(token, query, variables).await["patient"]["chartChanges"]["nodes"].as_array().unwrap().clone()
    };
    let officer = story.world.token(Role::ComplianceOfficer);
    let told = |changes: &[Value]| changes.iter().map(|change| change["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let all = changes(&officer, 0, story.at(4)).await;
    assert_eq!(told(&all), ["RECORDED", "JOINED", "SUPERSEDED", "ENTERED_IN_ERROR"]);
    assert_eq!(told(&changes(&officer, story.at(4), story.at(5)).await), ["LEFT"]);
    assert!(changes(&officer, story.at(5), story.at(5)).await.is_empty());
    let superseded = &all[2];
    let letter = json!(format!("Document/{}", story.letter));
    assert_eq!((&superseded["document"], &superseded["fact"], &superseded["kind"]), (&letter, &Value::Null, &Value::Null));
    assert_eq!(superseded["fields"], json!([{ "path": "DocumentReference.status", "before": "current", "after": "superseded" }]));
    assert_eq!((&superseded["by"]["role"], &superseded["by"]["position"]), (&json!("clinician"), &json!(story.at(3))));
    assert_eq!((&all[3]["reason"], &all[3]["title"]), (&json!("of the sister"), &json!("Needle")));
    // Another's document is not told to who was taken for them.
    assert_eq!(told(&changes(&story.world.token_of_patient(story.ada), 0, story.at(5)).await), ["RECORDED", "SUPERSEDED", "ENTERED_IN_ERROR"]);
}

#[tokio::test]
async fn a_chart_is_followed_with_its_documents_and_each_change_comes_once() {
    let world = World::new().await;
    let patient = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    world.upload(patient).await;
    let mut socket = Socket::open(&world, &world.token_of_patient(patient)).await;
    let query = format!("subscription {{ patientChart(patient: \"{patient}\") {{ position entries {{ uuid }} documents {{ uuid status }} }} }}");
    socket.subscribe("1", &json!({ "query": query, "extensions": { "carelog": { "waitFor": world.position() } } })).await;
    assert_eq!(socket.silence().await, None, "only what changes from now on");
    let document = world.upload(patient).await;
    let fact = event_store::fresh_id();
    let condition = json!({ "fact": fact, "patient": patient, "content": { "code": { "text": "Asthma" } } });
    let mut expected = vec![json!({ "uuid": document, "status": "CURRENT" }), json!({ "uuid": fact })];
    world.tell(Role::Clinician, "records/record-condition", condition).await;
    let mut reached = 0;
    while reached < world.position() {
        let update = socket.next().await["payload"]["data"]["patientChart"].clone();
        reached = update["position"].as_i64().unwrap();
        for item in update["entries"].as_array().unwrap().iter().chain(update["documents"].as_array().unwrap()) {
            let place = expected.iter().position(|expected| expected == item).expect("it is expected, and comes once");
            expected.remove(place);
        }
    }
    assert!(expected.is_empty(), "{expected:?}");
    world.tell(Role::Clinician, "documents/remove-document", json!({ "document": document, "patient": patient, "reason": "of another" })).await;
    let message = socket.next().await;
    let update = &message["payload"]["data"]["patientChart"];
    assert_eq!((&update["documents"], &update["position"]), (&json!([{ "uuid": document, "status": "ENTERED_IN_ERROR" }]), &json!(world.position())));
    assert_eq!(socket.silence().await, None);
}
