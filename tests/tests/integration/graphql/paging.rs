//! Pages of what the caller does not see all of: they are filled, or say where to go on, and tell of nothing that is withheld.

use domain::UserId;
use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::clinic::Clinic;
use super::{World, access_record};

/// A patient, and somebody whom they let in and who sees nothing sensitive.
struct LetIn {
    world: World,
    patient: Uuid,
    token: String,
}

impl LetIn {
    async fn make() -> Self {
        let world = World::new().await;
        let patient = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
        let friend = fresh_id();
        world.tell_as(&world.token_of_patient(patient), "patients/grant-access", json!({ "patient": patient, "grantee": friend })).await;
        let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(friend), [Role::Patient].into()));
        Self { world, patient, token }
    }

    async fn record(&self, labels: &Value) -> Uuid {
        let fact = fresh_id();
        let body = json!({ "fact": fact, "patient": self.patient, "content": { "code": { "text": "Cough" } }, "security": labels });
        self.world.tell(Role::Clinician, "records/record-condition", body).await;
        fact
    }

    /// A page of the chart: the facts, whether there are more, and where to go on.
    async fn page(&self, first: usize, after: &Value) -> (Vec<Value>, bool, Value) {
        let query = "query($id: ID!, $first: Int, $after: String) { patient(id: $id) { chart(first: $first, after: $after) { \
            nodes { uuid } pageInfo { hasNextPage endCursor } } } }";
        let data = self.world.data(&self.token, query, json!({ "id": self.patient, "first": first, "after": after })).await;
        let chart = &data["patient"]["chart"];
        let facts = chart["nodes"].as_array().unwrap().iter().map(|node| node["uuid"].clone()).collect();
        (facts, chart["pageInfo"]["hasNextPage"] == true, chart["pageInfo"]["endCursor"].clone())
    }
}

#[tokio::test]
async fn a_page_is_filled_with_what_is_behind_what_is_withheld() {
    let story = LetIn::make().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.insert(0, json!(story.record(&json!([])).await));
    }
    for _ in 0..5 {
        story.record(&json!(["SDV"])).await;
    }
    let (facts, more, after) = story.page(2, &Value::Null).await;
    assert_eq!((&facts[..], more), (&seen[..2], true), "though the five newest are withheld");
    assert_eq!(story.page(2, &after).await.0, seen[2..]);
    let (facts, more, _) = story.page(3, &Value::Null).await;
    assert_eq!((&facts[..], more), (&seen[..], false));
    // Nor is it told that something is withheld behind them.
    let oldest = story.page(1, &after).await;
    assert_eq!((&oldest.0[..], oldest.1), (&seen[2..], false));
}

#[tokio::test]
async fn where_too_much_is_withheld_the_page_is_short_and_says_where_to_go_on() {
    let story = LetIn::make().await;
    let seen = story.record(&json!([])).await;
    let withheld = story.record(&json!(["SDV"])).await;
    assert_eq!(story.page(1, &Value::Null).await.0, [json!(seen)]);
    let copies = "insert into chart_fact select (jsonb_populate_record(fact, jsonb_build_object('fact_id', gen_random_uuid()))).* \
                  from chart_fact fact, generate_series(1, 1100) where fact_id = $1";
    sqlx::query(copies).bind(withheld).execute(&mut *story.world.side.tables().await).await.unwrap();
    let (facts, more, after) = story.page(1, &Value::Null).await;
    assert_eq!((facts.len(), more, after.is_string()), (0, true, true));
    let (facts, more, _) = story.page(1, &after).await;
    assert_eq!((&facts[..], more), (&[json!(seen)][..], false));
}

#[tokio::test]
async fn a_search_leaves_out_what_is_masked_and_goes_on() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bea) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bea", "Lovelace").await);
    let user = fresh_id();
    let provision = json!({ "recipient": { "user": user }, "kinds": ["demographics"] });
    let dissent = json!({ "consent": fresh_id(), "patient": ada, "decision": "deny", "provision": provision });
    world.tell_as(&world.token_of_patient(ada), "consents/grant-consent", dissent).await;
    let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(user), [Role::Clinician].into()));
    let query = "{ patients(search: { name: \"lovelace\" }, first: 1) { nodes { uuid } pageInfo { hasNextPage } } }";
    let answer = world.ask(&token, query, json!({})).await;
    assert_eq!(answer["data"]["patients"], json!({ "nodes": [{ "uuid": bea }], "pageInfo": { "hasNextPage": false } }), "{answer:#}");
    let [record] = &world.access_of_answer(&answer).await[..] else { panic!("one operation is one record") };
    assert_eq!(record.patients.iter().map(|patient| patient.0).collect::<Vec<_>>(), [bea], "nothing of the other was shown");
    let all = world.data(&token, "{ patients { nodes { uuid masked } } }", json!({})).await;
    assert_eq!(
        all["patients"]["nodes"],
        json!([{ "uuid": ada, "masked": "DISSENT" }, { "uuid": bea, "masked": null }]),
        "of whom it is known that they are there"
    );
}

#[tokio::test]
async fn a_search_of_the_access_log_that_finds_nothing_for_long_goes_on_with_the_next_page() {
    let world = World::new().await;
    let user = UserId(fresh_id());
    let (patient, request) = (fresh_id(), fresh_id());
    world.looked(user, Role::Clinician, vec![access_record(user, request, &[patient], &json!({ "kinds": ["documents"] }))]).await;
    for _ in 0..21 {
        world.looked(user, Role::Clinician, (0..500).map(|_| access_record(user, fresh_id(), &[], &json!({}))).collect()).await;
    }
    let query = "query($after: String) { accessRecords(first: 5, after: $after, search: { kind: DOCUMENTS }) { nodes { request } pageInfo { hasNextPage endCursor } } }";
    let (mut found, mut pages, mut after) = (Vec::new(), 0, Value::Null);
    loop {
        let page = world.data(&world.token(Role::ComplianceOfficer), query, json!({ "after": after })).await["accessRecords"].clone();
        found.extend(page["nodes"].as_array().unwrap().clone());
        pages += 1;
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert!(after.is_string() && pages < 10, "a page that is empty and not the last says where to go on: {page}");
    }
    assert_eq!((found, pages > 1), (vec![json!({ "request": request })], true));
}

#[tokio::test]
async fn every_decision_of_a_request_is_told_or_it_is_said_that_there_are_too_many() {
    let world = World::new().await;
    let user = UserId(fresh_id());
    let (request, other) = (fresh_id(), fresh_id());
    world.looked(user, Role::Clinician, (0..230).map(|_| access_record(user, request, &[], &json!({}))).collect()).await;
    world.looked(user, Role::Clinician, (0..1001).map(|_| access_record(user, other, &[], &json!({}))).collect()).await;
    let officer = world.token(Role::ComplianceOfficer);
    let query = "query($request: UUID!) { accessDecision(request: $request) { position } }";
    assert_eq!(world.data(&officer, query, json!({ "request": request })).await["accessDecision"].as_array().map(Vec::len), Some(230));
    let answer = world.ask(&officer, query, json!({ "request": other })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TOO_COMPLEX", "{answer}");
}
