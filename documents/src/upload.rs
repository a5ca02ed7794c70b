//! `POST /v1/documents/upload`: a document as the two parts of a form, taken in as it comes.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use command_api::{Problem, uuid_header};
use domain::Command;
use domain::documents::{DocumentMetadata, UploadDocument};
use gate::{Accepted, Caller, Credentials, Request, request_id};
use tracing::Instrument;
use uuid::Uuid;

use crate::incoming::{self, Incoming};
use crate::{Documents, problem};

/// How long one part of an upload may take, however steadily it comes.
const ARRIVES_WITHIN: Duration = Duration::from_mins(15);

pub(crate) async fn upload(State(documents): State<Documents>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let correlation = request_id(&parts.headers);
    let authorized = authorize(&documents, &parts.headers).await;
    // Its place is free again when the task has ended.
    let place = Arc::clone(&documents.rules.uploads).try_acquire_owned();
    if authorized.is_ok() && place.is_err() {
        return problem::too_many(correlation);
    }
    let answer = match authorized {
        Ok((caller, command_id, boundary)) => {
            // Where the sender goes away, this task still ends in order.
            let body = Incoming::new(body, length(&parts.headers));
            let receiving = async move {
                let _place = place;
                receive(documents, caller, command_id, boundary, correlation, body).await
            };
            let receiving = receiving.in_current_span();
            tokio::spawn(receiving).await.unwrap_or_else(|_| Err(problem::unavailable()))
        }
        Err(problem) => Err(problem),
    };
    match answer {
        Ok(accepted) => (StatusCode::OK, Json(accepted)).into_response(),
        Err(problem) => Problem { request_id: Some(correlation), ..problem }.into_response(),
    }
}

/// How long the body says it is.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok())
}

/// What is known before any byte of the body is read.
async fn authorize(documents: &Documents, headers: &HeaderMap) -> Result<(Caller, Option<Uuid>, String), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = documents.gate.admit(Credentials::of(headers)).await.map_err(Problem::not_admitted)?;
    let permission = documents
        .gate
        .require(&caller, UploadDocument::PERMISSION, &format!("command {}.{}", UploadDocument::CONTEXT, UploadDocument::NAME), request_id(headers))
        .await;
    permission.map_err(|forbidden| Problem::forbidden(forbidden.0))?;
    let command_id = uuid_header(headers, "idempotency-key").map_err(|rule| Problem::invalid_request("Idempotency-Key", &rule.to_string()))?;
    let boundary = text(header::CONTENT_TYPE).and_then(|kind| multer::parse_boundary(kind).ok()).ok_or_else(problem::not_multipart)?;
    Ok((caller, command_id, boundary))
}

async fn receive(
    documents: Documents,
    caller: Caller,
    command_id: Option<Uuid>,
    boundary: String,
    correlation: Uuid,
    body: Incoming,
) -> Result<Accepted, Problem> {
    let result = take(&documents, &caller, command_id, boundary, correlation, &body).await;
    if let Err(refused) = &result {
        tracing::info!(request_id = %correlation, code = refused.code, "an upload was refused");
        body.linger().await;
    }
    result
}

/// Takes the two parts.
async fn take(
    documents: &Documents,
    caller: &Caller,
    command_id: Option<Uuid>,
    boundary: String,
    correlation: Uuid,
    body: &Incoming,
) -> Result<Accepted, Problem> {
    let limit = documents.rules.limit;
    let mut parts = body.parts(boundary, limit)?;
    let mut part = incoming::part(&mut parts, "metadata", limit).await?;
    let metadata: DocumentMetadata = documents.rules.metadata.read(&in_time(incoming::metadata(&mut part, limit)).await?)?;
    drop(part);
    let file = incoming::part(&mut parts, "content", limit).await?;
    let request = Request { command_id, correlation, causation: None, based_on: None };
    let taking = Box::pin(documents.take(caller, metadata, incoming::file(parts, file, limit), request));
    in_time(async { taking.await.map_err(|refused| refused.into_problem(documents)) }).await
}

/// A part that trickles in is given up.
async fn in_time<T>(part: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(ARRIVES_WITHIN, part).await.unwrap_or_else(|_| Err(Problem::unreadable()))
}
