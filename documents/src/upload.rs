//! `POST /v1/documents/upload`: a document, sealed as it comes. Its bytes are durable before its event is.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use command_api::{Problem, uuid_header};
use domain::documents::{BlobAddress, DocumentMetadata, Fingerprint, UploadDocument, UploadDocumentRejection};
use domain::{Command, Phi, Subject};
use gate::{Accepted, Caller, Refusal};
use multer::Field;
use sha2::{Digest, Sha256};
use tracing::Instrument;
use uuid::Uuid;

use crate::collect::named;
use crate::incoming::{self, Incoming};
use crate::kind::TypeCheck;
use crate::storage::{Blob, Stage};
use crate::{Documents, hex, problem};

/// How long one part of an upload may take, however steadily it comes.
const ARRIVES_WITHIN: Duration = Duration::from_mins(15);

/// A document whose bytes are at their address, and that no event names yet.
struct Arrived {
    blob: Blob,
    command: UploadDocument,
}

pub(crate) async fn upload(State(documents): State<Documents>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let correlation = correlation(&parts.headers);
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

/// The request, as traces and answers name it.
pub(crate) fn correlation(headers: &HeaderMap) -> Uuid {
    uuid_header(headers, "x-request-id").ok().flatten().unwrap_or_else(event_store::fresh_id)
}

/// How long the body says it is.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok())
}

/// What is known before any byte of the body is read.
async fn authorize(documents: &Documents, headers: &HeaderMap) -> Result<(Caller, Option<Uuid>, String), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = documents.gate.authenticate_header(text(header::AUTHORIZATION)).await.map_err(|_| Problem::unauthenticated())?;
    if caller.reach(UploadDocument::PERMISSION).is_none() {
        return Err(Problem::forbidden(UploadDocument::PERMISSION));
    }
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
    let arrived = arrive(&documents, &caller, boundary, &body).await;
    let result = match arrived {
        Ok(arrived) => add(&documents, &caller, arrived, command_id, correlation).await,
        Err(problem) => Err(problem),
    };
    if let Err(refused) = &result {
        tracing::info!(request_id = %correlation, code = refused.code, "an upload was refused");
        body.linger().await;
    }
    result
}

/// Takes the two parts; at the end the bytes are at their address.
async fn arrive(documents: &Documents, caller: &Caller, boundary: String, body: &Incoming) -> Result<Arrived, Problem> {
    let limit = documents.rules.limit;
    let mut parts = body.parts(boundary, limit)?;
    let mut part = incoming::part(&mut parts, "metadata", limit).await?;
    let metadata: DocumentMetadata = documents.rules.metadata.read(&in_time(incoming::metadata(&mut part, limit)).await?)?;
    drop(part);
    let declared = metadata.content.known().map(|content| content.attachment.content_type.clone()).ok_or_else(problem::parts)?;
    if !documents.rules.types.has(&declared) {
        return Err(problem::type_not_allowed(&documents.rules.types));
    }
    let mut file = incoming::part(&mut parts, "content", limit).await?;
    let mut stage = documents.storage.stage();
    let sealed = match in_time(seal(documents, caller, &metadata, TypeCheck::new(declared), &mut file, &mut stage)).await {
        Ok(sealed) => {
            drop(file);
            incoming::end(&mut parts, limit).await.map(|()| sealed)
        }
        Err(problem) => Err(problem),
    };
    let (address, size, fingerprint) = match sealed {
        Ok(sealed) => sealed,
        Err(problem) => {
            stage.abandon().await;
            return Err(problem);
        }
    };
    let blob = Blob::new(caller.tenant, metadata.document, &address);
    stage.keep(&blob).await.map_err(|error| problem::storage(&error))?;
    Ok(Arrived { blob, command: UploadDocument { metadata, address, size, fingerprint: Phi::Known(fingerprint) } })
}

/// A part that trickles in is given up.
async fn in_time<T>(part: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(ARRIVES_WITHIN, part).await.unwrap_or_else(|_| Err(Problem::unreadable()))
}

/// Seals the file as it comes, and sees that it is what it should be.
async fn seal(
    documents: &Documents,
    caller: &Caller,
    metadata: &DocumentMetadata,
    mut kind: TypeCheck,
    file: &mut Field<'static>,
    stage: &mut Stage,
) -> Result<(BlobAddress, u64, Fingerprint), Problem> {
    let limit = documents.rules.limit;
    let subject = Subject::Patient(metadata.patient);
    let mut sealer = documents.store.vault().blob_sealer(caller.tenant, subject, metadata.document.0).await.map_err(|error| problem::vault(&error))?;
    let (mut fingerprint, mut size) = (Sha256::new(), 0);
    while let Some(clear) = incoming::chunk(file, limit).await? {
        size += clear.len() as u64;
        if size > limit {
            return Err(problem::too_large(limit));
        }
        kind.push(&clear).map_err(problem::wrong_type)?;
        fingerprint.update(&clear);
        stage.put(&sealer.push(&clear)).await.map_err(|error| problem::storage(&error))?;
    }
    kind.finish().map_err(problem::wrong_type)?;
    let (rest, blob) = sealer.finish();
    stage.put(&rest).await.map_err(|error| problem::storage(&error))?;
    let address = BlobAddress::try_from(hex(&blob.address)).map_err(|_| problem::unavailable())?;
    let fingerprint = Fingerprint::try_from(hex(&fingerprint.finalize())).map_err(|_| problem::unavailable())?;
    Ok((address, blob.size, fingerprint))
}

/// Appends the event. Where it is certain that none names the bytes, they are forgotten at once; where it is not, they are left to be collected.
async fn add(documents: &Documents, caller: &Caller, arrived: Arrived, command_id: Option<Uuid>, correlation: Uuid) -> Result<Accepted, Problem> {
    let Arrived { blob, command } = arrived;
    let request = gate::Request { command_id, correlation, causation: None, based_on: None };
    let result = documents.gate.execute(caller, command, request).await;
    let unnamed = match &result {
        // The first answer to a retry is about the bytes that came first.
        Ok(accepted) => accepted.repeated && named(&documents.store, std::slice::from_ref(&blob)).await.is_ok_and(|named| !named.contains(&blob)),
        Err(refusal) => is_certain(refusal),
    };
    if unnamed && documents.storage.forget(&blob).await.is_err() {
        tracing::warn!(request_id = %correlation, "the bytes of an upload that came to nothing are left to be collected");
    }
    Ok(result?)
}

fn is_certain(refusal: &Refusal<UploadDocumentRejection>) -> bool {
    match refusal {
        Refusal::Forbidden(_) | Refusal::Rejected(_) | Refusal::Stale { .. } | Refusal::CommandMismatch => true,
        Refusal::Contended | Refusal::Unavailable(_) => false,
    }
}
