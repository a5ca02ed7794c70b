//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/>): POST and GET, queries only.

use std::collections::HashMap;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response, ServerError, Value};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use gate::Credentials;
use serde::Serialize;
use uuid::Uuid;

use crate::QueryApi;
use crate::document::{Document, GraphqlRequest};
use crate::errors::{Code, Failure};
use crate::media::{Media, is_json};
use crate::operation::{Operation, Outcome, named};

/// `POST /graphql`
pub async fn post(State(api): State<QueryApi>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> axum::response::Response {
    let request = || {
        if !is_json(&headers) {
            return Err(Failure::Refused(Code::UnsupportedMediaType, "the body must be application/json in UTF-8"));
        }
        let body = body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::Refused(Code::PayloadTooLarge, "the body is too large"),
            _ => Failure::Refused(Code::BadRequest, "the body could not be read"),
        })?;
        serde_json::from_slice(&body).map_err(|_| {
            Failure::Refused(Code::BadRequest, "the body must be one JSON object with a query, and perhaps operationName, variables and extensions")
        })
    };
    answer(&api, &headers, request, &[OperationType::Query, OperationType::Mutation]).await
}

/// `GET /graphql`. URLs are kept in histories and logs on the way, so a query that holds protected values belongs in a POST.
pub async fn get(
    State(api): State<QueryApi>,
    headers: HeaderMap,
    parameters: Result<Query<HashMap<String, String>>, QueryRejection>,
) -> axum::response::Response {
    let request = || {
        let parameters = parameters.map_err(|_| Failure::Refused(Code::BadRequest, "the parameters do not read"))?;
        GraphqlRequest::from_parameters(&parameters)
    };
    answer(&api, &headers, request, &[OperationType::Query]).await
}

async fn answer(
    api: &QueryApi,
    headers: &HeaderMap,
    request: impl FnOnce() -> Result<GraphqlRequest, Failure>,
    allowed: &[OperationType],
) -> axum::response::Response {
    let request_id = gate::request_id(headers);
    let Some(media) = Media::accepted(headers) else {
        let failure = Failure::Refused(Code::NotAcceptable, "the answer is application/graphql-response+json or application/json");
        return respond(Media::Json, failure.code().status(), &named(failure.response(), request_id), false);
    };
    let prepared = async {
        let caller = api.gate.admit(Credentials::of(headers)).await?;
        let request = request()?;
        let wait_for = gate::wait_for(headers)?.max(request.wait_for()?);
        let document = Document::parse(request)?;
        match document.operation_type {
            OperationType::Subscription => Err(Failure::Refused(Code::BadRequest, "subscriptions go over a WebSocket, at /graphql/ws")),
            other if allowed.contains(&other) => Ok(Operation { caller, document, wait_for, request_id }),
            _ => Err(Failure::Refused(Code::MethodNotAllowed, "over GET there are only queries")),
        }
    };
    match prepared.await {
        Err(failure) => refuse(media, failure, request_id),
        Ok(operation) => match api.query(operation).await {
            Outcome::Executed(response) => respond(media, StatusCode::OK, &response, true),
            Outcome::Refused(response) | Outcome::Ended(response) => respond(media, media.status(&response), &response, false),
            Outcome::Nothing => refuse(media, Failure::Internal, request_id),
        },
    }
}

fn refuse(media: Media, failure: Failure, request_id: Uuid) -> axum::response::Response {
    let response = named(failure.response(), request_id);
    respond(media, media.status(&response), &response, false)
}

#[derive(Serialize)]
struct Body<'response> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'response [ServerError],
    /// There even when it is null, where the operation was executed; otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'response Value>,
    extensions: &'response std::collections::BTreeMap<String, Value>,
}

fn respond(media: Media, status: StatusCode, response: &Response, executed: bool) -> axum::response::Response {
    let body = Body { errors: &response.errors, data: executed.then_some(&response.data), extensions: &response.extensions };
    let Ok(body) = serde_json::to_vec(&body) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    // What is answered may be protected: no cache keeps it.
    let headers = [(CONTENT_TYPE, media.content_type()), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let mut answer = (status, headers, body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    answer
}
