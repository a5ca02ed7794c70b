//! GraphQL over HTTP, as its specification has it.

use gate::Role;
use reqwest::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};

use super::World;

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// Posts a body as it is.
async fn post(world: &World, content_type: Option<&str>, accept: Option<&str>, body: impl Into<reqwest::Body>) -> Response {
    let mut request = world.client.post(format!("{}/graphql", world.at)).bearer_auth(world.token(Role::FrontDesk)).body(body);
    for (name, value) in [("content-type", content_type), ("accept", accept)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    request.send().await.unwrap()
}

async fn code(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert!(answer["extensions"]["carelog"]["requestId"].is_string(), "{answer}");
    assert!(answer.get("data").is_none(), "what was not executed has no data: {answer}");
    (status, answer["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned())
}

fn refused(status: StatusCode, code: &str) -> (StatusCode, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn the_client_chooses_the_media_type() {
    let world = World::new().await;
    let query = r#"{"query":"{ __typename }"}"#;
    for (accept, answered) in [
        (None, JSON),
        (Some("*/*"), JSON),
        (Some(JSON), JSON),
        (Some(GRAPHQL), GRAPHQL),
        (Some("application/json;q=0.5, application/graphql-response+json"), GRAPHQL),
    ] {
        let response = post(&world, Some(JSON), accept, query).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], format!("{answered}; charset=utf-8"), "{accept:?}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
    assert_eq!(code(post(&world, Some(JSON), Some("text/html"), query).await).await, refused(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE"));
}

#[tokio::test]
async fn a_body_is_json_and_one_request() {
    let world = World::new().await;
    let query = r#"{"query":"{ __typename }"}"#;
    for content_type in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/graphql"), Some("application/json; charset=latin1")]
    {
        let answer = post(&world, content_type, Some(GRAPHQL), query).await;
        assert_eq!(code(answer).await, refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"), "{content_type:?}");
    }
    assert_eq!(post(&world, Some("application/json; charset=utf-8"), Some(GRAPHQL), query).await.status(), StatusCode::OK);
    let malformed = [
        "",
        "nonsense",
        "[]",
        r#"[{"query":"{ __typename }"}]"#,
        "{}",
        r#"{"query":null}"#,
        r#"{"query":7}"#,
        r#"{"query":"{ __typename }","variables":"{}"}"#,
        r#"{"query":"{ __typename }","variables":[7]}"#,
        r#"{"query":"{ __typename }","operationName":7}"#,
        r#"{"query":"{ __typename }","extensions":[]}"#,
    ];
    for media in [GRAPHQL, JSON] {
        for body in malformed {
            assert_eq!(code(post(&world, Some(JSON), Some(media), body).await).await, refused(StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{body}");
        }
    }
    let nulls = r#"{"query":"{ __typename }","variables":null,"operationName":null,"extensions":null}"#;
    assert_eq!(post(&world, Some(JSON), Some(GRAPHQL), nulls).await.status(), StatusCode::OK);
    let large = json!({ "query": format!("{{ __typename }} #{}", "x".repeat(200_000)) }).to_string();
    assert_eq!(code(post(&world, Some(JSON), Some(GRAPHQL), large).await).await, refused(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"));
}

#[tokio::test]
async fn what_is_wrong_with_a_document_is_told_by_the_status_only_in_graphqls_own_media_type() {
    let world = World::new().await;
    let wrong = [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nothing }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "mutation { book }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query A { __typename } query B { __typename }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query A { __typename }", "operationName": "B" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "query($id: ID!) { patient(id: $id) { id } }", "variables": { "id": null } }), "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({ "query": "query($d: Date!) { appointments(filter: { day: $d }) { nodes { id } } }", "variables": { "d": "today" } }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ];
    for (body, expected) in wrong {
        let answer = post(&world, Some(JSON), Some(GRAPHQL), body.to_string()).await;
        assert_eq!(code(answer).await, refused(StatusCode::BAD_REQUEST, expected), "{body}");
        let answer = post(&world, Some(JSON), Some(JSON), body.to_string()).await;
        assert_eq!(code(answer).await, refused(StatusCode::OK, expected), "{body}");
    }
    let subscription = json!({ "query": "subscription { facilityAppointments(facility: \"x\") { position } }" }).to_string();
    assert_eq!(code(post(&world, Some(JSON), Some(JSON), subscription).await).await, refused(StatusCode::BAD_REQUEST, "BAD_REQUEST"));
}

#[tokio::test]
async fn over_get_there_are_only_queries() {
    let world = World::new().await;
    let get = async |parameters: &[(&str, &str)]| {
        let url = Url::parse_with_params(&format!("{}/graphql", world.at), parameters).unwrap();
        world.client.get(url).bearer_auth(world.token(Role::FrontDesk)).header("accept", GRAPHQL).send().await.unwrap()
    };
    let answer: Value = get(&[("query", "query A($x: Int) { patients(first: $x) { nodes { id } } }"), ("operationName", "A"), ("variables", r#"{"x":3}"#)])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(answer["data"], json!({ "patients": { "nodes": [] } }), "{answer}");
    assert_eq!(get(&[("query", "query { __typename }"), ("operationName", ""), ("variables", "")]).await.status(), StatusCode::OK);
    let mutation = get(&[("query", "mutation { book }")]).await;
    assert_eq!(mutation.headers()[ALLOW], "POST");
    assert_eq!(code(mutation).await, refused(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
    let chosen = get(&[("query", "query A { __typename } mutation B { book }"), ("operationName", "B")]).await;
    assert_eq!(code(chosen).await, refused(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
    assert_eq!(code(get(&[("query", "subscription { facilityAppointments(facility: \"x\") { position } }")]).await).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(code(get(&[]).await).await, refused(StatusCode::BAD_REQUEST, "BAD_REQUEST"));
    assert_eq!(code(get(&[("query", "{ __typename }"), ("variables", "[1]")]).await).await, refused(StatusCode::BAD_REQUEST, "BAD_REQUEST"));
    let other = world.client.put(format!("{}/graphql", world.at)).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_said() {
    let world = World::new().await;
    let expired = world.token_of(|claims| claims.exp = claims.iat - 1);
    let forged = format!("{}x", world.token(Role::FrontDesk));
    let query = json!({ "query": "{ __schema { queryType { name } } }" });
    for authorization in [None, Some("Basic eDp5".to_owned()), Some("Bearer".to_owned()), Some(format!("Bearer {expired}")), Some(format!("Bearer {forged}"))] {
        let mut request = world.client.post(format!("{}/graphql", world.at)).header("accept", GRAPHQL).json(&query);
        if let Some(value) = &authorization {
            request = request.header("authorization", value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(code(answer).await, refused(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{authorization:?}");
    }
}

#[tokio::test]
async fn an_answer_waits_for_a_position_and_says_which_it_reflects() {
    let world = World::with(std::time::Duration::from_millis(300), query_api::Patience::default()).await;
    let position =
        world.tell(Role::Administrator, "organizations/register-organization", json!({ "organization": event_store::fresh_id(), "name": "Lakeside" })).await;
    let query = json!({ "query": "{ organizations { nodes { name } } }" });
    let token = world.token(Role::FrontDesk);
    let answer: Value = world.request(&token, &query).header("carelog-wait-for", position.to_string()).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["organizations"]["nodes"][0]["name"], "Lakeside", "{answer}");
    assert!(answer["extensions"]["carelog"]["reflects"].as_i64().unwrap() >= position);

    let late = world.request(&token, &query).header("carelog-wait-for", (position + 1000).to_string()).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::GATEWAY_TIMEOUT);
    let late: Value = late.json().await.unwrap();
    assert_eq!(late["errors"][0]["extensions"]["code"], "POSITION_TIMEOUT");
    assert_eq!(late["errors"][0]["extensions"]["wanted"], position + 1000);
    assert_eq!(late["errors"][0]["extensions"]["reached"], position);
    for wrong in ["x", "-1", "1.5"] {
        let answer = world.request(&token, &query).header("carelog-wait-for", wrong).send().await.unwrap();
        assert_eq!(code(answer).await, refused(StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
    }
    let wrong = json!({ "query": "{ __typename }", "extensions": { "carelog": { "waitFor": "soon" } } });
    assert_eq!(code(world.request(&token, &wrong).send().await.unwrap()).await, refused(StatusCode::BAD_REQUEST, "BAD_USER_INPUT"));
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    let world = World::new().await;
    let id = "01900000-0000-7000-8000-000000000001";
    let answer = world.request(&world.token(Role::FrontDesk), &json!({ "query": "{ __typename }" })).header("x-request-id", id).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["extensions"]["carelog"]["requestId"], id);
}
