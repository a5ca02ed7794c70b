//! `GET /fhir/<Type>/<id>`, `GET /fhir/AuditEvent?…`, `GET /fhir/Patient/<id>/$everything`, `GET /fhir/metadata`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::Phi;
use fhir::ResourceType;
use gate::{Answered, Credentials, Gate, ReadRefusal, Reading, request_id, wait_for};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{Problem, resource, respond};
use crate::metadata::capability_statement;
use crate::read::{Failure, one};
use crate::{audit, everything};

/// The paths under `/fhir`.
pub fn router(gate: Gate) -> Router {
    let paths = Router::new()
        .route("/metadata", get(|| std::future::ready(respond(StatusCode::OK, &capability_statement()))))
        .route("/AuditEvent", get(audit::search))
        .route("/AuditEvent/{id}", get(audit::read))
        .route("/{type}/{id}", get(read))
        .route("/Patient/{id}/$everything", get(everything::answer))
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

/// Where the client found us, as far as it says: relative references are resolved against it.
pub fn origin(headers: &HeaderMap) -> String {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
    let scheme = if said("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{}", said("host").filter(plain).unwrap_or("localhost"))
}

/// A path under ours with a query string.
pub fn link<'name>(origin: &str, path: &str, parameters: impl Iterator<Item = (&'name str, String)>) -> String {
    let escaped = |text: &str| -> String {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(byte);
        text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
    };
    let query: Vec<String> = parameters.map(|(name, value)| format!("{}={}", escaped(name), escaped(&value))).collect();
    format!("{origin}/fhir/{path}{}{}", if query.is_empty() { "" } else { "?" }, query.join("&"))
}

/// A document's bytes are found where the client found us.
pub fn located(mut resource: Value, origin: &str) -> Value {
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
