//! Whether GraphQL shows as many of each type as a report says were taken.

use std::collections::BTreeMap;

use gate::Role;
use serde_json::{Value, json};

use crate::app::App;

/// What is shown, by resource type.
pub async fn shown(app: &App) -> BTreeMap<String, u64> {
    let token = app.token(Role::Clinician);
    let mut counts = BTreeMap::new();
    let patients = all(app, &token, "patients", "uuid").await;
    for patient in &patients {
        let chart = format!("patient(id: {}) {{ chart(first: 100, AFTER) {{ nodes {{ kind }} PAGE }} }}", patient["uuid"]);
        for entry in pages(app, &token, &chart, "/patient/chart").await {
            // `FAMILY_MEMBER_HISTORY` is FamilyMemberHistory.
            let words = entry["kind"].as_str().unwrap().split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase()));
            *counts.entry(words.collect()).or_default() += 1;
        }
        let documents = format!("patient(id: {}) {{ chart(first: 1) {{ documents(first: 100, AFTER) {{ nodes {{ uuid }} PAGE }} }} }}", patient["uuid"]);
        *counts.entry("DocumentReference".to_owned()).or_default() += pages(app, &token, &documents, "/patient/chart/documents").await.len() as u64;
    }
    let practitioners = all(app, &token, "practitioners", "roles { uuid }").await;
    let roles: usize = practitioners.iter().map(|practitioner| practitioner["roles"].as_array().unwrap().len()).sum();
    let facilities = all(app, &token, "facilities", "rooms(first: 100) { nodes { uuid } }").await;
    let rooms: usize = facilities.iter().map(|facility| facility["rooms"]["nodes"].as_array().unwrap().len()).sum();
    let organizations = all(app, &token, "organizations", "uuid").await.len();
    for (name, count) in [
        ("Patient", patients.len()),
        ("Practitioner", practitioners.len()),
        ("PractitionerRole", roles),
        ("Location", facilities.len() + rooms),
        ("Organization", organizations),
    ] {
        counts.insert(name.to_owned(), count as u64);
    }
    counts.retain(|_, count| *count > 0);
    counts
}

async fn all(app: &App, token: &str, field: &str, selection: &str) -> Vec<Value> {
    pages(app, token, &format!("{field}(first: 50, AFTER) {{ nodes {{ {selection} }} PAGE }}"), &format!("/{field}")).await
}

/// Every node of a connection, page by page.
async fn pages(app: &App, token: &str, field: &str, path: &str) -> Vec<Value> {
    let (mut nodes, mut after) = (Vec::new(), json!(null));
    loop {
        let query = format!("{{ {field} }}").replace("AFTER", &format!("after: {after}")).replace("PAGE", "pageInfo { hasNextPage endCursor }");
        let answer = app.graphql(token, &query, None).await;
        let page = answer["data"].pointer(path).unwrap_or_else(|| panic!("{query}: {answer}"));
        nodes.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return nodes;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
