//! The one handler of all commands.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Command, InvalidValue};
use event_store::Position;
use gate::{Accepted, Credentials, Gate, Request, request_id};
use serde::Deserialize;
use uuid::Uuid;

use crate::body::BodySchema;
use crate::problem::Problem;

/// What may stand in the query string: nothing about a person.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    /// The position that the caller's screen reflects.
    based_on: Option<Position>,
}

pub(crate) async fn handle<C: Command>(
    schema: Arc<BodySchema>,
    State(gate): State<Gate>,
    headers: HeaderMap,
    options: Result<Query<Options>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let correlation = request_id(&headers);
    match carry_out::<C>(&schema, &gate, &headers, options, body, correlation).await {
        Ok(accepted) => (StatusCode::OK, Json(accepted)).into_response(),
        Err(problem) => Problem { request_id: Some(correlation), ..problem }.into_response(),
    }
}

async fn carry_out<C: Command>(
    schema: &BodySchema,
    gate: &Gate,
    headers: &HeaderMap,
    options: Result<Query<Options>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
    correlation: Uuid,
) -> Result<Accepted, Problem> {
    let caller = gate.admit(Credentials::of(headers)).await.map_err(Problem::not_admitted)?;
    let operation = format!("command {}.{}", C::CONTEXT, C::NAME);
    gate.require(&caller, C::PERMISSION, &operation, correlation).await.map_err(|forbidden| Problem::forbidden(forbidden.0))?;
    let json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
    if !json {
        return Err(Problem::unsupported_media_type());
    }
    let command_id = uuid_header(headers, "idempotency-key").map_err(|rule| Problem::invalid_request("Idempotency-Key", &rule.to_string()))?;
    let options = options.map_err(|_| Problem::invalid_request("basedOn", "must be a position; no other query parameter is known"))?.0;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
        _ => Problem::unreadable(),
    })?;
    let command: C = schema.read(&body)?;
    Ok(gate.execute(&caller, command, Request { command_id, correlation, causation: None, based_on: options.based_on }).await?)
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The UUID in a header, where there is one; an error where it is something else.
pub fn uuid_header(headers: &HeaderMap, name: &str) -> Result<Option<Uuid>, InvalidValue> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    value.to_str().ok().and_then(|text| text.parse().ok()).map(Some).ok_or(InvalidValue("be a UUID"))
}
