//! `GET /v1/patients/{patient}/accounting-of-disclosures?format=json|csv|pdf&from&to`

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use command_api::Problem;
use domain::PatientId;
use event_store::Clock;
use gate::{Credentials, Gate, Reading, request_id, wait_for};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::read::{ENTRIES_AT_MOST, NotShown, OPERATION, criteria, read};
use crate::{Format, Period};

const PATH: &str = "/v1/patients/{patient}/accounting-of-disclosures";

#[derive(Clone)]
struct Api {
    gate: Gate,
    clock: Clock,
}

/// The route.
pub fn router(gate: Gate, clock: Clock) -> Router {
    Router::new().route(PATH, get(answer)).with_state(Api { gate, clock })
}

/// What may stand in the query string: nothing about a person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    format: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

async fn answer(
    State(api): State<Api>,
    patient: Result<Path<Uuid>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let correlation = request_id(&headers);
    match account(&api, patient, options, &headers, correlation).await {
        Ok((format, bytes)) => file(format, bytes),
        Err(problem) => Problem { request_id: Some(correlation), ..problem }.into_response(),
    }
}

async fn account(
    api: &Api,
    patient: Result<Path<Uuid>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
    headers: &HeaderMap,
    correlation: Uuid,
) -> Result<(Format, Vec<u8>), Problem> {
    let caller = api.gate.admit(Credentials::of(headers)).await.map_err(Problem::not_admitted)?;
    let Path(patient) = patient.map_err(|_| unknown())?;
    let options = options.map_err(|_| Problem::invalid_request("", "must be format, from and to, each at most once"))?.0;
    let now = api.clock.now();
    let format = options.format.as_deref().map_or(Ok(Format::default()), str::parse);
    let format = format.map_err(|unknown| Problem::invalid_request("format", &unknown.to_string()))?;
    let period = Period::of(options.from.as_deref(), options.to.as_deref(), now.date_naive());
    let period = period.map_err(|invalid| Problem::invalid_request(invalid.field, invalid.rule))?;
    let wait_for = wait_for(headers).map_err(|_| Problem::invalid_request("Carelog-Wait-For", "must be a position, as a command returned it"))?;
    let reading = Reading { wait_for, criteria: Some(criteria(patient, period)), ..Reading::of(OPERATION, correlation) };
    let read = api.gate.read(&caller, reading, |snapshot| async move { read(&snapshot, PatientId(patient), period, now).await }).await;
    let accounting = read?.value.map_err(not_shown)?;
    let bytes = accounting.write(format).map_err(|error| {
        tracing::error!(%error, request_id = %correlation, "an accounting was not written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not-written", "The accounting could not be written in this format.")
    })?;
    Ok((format, bytes))
}

fn file(format: Format, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let name = format!("attachment; filename=\"accounting-of-disclosures.{}\"", format.extension());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "patient-unknown", "There is no such patient for whom you may ask.")
}

fn not_shown(not_shown: NotShown) -> Problem {
    match not_shown {
        NotShown::Forbidden(forbidden) => Problem::forbidden(forbidden.0),
        NotShown::PatientUnknown => unknown(),
        NotShown::TooMany => {
            let title = "There are more disclosures than one accounting holds; ask for a shorter period, with `from` and `to`.";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "accounting-too-long", title);
            Problem { parameters: json!({ "limit": ENTRIES_AT_MOST }), ..problem }
        }
        NotShown::Database(error) => error.into(),
        NotShown::Row(error) => {
            // Not its text, which may repeat a value.
            tracing::error!(line = error.line(), "a row of the read models does not read");
            Problem::unavailable()
        }
    }
}

/// The route in the `OpenAPI` description.
pub fn describe() -> Map<String, Value> {
    let problem = |description: &str| json!({ "description": description, "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    let query =
        |name: &str, schema: Value, description: &str| json!({ "name": name, "in": "query", "required": false, "schema": schema, "description": description });
    let day = || json!({ "type": "string", "format": "date" });
    let binary = json!({ "schema": { "type": "string", "contentMediaType": "application/octet-stream" } });
    let operation = json!({
        "operationId": "disclosures.accounting", "tags": ["disclosures"], "summary": "accounting of disclosures", "x-permission": "read-disclosures",
        "description": "What of a patient was disclosed to whom outside (45 CFR 164.528), under every record of theirs: for themself, or for an officer. One accounting holds 10,000 disclosures at most: where there are more, ask for shorter periods, one after the other.",
        "parameters": [
            { "name": "patient", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } },
            query("format", json!({ "type": "string", "enum": ["json", "csv", "pdf"], "default": "json" }), "How it is written."),
            query("from", day(), "The first day (UTC): at most six years ago, which is where it begins when it is left out."),
            query("to", day(), "The last day (UTC); today when it is left out."),
        ],
        "responses": {
            "200": { "description": "The accounting.", "content": { "application/json": { "schema": { "type": "object" } }, "text/csv": binary, "application/pdf": binary } },
            "400": problem("`invalid-request`: the format or the period breaks a rule; `errors` names it."),
            "401": problem("No valid bearer token."),
            "403": problem("The caller may not read disclosures."),
            "404": problem("`patient-unknown`: there is none for whom the caller may ask."),
            "422": problem("`accounting-too-long`: the period has more disclosures than `limit`; ask for a shorter one."),
            "503": problem("Not available; try again."),
        },
    });
    [(PATH.to_owned(), json!({ "get": operation }))].into_iter().collect()
}
