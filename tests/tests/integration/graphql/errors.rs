//! No error leaves without a documented code, none repeats a value, and none tells of our insides; limits hold.

use gate::Role;
use query_api::Code;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::World;

/// Every error of an answer has a documented code, and says nothing of what was asked for.
fn documented(answer: &Value) -> Vec<&str> {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("an error is expected: {answer}"));
    assert!(!answer.to_string().to_lowercase().contains("needle"), "an error repeats a value: {answer}");
    errors
        .iter()
        .map(|error| {
            let code = error["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no code: {answer}"));
            assert!(codes.contains(&code), "{code} is not documented");
            code
        })
        .collect()
}

#[test]
fn the_guide_says_what_to_do_about_every_code() {
    let guide = include_str!("../../../../docs/guides/frontend.md");
    let missing: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).filter(|code| !guide.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn every_error_has_a_code_and_repeats_no_value() {
    let world = World::new().await;
    let token = world.token(Role::FrontDesk);
    let wrong = [
        ("{ patients(search: { name: \"Needle\" ", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("{ patients(search: { name: \"Needle\", x: 1 }) { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ patients(search: { birthDate: \"Needle\" }) { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ patients(search: \"Needle\") { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ patients(first: \"Needle\") { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ appointments(filter: { status: [NEEDLE] }) { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ appointments(filter: { day: \"Needle\" }) { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ patients(after: \"Needle\") { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ patients(first: 0) { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ patients(first: 101) { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ patients(search: { name: \"--\" }) { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ patient(id: \"Needle\") { id } }", json!({}), "BAD_USER_INPUT"),
        ("{ patient(id: \"Practitioner/01900000-0000-7000-8000-000000000001\") { id } }", json!({}), "BAD_USER_INPUT"),
        ("{ node(id: \"Needle/1\") { id } }", json!({}), "BAD_USER_INPUT"),
        ("{ node(id: \"01900000-0000-7000-8000-000000000001\") { id } }", json!({}), "BAD_USER_INPUT"),
        ("{ appointments(filter: { from: \"2031-01-02T00:00:00Z\", to: \"2031-01-01T00:00:00Z\" }) { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("query($s: [AppointmentStatus!]) { appointments(filter: { status: $s }) { nodes { id } } }", json!({ "s": ["Needle"] }), "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Int) { patients(first: $n) { nodes { id } } }", json!({ "n": "Needle" }), "GRAPHQL_VALIDATION_FAILED"),
        ("query($s: PatientSearch) { patients(search: $s) { nodes { id } } }", json!({ "s": { "name": 7, "needle": 1 } }), "GRAPHQL_VALIDATION_FAILED"),
        ("query($d: PartialDate) { patients(search: { birthDate: $d }) { nodes { id } } }", json!({ "d": "1950-13-Needle" }), "GRAPHQL_VALIDATION_FAILED"),
        ("query($b: Boolean!) { viewer @include(if: $b) { user } }", json!({ "b": "Needle" }), "GRAPHQL_VALIDATION_FAILED"),
    ];
    for (query, variables, expected) in wrong {
        let answer = world.ask(&token, query, variables).await;
        assert_eq!(documented(&answer)[0], expected, "{query}: {answer}");
    }
}

#[tokio::test]
async fn a_failure_of_ours_says_only_that_it_is_ours() {
    let world = World::new().await;
    sqlx::raw_sql("alter table organizations_v1.organization rename to elsewhere").execute(&world.side.read).await.unwrap();
    let answer = world.ask(&world.token(Role::FrontDesk), "{ organizations { nodes { name } } facilities { nodes { name } } }", json!({})).await;
    assert_eq!(documented(&answer)[0], "INTERNAL");
    assert_eq!(answer["errors"][0]["message"], "something went wrong on our side");
    assert!(!answer.to_string().contains("relation"), "{answer}");
}

#[tokio::test]
async fn a_read_database_that_is_gone_is_said_to_be() {
    let world = World::new().await;
    world.data(&world.token(Role::FrontDesk), "{ viewer { user } }", json!({})).await;
    let gone = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::raw_sql("drop schema projection cascade").execute(&world.side.read).await.unwrap();
    sqlx::query(gone).execute(&world.side.read).await.ok();
    let answer = world.request(&world.token(Role::FrontDesk), &json!({ "query": "{ viewer { user } }" })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(documented(&answer.json().await.unwrap()), ["UNAVAILABLE"]);
}

#[tokio::test]
async fn limits_hold() {
    let world = World::new().await;
    let token = world.token(Role::FrontDesk);
    let nested = |levels: usize| format!("{{ organizations(first: 1) {{ nodes {{ id {} }} }} }}", "partOf { id ".repeat(levels) + &"} ".repeat(levels));
    assert!(world.ask(&token, &nested(8), json!({})).await.get("errors").is_none());
    let many = |count: usize| (0..count).map(|n| format!("a{n}: patients(first: 100) {{ nodes {{ id names {{ text }} }} }} ")).collect::<String>();
    let doubling: String = (0..40).map(|n| format!("fragment F{n} on Query {{ ...F{} ...F{} }} ", n + 1, n + 1)).collect();
    let too_much = [
        nested(20),
        nested(60),
        nested(5_000),
        format!("{{ {} }}", many(100)),
        "{ patients(first: 100) { nodes { appointments(first: 100) { nodes { patient { appointments(first: 100) { nodes { id } } } } } } } }".to_owned(),
        format!("{{ ...F0 }} {doubling} fragment F40 on Query {{ __typename }}"),
        format!("{{ viewer {} {{ user }} }}", "@include(if: true) ".repeat(6)),
    ];
    for query in too_much {
        let answer = world.ask(&token, &query, json!({})).await;
        let codes = documented(&answer);
        assert!(codes.contains(&"TOO_COMPLEX"), "{}: {answer}", &query[..query.len().min(80)]);
    }
}

#[tokio::test]
async fn tools_can_read_the_schema() {
    let world = World::new().await;
    let fields = "kind name description fields(includeDeprecated: true) { name description args { ...V } type { ...T } isDeprecated deprecationReason } \
                  inputFields { ...V } interfaces { ...T } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...T }";
    let of_type = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } }";
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }} types {{ {fields} }} \
         directives {{ name description locations args {{ ...V }} }} }} }} \
         fragment V on __InputValue {{ name description type {{ ...T }} defaultValue }} fragment T on __Type {{ {of_type} }}"
    );
    let answer = world.data(&world.token(Role::Analyst), &query, json!({})).await;
    assert_eq!(answer["__schema"]["subscriptionType"]["name"], "Subscription");
    assert_eq!(answer["__schema"]["mutationType"], Value::Null);
}
