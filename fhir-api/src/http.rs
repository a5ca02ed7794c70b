//! `GET /fhir/<Type>/<id>`, `GET /fhir/AuditEvent?…`, `GET /fhir/Patient/<id>/$everything`, `GET /fhir/metadata`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::{PatientId, Phi};
use fhir::ResourceType;
use gate::{Answered, Credentials, Gate, ReadRefusal, Reading, request_id, wait_for};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Problem, outcome, resource, respond};
use crate::audit;
use crate::metadata::capability_statement;
use crate::read::{Failure, Shown, everything, one};

/// The paths under `/fhir`.
pub fn router(gate: Gate) -> Router {
    let paths = Router::new()
        .route("/metadata", get(|| std::future::ready(respond(StatusCode::OK, &capability_statement()))))
        .route("/AuditEvent", get(audit::search))
        .route("/AuditEvent/{id}", get(audit::read))
        .route("/{type}/{id}", get(read))
        .route("/Patient/{id}/$everything", get(everything_of))
        .fallback(|| std::future::ready(Problem::NotSupported))
        .method_not_allowed_fallback(|| std::future::ready(Problem::MethodNotAllowed))
        .with_state(gate);
    Router::new().nest("/fhir", paths)
}

/// What a path names; one that is no text names nothing.
pub type Named<T> = Result<Path<T>, PathRejection>;

async fn read(State(gate): State<Gate>, named: Named<(String, String)>, headers: HeaderMap) -> Response {
    let answered = async {
        let caller = gate.admit(Credentials::of(&headers)).await?;
        let Path((name, id)) = named.map_err(|_| Problem::NotFound)?;
        let resource_type = ResourceType::named(&name).ok_or(Problem::NotSupported)?;
        let id: Uuid = id.parse().map_err(|_| Problem::NotFound)?;
        let reading = reading(&headers, format!("fhir read {}", resource_type.name()), &id.to_string())?;
        let read = gate.read(&caller, reading, |snapshot| async move { one(&snapshot, resource_type, id).await }).await;
        settled(read)
    };
    let origin = origin(&headers);
    answered
        .await
        .map_or_else(Problem::into_response, |answered: Answered<Value>| resource(&located(answered.value, &origin), answered.reflects.0, &answered.notices))
}

async fn everything_of(State(gate): State<Gate>, named: Named<String>, headers: HeaderMap) -> Response {
    let answered = async {
        let caller = gate.admit(Credentials::of(&headers)).await?;
        let Path(id) = named.map_err(|_| Problem::NotFound)?;
        let patient = PatientId(id.parse().map_err(|_| Problem::NotFound)?);
        let reading = reading(&headers, "fhir everything".to_owned(), &id)?;
        settled(gate.read(&caller, reading, |snapshot| async move { everything(&snapshot, patient).await }).await)
    };
    let origin = origin(&headers);
    answered.await.map_or_else(Problem::into_response, |answered: Answered<Shown>| {
        let (reflects, notices) = (answered.reflects.0, answered.notices.clone());
        resource(&bundle(answered, &origin), reflects, &notices)
    })
}

/// A `Bundle` of the type `searchset`; it says so where the read models lack something of these records, and where something of them is not for the caller.
fn bundle(answered: Answered<Shown>, origin: &str) -> Value {
    let Shown { resources, masked } = answered.value;
    let about = |parked: &String| resources.iter().any(|resource| parked.strip_prefix("patient/").is_some_and(|id| resource["id"] == id));
    let incomplete = answered.parked.iter().any(about);
    let warning = incomplete.then(|| {
        let text = "Something that was recorded could not be applied to the read models yet, so it may be missing here.";
        json!({ "resource": outcome("warning", "incomplete", text), "search": { "mode": "outcome" } })
    });
    let suppressed = (masked > 0).then(|| {
        let text = format!("What {masked} more of the resources say is not for you; the patient's consent, or breaking the glass, opens it.");
        json!({ "resource": outcome("information", "suppressed", &text), "search": { "mode": "outcome" } })
    });
    let matched = |resource: Value| {
        let [name, id] = ["resourceType", "id"].map(|field| resource[field].as_str().unwrap_or_default());
        json!({ "fullUrl": format!("{origin}/fhir/{name}/{id}"), "resource": located(resource, origin), "search": { "mode": "match" } })
    };
    let total = resources.len();
    let entries: Vec<Value> = resources.into_iter().map(matched).chain(warning).chain(suppressed).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries })
}

/// Where the client found us, as far as it says: relative references are resolved against it.
pub fn origin(headers: &HeaderMap) -> String {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
    let scheme = if said("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{}", said("host").filter(plain).unwrap_or("localhost"))
}

/// A document's bytes are found where the client found us.
fn located(mut resource: Value, origin: &str) -> Value {
    if let Some(url) = resource.pointer_mut("/content/0/attachment/url")
        && let Some(path) = url.as_str()
    {
        *url = format!("{origin}{path}").into();
    }
    resource
}

fn reading(headers: &HeaderMap, operation: String, id: &str) -> Result<Reading, Problem> {
    reading_for(headers, operation, &json!({ "id": id }))
}

pub fn reading_for(headers: &HeaderMap, operation: String, criteria: &Value) -> Result<Reading, Problem> {
    let criteria = Some(Phi::Known(criteria.to_string()));
    Ok(Reading { wait_for: wait_for(headers)?, criteria, ..Reading::of(operation, request_id(headers)) })
}

pub fn settled<T>(read: Result<Answered<Result<T, Failure>>, ReadRefusal>) -> Result<Answered<T>, Problem> {
    let Answered { value, reflects, parked, notices, masked } = read.map_err(Failure::from)?;
    Ok(Answered { value: value?, reflects, parked, notices, masked })
}
