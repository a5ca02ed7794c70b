//! `GET /fhir/<Type>/<id>`, `GET /fhir/Patient/<id>/$everything`, `GET /fhir/metadata`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::PatientId;
use event_store::{Position, fresh_id};
use fhir::ResourceType;
use gate::{Answered, Caller, Gate, ReadRefusal, Reading};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Problem, outcome, resource, respond};
use crate::metadata::capability_statement;
use crate::read::{Failure, everything, one};

/// The header by which a request is known; made here when nobody before us did.
const REQUEST_ID: &str = "x-request-id";
/// The header that says which position the answer must reflect.
const WAIT_FOR: &str = "carelog-wait-for";

/// The paths under `/fhir`.
pub fn router(gate: Gate) -> Router {
    let paths = Router::new()
        .route("/metadata", get(|| std::future::ready(respond(StatusCode::OK, &capability_statement()))))
        .route("/{type}/{id}", get(read))
        .route("/Patient/{id}/$everything", get(everything_of))
        .fallback(|| std::future::ready(Problem::NotSupported))
        .method_not_allowed_fallback(|| std::future::ready(Problem::MethodNotAllowed))
        .with_state(gate);
    Router::new().nest("/fhir", paths)
}

/// What a path names; one that is no text names nothing.
type Named<T> = Result<Path<T>, PathRejection>;

async fn read(State(gate): State<Gate>, named: Named<(String, String)>, headers: HeaderMap) -> Response {
    let answered = async {
        let caller = authenticate(&gate, &headers).await?;
        let Path((name, id)) = named.map_err(|_| Problem::NotFound)?;
        let resource_type = ResourceType::named(&name).ok_or(Problem::NotSupported)?;
        let id: Uuid = id.parse().map_err(|_| Problem::NotFound)?;
        let reading = reading(&headers, format!("fhir read {}", resource_type.name()))?;
        let read = gate.read(&caller, reading, |snapshot| async move { one(&snapshot, resource_type, id).await }).await;
        settled(read)
    };
    answered.await.map_or_else(Problem::into_response, |answered: Answered<Value>| resource(&answered.value, answered.reflects.0))
}

async fn everything_of(State(gate): State<Gate>, named: Named<String>, headers: HeaderMap) -> Response {
    let answered = async {
        let caller = authenticate(&gate, &headers).await?;
        let Path(id) = named.map_err(|_| Problem::NotFound)?;
        let patient = PatientId(id.parse().map_err(|_| Problem::NotFound)?);
        let reading = reading(&headers, "fhir everything".to_owned())?;
        settled(gate.read(&caller, reading, |snapshot| async move { everything(&snapshot, patient).await }).await)
    };
    let base = base(&headers);
    answered.await.map_or_else(Problem::into_response, |answered: Answered<Vec<Value>>| resource(&bundle(&answered, &base), answered.reflects.0))
}

/// A `Bundle` of the type `searchset`; it says so where the read models lack something of these records.
fn bundle(answered: &Answered<Vec<Value>>, base: &str) -> Value {
    let about = |parked: &String| answered.value.iter().any(|resource| parked.strip_prefix("patient/").is_some_and(|id| resource["id"] == id));
    let incomplete = answered.parked.iter().any(about);
    let warning = incomplete.then(|| {
        let text = "Something that was recorded could not be applied to the read models yet, so it may be missing here.";
        json!({ "resource": outcome("warning", "incomplete", text), "search": { "mode": "outcome" } })
    });
    let matched = |resource: &Value| {
        let [name, id] = ["resourceType", "id"].map(|field| resource[field].as_str().unwrap_or_default());
        json!({ "fullUrl": format!("{base}/{name}/{id}"), "resource": resource, "search": { "mode": "match" } })
    };
    let entries: Vec<Value> = answered.value.iter().map(matched).chain(warning).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "total": answered.value.len(), "entry": entries })
}

/// Where the client found us, as far as it says: relative references are resolved against it.
fn base(headers: &HeaderMap) -> String {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
    let scheme = if said("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{}/fhir", said("host").filter(plain).unwrap_or("localhost"))
}

async fn authenticate(gate: &Gate, headers: &HeaderMap) -> Result<Caller, Problem> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    gate.authenticate_header(header).await.map_err(|_| Problem::Unauthenticated)
}

fn reading(headers: &HeaderMap, operation: String) -> Result<Reading, Problem> {
    let correlation = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok()).unwrap_or_else(fresh_id);
    let position = |value: &axum::http::HeaderValue| value.to_str().ok()?.parse().ok().filter(|position: &i64| *position >= 0);
    let wait_for = headers.get(WAIT_FOR).map(|value| position(value).map(Position).ok_or(Problem::BadHeader)).transpose()?;
    Ok(Reading { operation, correlation, wait_for })
}

fn settled<T>(read: Result<Answered<Result<T, Failure>>, ReadRefusal>) -> Result<Answered<T>, Problem> {
    let Answered { value, reflects, parked } = read.map_err(Failure::from)?;
    Ok(Answered { value: value?, reflects, parked })
}
