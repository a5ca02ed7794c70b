//! `GET /v1/documents/{document}`: a document, or a part of it. Who reads it is settled before its first byte.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use command_api::Problem;
use domain::documents::BlobAddress;
use domain::{DocumentId, PatientId, Permission, Subject};
use event_store::{Position, ReadError};
use futures::stream::{once, try_unfold};
use futures::{StreamExt, TryStreamExt};
use gate::{Caller, Forbidden, Reading, Snapshot};
use sqlx::FromRow;
use uuid::Uuid;
use vault::{BlobReader, CHUNK, HEADER};

use crate::range::{Wanted, wanted};
use crate::storage::Blob;
use crate::upload::correlation;
use crate::{Documents, problem};

/// How much is read from the storage at once.
const STRETCH: u64 = 16 * CHUNK as u64;

/// A document as the read model has it.
#[derive(FromRow)]
struct Row {
    patient_id: Uuid,
    address: String,
    size: i64,
    content_type: Option<String>,
    status: String,
}

/// A document that the caller may read.
struct Found {
    patient: PatientId,
    blob: Blob,
    size: u64,
    content_type: String,
}

enum NotFound {
    Forbidden(Forbidden),
    Unknown,
    Removed,
    Database(sqlx::Error),
    Log(ReadError),
}

pub(crate) async fn download(
    State(documents): State<Documents>,
    document: Result<Path<Uuid>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
) -> Response {
    let correlation = correlation(&headers);
    let answer = async {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let caller = documents.gate.authenticate_header(authorization).await.map_err(|_| Problem::unauthenticated())?;
        let Path(document) = document.map_err(|_| problem::unknown())?;
        hand_out(&documents, &caller, DocumentId(document), &headers, "download document", correlation).await
    };
    answer.await.unwrap_or_else(|problem| refuse(problem, correlation))
}

pub(crate) fn refuse(problem: Problem, correlation: Uuid) -> Response {
    axum::response::IntoResponse::into_response(Problem { request_id: Some(correlation), ..problem })
}

/// The document for this caller, who is known to the gate.
pub(crate) async fn hand_out(
    documents: &Documents,
    caller: &Caller,
    document: DocumentId,
    headers: &HeaderMap,
    operation: &str,
    correlation: Uuid,
) -> Result<Response, Problem> {
    let found = find(documents, caller, document, headers, operation, correlation, true).await?;
    let (status, range) = match found.wanted(headers) {
        Wanted::Whole => (StatusCode::OK, 0..found.size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Outside => {
            return Ok(outside(found.size, correlation));
        }
    };
    let body = body(documents, caller, &found, range.clone()).await?;
    let mut response = Response::new(body);
    *response.status_mut() = status;
    insert(&mut response, header::CONTENT_TYPE, &found.content_type);
    insert(&mut response, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    insert(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{document}{}\"", extension(&found.content_type)));
    insert(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    insert(&mut response, header::CACHE_CONTROL, "no-store");
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    insert(&mut response, header::ETAG, &found.tag());
    if status == StatusCode::PARTIAL_CONTENT {
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes {}-{}/{}", range.start, range.end - 1, found.size));
    }
    Ok(response)
}

/// What keeps a document from being handed out to this caller, if anything does; nothing is shown by it.
pub(crate) async fn refused(documents: &Documents, caller: &Caller, document: DocumentId, headers: &HeaderMap, correlation: Uuid) -> Option<Response> {
    match find(documents, caller, document, headers, "look for document by link", correlation, false).await {
        Ok(found) => matches!(found.wanted(headers), Wanted::Outside).then(|| outside(found.size, correlation)),
        Err(problem) => Some(refuse(problem, correlation)),
    }
}

fn outside(size: u64, correlation: Uuid) -> Response {
    let mut response = refuse(problem::outside(size), correlation);
    insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
    response
}

impl Found {
    fn tag(&self) -> String {
        format!("\"{}\"", self.blob.address)
    }

    fn wanted(&self, headers: &HeaderMap) -> Wanted {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let whole = text(header::IF_RANGE).is_some_and(|expected| expected != self.tag());
        if whole { Wanted::Whole } else { wanted(text(header::RANGE), self.size) }
    }
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What a file of this type is usually called.
fn extension(content_type: &str) -> &'static str {
    match content_type {
        "application/pdf" => ".pdf",
        "image/png" => ".png",
        "image/jpeg" => ".jpg",
        "image/tiff" => ".tiff",
        "text/plain" => ".txt",
        "application/xml" | "text/xml" => ".xml",
        "application/dicom" => ".dcm",
        _ => "",
    }
}

/// That the caller may read this document, without handing it out.
pub(crate) async fn may_read(documents: &Documents, caller: &Caller, document: DocumentId, headers: &HeaderMap, correlation: Uuid) -> Result<(), Problem> {
    find(documents, caller, document, headers, "link document", correlation, false).await.map(drop)
}

async fn find(
    documents: &Documents,
    caller: &Caller,
    document: DocumentId,
    headers: &HeaderMap,
    operation: &str,
    correlation: Uuid,
    discloses: bool,
) -> Result<Found, Problem> {
    let wait_for = match headers.get("carelog-wait-for") {
        None => None,
        Some(value) => {
            let position = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|position: &i64| *position >= 0);
            Some(Position(position.ok_or_else(|| Problem::invalid_request("Carelog-Wait-For", "must be a position, as a command returned it"))?))
        }
    };
    let reading = Reading { operation: operation.to_owned(), correlation, wait_for };
    let answered = documents.gate.read(caller, reading, |snapshot| async move { look_up(&snapshot, document, discloses).await }).await;
    match answered.map_err(problem::read)?.value {
        Ok(found) => Ok(found),
        Err(NotFound::Forbidden(forbidden)) => Err(Problem::forbidden(forbidden.0)),
        Err(NotFound::Unknown) => Err(problem::unknown()),
        Err(NotFound::Removed) => Err(problem::removed()),
        Err(NotFound::Database(error)) => Err(problem::read(error.into())),
        Err(NotFound::Log(error)) => Err(problem::log(&error)),
    }
}

async fn look_up(snapshot: &Snapshot, document: DocumentId, discloses: bool) -> Result<Found, NotFound> {
    snapshot.require(Permission::ReadDocuments).map_err(NotFound::Forbidden)?;
    let statement = "select patient_id, address, size, content_type, status from document where document_id = $1";
    let row: Option<Row> = sqlx::query_as(statement).bind(document.0).fetch_optional(&mut *snapshot.connection().await).await.map_err(NotFound::Database)?;
    let row = row.ok_or(NotFound::Unknown)?;
    if row.status == "entered-in-error" || snapshot.is_removed(document).await.map_err(NotFound::Log)? {
        return Err(NotFound::Removed);
    }
    let patient = PatientId(row.patient_id);
    if discloses {
        snapshot.discloses(patient);
    }
    let address = BlobAddress::try_from(row.address).map_err(|_| NotFound::Unknown)?;
    let content_type = row.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    Ok(Found { patient, blob: Blob::new(snapshot.caller().tenant, document, &address), size: row.size.unsigned_abs(), content_type })
}

/// The clear bytes of a range. Its beginning is opened before the answer begins, so that what cannot be opened is a problem and not a broken answer.
async fn body(documents: &Documents, caller: &Caller, found: &Found, range: Range<u64>) -> Result<Body, Problem> {
    let storage = documents.storage.clone();
    let header = storage.read(&found.blob, 0..HEADER as u64).await.map_err(|error| problem::storage(&error))?;
    let header = header.first_chunk().ok_or(vault::VaultError::NotAuthentic).map_err(|error| problem::vault(&error))?;
    let subject = Subject::Patient(found.patient);
    let vault = documents.store.vault();
    let opener = vault.blob_opener(caller.tenant, subject, found.blob.document.0, header, found.size).await.map_err(|error| problem::vault(&error))?;
    let reader = opener.part(range);
    let sealed = reader.sealed_range();
    let mut stretches = Stretches { storage, blob: found.blob.clone(), sealed, reader: Some(reader) };
    let first = stretches.next().await?;
    let rest = try_unfold(stretches, |mut stretches| async {
        match stretches.next().await {
            Ok(clear) => Ok(clear.map(|clear| (clear, stretches))),
            // The answer has begun: it can only break off, which its length tells.
            Err(problem) => Err(std::io::Error::other(problem.code)),
        }
    });
    Ok(match first {
        Some(first) => Body::from_stream(once(async { Ok::<_, std::io::Error>(first) }).chain(rest).into_stream()),
        None => Body::empty(),
    })
}

/// What is still to be read, stretch by stretch, so that a slow reader keeps no connection to the storage busy.
struct Stretches {
    storage: crate::Storage,
    blob: Blob,
    sealed: Range<u64>,
    reader: Option<BlobReader>,
}

impl Stretches {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        while !self.sealed.is_empty() {
            let end = self.sealed.end.min(self.sealed.start + STRETCH);
            let sealed = self.storage.read(&self.blob, self.sealed.start..end).await.map_err(|error| problem::storage(&error))?;
            if sealed.len() as u64 != end - self.sealed.start {
                return Err(problem::vault(&vault::VaultError::NotAuthentic));
            }
            self.sealed.start = end;
            let Some(reader) = &mut self.reader else { return Ok(None) };
            let clear = reader.push(&sealed).map_err(|error| problem::vault(&error))?;
            if !clear.is_empty() {
                return Ok(Some(clear.into()));
            }
        }
        match self.reader.take().map(BlobReader::finish) {
            Some(Err(error)) => Err(problem::vault(&error)),
            _ => Ok(None),
        }
    }
}
