//! What is refused, as problems.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use command_api::Problem;
use event_store::ReadError;
use gate::Unvalued;
use serde_json::json;
use uuid::Uuid;
use vault::VaultError;

use crate::kind::{AllowedTypes, WrongType};
use crate::storage::StorageError;

pub(crate) fn too_large(limit: u64) -> Problem {
    let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "document-too-large", "The document is larger than one may be.");
    Problem { parameters: json!({ "limit": limit }), ..problem }
}

pub(crate) fn type_not_allowed(allowed: &AllowedTypes) -> Problem {
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "content-type-not-allowed", "Documents of this type are not taken.");
    Problem { parameters: json!({ "allowed": allowed.names().collect::<Vec<_>>() }), ..problem }
}

pub(crate) fn wrong_type(wrong: WrongType) -> Problem {
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "content-type-mismatch", "The document is not of the type that it is declared as.");
    Problem { parameters: json!({ "found": wrong.found }), ..problem }
}

pub(crate) fn not_multipart() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "A document is sent as multipart/form-data.")
}

pub(crate) fn parts() -> Problem {
    Problem::invalid_request("", "must be two parts of multipart/form-data: first `metadata`, JSON, then `content`, the file")
}

pub(crate) fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "document-unknown", "There is no such document.")
}

pub(crate) fn removed() -> Problem {
    Problem::new(StatusCode::GONE, "document-removed", "The document was removed.")
}

pub(crate) fn masked() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "document-masked", "What the document says is not for you; the patient's consent, or breaking the glass, opens it.")
}

pub(crate) fn link_unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "link-unknown", "The link is not known, was used, or is over.")
}

pub(crate) fn outside(size: u64) -> Problem {
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "The document has no such part.");
    Problem { parameters: json!({ "size": size }), ..problem }
}

fn erased() -> Problem {
    Problem::new(StatusCode::GONE, "document-erased", "The document was erased.")
}

fn damaged() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "document-damaged", "The document cannot be opened.")
}

pub(crate) fn unavailable() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Documents are not available; try again.")
}

pub(crate) fn storage(error: &StorageError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "the documents' storage");
    match error {
        StorageError::Full(_) => Problem::new(StatusCode::INSUFFICIENT_STORAGE, "storage-full", "There is no room for more documents."),
        StorageError::Missing => damaged(),
        StorageError::Unavailable(_) | StorageError::Location(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "storage-unavailable", "The documents' storage is not available; try again.")
        }
    }
}

pub(crate) fn vault(error: &VaultError) -> Problem {
    match error {
        VaultError::Erased => erased(),
        VaultError::NotAuthentic => {
            tracing::error!("a stored document does not open");
            damaged()
        }
        other => {
            tracing::error!(error = other as &dyn std::error::Error, "the vault");
            unavailable()
        }
    }
}

/// Nothing of the body was read; there is room again when one of those that come has come.
pub(crate) fn too_many(correlation: Uuid) -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-uploads", "As many documents are uploaded as can be at once; try again.");
    let mut response = Problem { request_id: Some(correlation), ..problem }.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

pub(crate) fn log(error: &ReadError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "the log");
    unavailable()
}

pub(crate) fn links(error: impl Into<Unvalued>) -> Problem {
    tracing::error!(error = %error.into(), "the links");
    unavailable()
}
