//! Requests that are refused, with needles where a value, a name or an id should be.

use serde_json::{Value, json};
use uuid::Uuid;

use super::searcher::{BORN, NAME, NUMBER, PHONE, TEXT};

/// A body with an unknown field in each of its objects, and with each of its fields of the wrong type and with no id where one belongs.
pub fn spoilt(body: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let mut unknown = body.clone();
    add_unknown(&mut unknown);
    all.push(unknown);
    for (name, value) in body.as_object().into_iter().flatten() {
        let mut wrong = vec![json!([TEXT]), json!(19_070_329)];
        wrong.push(if value.is_object() { json!(TEXT) } else { json!({ "on": BORN, NAME: PHONE }) });
        // A text in place of a text may be taken; in place of an id it is not.
        if value.as_str().is_some_and(|text| text.parse::<Uuid>().is_ok()) {
            wrong.push(json!(NUMBER));
        }
        for other in wrong {
            let mut spoilt = body.clone();
            spoilt[name] = other;
            all.push(spoilt);
        }
    }
    all
}

fn add_unknown(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(add_unknown);
            fields.insert(NAME.to_owned(), NUMBER.into());
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown),
        _ => {}
    }
}

/// Headers that say what they should not.
pub fn headers() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Idempotency-Key", NUMBER),
        ("X-Request-Id", NAME),
        ("Carelog-Wait-For", NUMBER),
        ("Carelog-Purpose-Of-Use", TEXT),
        ("X-Forwarded-For", NAME),
        ("Origin", "http://Quxblatt.example.org"),
        ("Accept", "text/xerophthalmic"),
        ("Content-Type", "text/xerophthalmic"),
        ("Range", NUMBER),
        ("User-Agent", NAME),
        ("Cookie", NAME),
        ("Authorization", NAME),
        ("Quxblatt", TEXT),
    ]
}

/// Methods and paths that lead nowhere.
pub fn paths(patient: Uuid) -> Vec<(&'static str, String)> {
    vec![
        ("GET", format!("/{NAME}")),
        ("POST", format!("/v1/patients/{NAME}")),
        ("GET", format!("/v1/documents/{NUMBER}")),
        ("GET", format!("/v1/documents/links/{NUMBER}")),
        ("POST", format!("/v1/documents/{NUMBER}/link")),
        ("GET", format!("/fhir/Patient/{NUMBER}")),
        ("GET", format!("/fhir/{NAME}/{patient}")),
        ("GET", format!("/fhir/Patient/{NUMBER}/$everything")),
        ("GET", format!("/fhir/Patient?name={NAME}&birthdate={BORN}")),
        ("POST", format!("/v1/patients/register-patient?basedOn={NUMBER}")),
        ("POST", format!("/v1/patients/register-patient?{NAME}={BORN}")),
        ("GET", format!("/graphql?query=%7B{NAME}%7D&variables={TEXT}")),
        ("GET", format!("/graphql?query=%7B+patient%28id%3A%22{NUMBER}%22%29+%7Bid%7D%7D")),
        ("GET", format!("/graphql/ws?{NAME}={TEXT}")),
        ("GET", format!("/metrics/{NAME}")),
        ("Quxblatt", "/graphql".to_owned()),
        ("Quxblatt", format!("/v1/patients/{NAME}")),
    ]
}

/// GraphQL that does not parse, does not fit the schema, or breaks a rule, by literal and by variable.
pub fn graphql() -> Vec<Value> {
    let literal = [
        format!("{{ patients(search: {{ name: \"{NAME}\" "),
        format!("{{ {NAME} }}"),
        format!("{{ patients {{ nodes {{ {NAME} }} }} }}"),
        format!("{{ patients({NAME}: \"{TEXT}\") {{ nodes {{ id }} }} }}"),
        format!("{{ patients(search: {{ {NAME}: \"{TEXT}\" }}) {{ nodes {{ id }} }} }}"),
        format!("{{ patients(search: {{ birthDate: \"{BORN}x\" }}) {{ nodes {{ id }} }} }}"),
        format!("{{ patients(search: \"{NAME}\") {{ nodes {{ id }} }} }}"),
        format!("{{ patients(first: \"{NUMBER}\") {{ nodes {{ id }} }} }}"),
        format!("{{ patients(after: \"{NAME}\") {{ nodes {{ id }} }} }}"),
        format!("{{ appointments(filter: {{ status: [{NAME}] }}) {{ nodes {{ id }} }} }}"),
        format!("{{ appointments(filter: {{ day: \"{TEXT}\" }}) {{ nodes {{ id }} }} }}"),
        format!("{{ patient(id: \"{NUMBER}\") {{ id }} }}"),
        format!("{{ node(id: \"{NAME}/{NUMBER}\") {{ id }} }}"),
        format!("{{ viewer @{NAME} {{ user }} }}"),
        format!("{{ viewer @include(if: \"{NAME}\") {{ user }} }}"),
        format!("{{ viewer @include({NAME}: true, if: true) {{ user }} }}"),
        format!("{{ ...{NAME} }}"),
        format!("{{ ... on {NAME} {{ id }} }}"),
        format!("{{ viewer {{ user }} }} fragment {NAME} on Query {{ viewer {{ user }} }}"),
        format!("fragment {NAME} on {NAME} {{ id }} query {{ ...{NAME} }}"),
        format!("query {NAME}($quxblatt: String) {{ viewer {{ user }} }}"),
        format!("query {NAME} {{ patient(id: $quxblatt) {{ id }} }}"),
        format!("query ($quxblatt: {NAME}) {{ patient(id: $quxblatt) {{ id }} }}"),
        "query ($quxblatt: Int) { patient(id: $quxblatt) { id } }".to_owned(),
        format!("query ($quxblatt: Int = \"{TEXT}\") {{ patients(first: $quxblatt) {{ nodes {{ id }} }} }}"),
        "query ($quxblatt: ID!, $quxblatt: ID!) { patient(id: $quxblatt) { id } }".to_owned(),
        format!("mutation {{ {NAME} }}"),
        format!("subscription {{ {NAME} }}"),
        format!("query {NAME} {{ viewer {{ user }} }} query {NAME} {{ viewer {{ user }} }}"),
        format!("{{ viewer {{ user {{ {NAME} }} }} }}"),
        format!("{{ a: patients(search: {{ name: \"{NAME}\" }}) {{ nodes {{ id }} }} a: viewer {{ user }} }}"),
    ];
    let typed = [
        ("query($v: PatientSearch) { patients(search: $v) { nodes { id } } }", json!({ NAME: TEXT })),
        ("query($v: PatientSearch) { patients(search: $v) { nodes { id } } }", json!({ "birthDate": format!("{BORN}x") })),
        ("query($v: [AppointmentStatus!]) { appointments(filter: { status: $v }) { nodes { id } } }", json!([NAME])),
        ("query($v: Int) { patients(first: $v) { nodes { id } } }", json!(NUMBER)),
        ("query($v: ID!) { patient(id: $v) { id } }", json!(NUMBER)),
        ("query($v: ID!) { patient(id: $v) { id } }", json!({ NAME: BORN })),
    ];
    let mut all: Vec<Value> = literal.into_iter().map(|query| json!({ "query": query })).collect();
    all.extend(typed.into_iter().map(|(query, value)| json!({ "query": query, "variables": { "v": value } })));
    all.push(json!({ "query": "{ viewer { user } }", "operationName": NAME }));
    all.push(json!({ "query": "{ viewer { user } }", "variables": NAME }));
    all.push(json!({ "query": { NAME: TEXT } }));
    all.push(json!({ "query": "{ viewer { user } }", "extensions": { "carelog": { "waitFor": NUMBER } } }));
    all
}
