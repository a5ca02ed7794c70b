//! `GET /v1/documents/{document}`: a document, or a part of it. Who reads it is settled before its first byte.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use command_api::Problem;
use domain::{DocumentId, Phi};
use futures::stream::{once, try_unfold};
use futures::{StreamExt, TryStreamExt};
use gate::{Caller, Credentials, Reading, request_id, wait_for};
use uuid::Uuid;

use crate::open::{Found, look_up};
use crate::range::{Wanted, wanted};
use crate::{Documents, problem};

pub(crate) async fn download(
    State(documents): State<Documents>,
    document: Result<Path<Uuid>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
) -> Response {
    let correlation = request_id(&headers);
    let answer = async {
        let caller = documents.gate.admit(Credentials::of(&headers)).await.map_err(Problem::not_admitted)?;
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
    for notice in &found.notices {
        insert(&mut response, HeaderName::from_static("carelog-notice"), notice);
    }
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
    match content_type.split(';').next().unwrap_or_default() {
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
    shows: bool,
) -> Result<Found, Problem> {
    let wait_for = wait_for(headers).map_err(|_| Problem::invalid_request("Carelog-Wait-For", "must be a position, as a command returned it"))?;
    let criteria = Some(Phi::Known(format!("{{\"document\":\"{document}\"}}")));
    let reading = Reading { wait_for, criteria, ..Reading::of(operation, correlation) };
    let answered = documents.gate.read(caller, reading, |snapshot| async move { look_up(&snapshot, document, shows).await }).await;
    let answered = answered?;
    match answered.value {
        Ok(mut found) => {
            found.notices = answered.notices;
            Ok(found)
        }
        Err(not_found) => Err(not_found.into()),
    }
}

/// The clear bytes of a range. Its beginning is opened before the answer begins, so that what cannot be opened is a problem and not a broken answer.
async fn body(documents: &Documents, caller: &Caller, found: &Found, range: Range<u64>) -> Result<Body, Problem> {
    let mut stretches = documents.open(caller, found, range).await?;
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
