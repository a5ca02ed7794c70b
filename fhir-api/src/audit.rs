//! `GET /fhir/AuditEvent?…`, `GET /fhir/AuditEvent/<id>`: access records. Officers read everyone's, patients those of what was seen of themselves.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::access::AccessOutcome;
use fhir::export::AuditRow;
use gate::{AccessRecord, AccessRecords, Answered, Credentials, Gate};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Problem, resource};
use crate::audit_search::AuditSearch;
use crate::http::{Named, link, origin, reading_for, settled};
use crate::read::Failure;

/// An access record as a resource.
pub fn audit_event(record: &AccessRecord) -> Value {
    let AccessRecord { id, position, recorded, actor, access, answered, .. } = record;
    AuditRow { id: *id, position: position.0, recorded: *recorded, role: &actor.role, access, answered: *answered }.resource()
}

/// One record.
pub async fn read(State(gate): State<Gate>, named: Named<String>, headers: HeaderMap) -> Response {
    let answered = async {
        let caller = gate.admit(Credentials::of(&headers)).await?;
        let id: Uuid = named.ok().and_then(|path| path.0.parse().ok()).ok_or(Problem::NotFound)?;
        let reading = reading_for(&headers, "fhir read AuditEvent".to_owned(), &json!({ "id": id }))?;
        let read = gate.read(&caller, reading, |snapshot| async move { snapshot.access_record(id).await?.ok_or(Failure::NotFound) }).await;
        settled(read)
    };
    answered
        .await
        .map_or_else(Problem::into_response, |answered: Answered<AccessRecord>| resource(&audit_event(&answered.value), answered.reflects.0, &answered.notices))
}

/// A page of records, the newest first.
pub async fn search(State(gate): State<Gate>, parameters: Result<Query<Vec<(String, String)>>, QueryRejection>, headers: HeaderMap) -> Response {
    let asked = async {
        let caller = gate.admit(Credentials::of(&headers)).await?;
        let Query(parameters) = parameters.map_err(|_| Problem::BadSearch("The search does not read."))?;
        let asked = AuditSearch::of(&parameters)?;
        let reading = reading_for(&headers, "fhir search AuditEvent".to_owned(), &json!({ "AuditEvent": parameters }))?;
        let (search, before, count) = (asked.search, asked.before, asked.count);
        let found = gate.read(&caller, reading, |snapshot| async move { snapshot.access_records(&search, before, count).await.map_err(Failure::from) }).await;
        settled(found).map(|found| (found, parameters, asked.refused))
    };
    let origin = origin(&headers);
    asked.await.map_or_else(Problem::into_response, |(found, parameters, refused)| {
        let reflects = found.reflects.0;
        resource(&bundle(&found.value, &parameters, refused, &origin), reflects, &found.notices)
    })
}

/// A page may hold fewer than were asked for although there are more: what is rare is looked for over several pages.
fn bundle(found: &AccessRecords, parameters: &[(String, String)], refused: Option<bool>, origin: &str) -> Value {
    let wanted = |record: &&AccessRecord| refused.is_none_or(|refused| refused == (record.access.outcome == AccessOutcome::Refused));
    let entry = |record: &AccessRecord| json!({ "fullUrl": format!("{origin}/fhir/AuditEvent/{}", record.id), "resource": audit_event(record), "search": { "mode": "match" } });
    let entries: Vec<Value> = found.records.iter().filter(wanted).map(entry).collect();
    let mut links =
        vec![json!({ "relation": "self", "url": link(origin, "AuditEvent", parameters.iter().map(|(name, value)| (name.as_str(), value.clone()))) })];
    if let Some(next) = found.next {
        let others = parameters.iter().filter(|(name, _)| name != "_before").map(|(name, value)| (name.as_str(), value.clone()));
        links.push(json!({ "relation": "next", "url": link(origin, "AuditEvent", others.chain([("_before", next.0.to_string())])) }));
    }
    json!({ "resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries })
}
