//! Answers as FHIR has them: resources, and refusals as `OperationOutcome` (<http://hl7.org/fhir/R4/http.html>).

use std::collections::BTreeSet;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Permission;
use gate::{NotAPosition, NotAdmitted, ReadRefusal};
use serde_json::{Value, json};

use crate::read::Failure;

/// The media type.
const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json");
/// The position in the log that an answer reflects.
const REFLECTS: &str = "carelog-reflects";

/// What must go with an answer wherever it goes.
const NOTICE: &str = "carelog-notice";

/// Why a request was not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// No valid bearer token.
    Unauthenticated,
    /// The purpose of use is none for which the caller may ask.
    Purpose,
    /// The caller may not read this type.
    Forbidden(Permission),
    /// What the resource says is not for the caller.
    Masked,
    /// No such resource, as far as the caller may know.
    NotFound,
    /// Carelog has no such type or operation.
    NotSupported,
    /// The path takes GET.
    MethodNotAllowed,
    /// A header that does not read.
    BadHeader,
    /// A search that does not read: which parameter, and the rule.
    BadSearch(&'static str),
    /// The read models are not as far as was asked for.
    NotYet,
    /// The read models do not answer.
    Unavailable,
    /// Something is wrong here.
    Internal,
}

impl Problem {
    /// The status, FHIR's code of the issue (<http://hl7.org/fhir/R4/valueset-issue-type.html>), and the same for a person.
    fn said(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "login", "A valid bearer token is needed."),
            Self::Purpose => (StatusCode::FORBIDDEN, "forbidden", "The purpose of use is not one for which you may ask."),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "The caller may not read this."),
            Self::Masked => {
                (StatusCode::FORBIDDEN, "suppressed", "What this resource says is not for you; the patient's consent, or breaking the glass, opens it.")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such resource."),
            Self::NotSupported => (StatusCode::NOT_FOUND, "not-supported", "There is no such resource type or operation here; /fhir/metadata lists them."),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "not-supported", "Resources are read only; commands go to /v1."),
            Self::BadHeader => (StatusCode::BAD_REQUEST, "value", "Carelog-Wait-For must be a position, as a command returned it."),
            Self::BadSearch(rule) => (StatusCode::BAD_REQUEST, "value", rule),
            Self::NotYet => (StatusCode::SERVICE_UNAVAILABLE, "transient", "The read models have not reached the position yet."),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "transient", "The read models are not available."),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "exception", "Something went wrong here."),
        }
    }
}

impl From<NotAdmitted> for Problem {
    fn from(refusal: NotAdmitted) -> Self {
        match refusal {
            NotAdmitted::Unauthenticated(_) => Self::Unauthenticated,
            NotAdmitted::Purpose => Self::Purpose,
        }
    }
}

impl From<NotAPosition> for Problem {
    fn from(_: NotAPosition) -> Self {
        Self::BadHeader
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound => Self::NotFound,
            Failure::Masked => Self::Masked,
            Failure::Forbidden(forbidden) => Self::Forbidden(forbidden.0),
            Failure::Refused(ReadRefusal::PositionTimeout { .. }) => Self::NotYet,
            Failure::Refused(ReadRefusal::Unauthenticated(_)) => Self::Unauthenticated,
            Failure::Log(error) => {
                tracing::error!(%error, "the access log does not read");
                Self::Unavailable
            }
            // The gate has said why.
            Failure::Refused(ReadRefusal::Unrecorded(_)) => Self::Unavailable,
            Failure::Refused(refusal) => {
                tracing::error!(error = &refusal as &dyn std::error::Error, "a read failed");
                Self::Unavailable
            }
            Failure::Row(error) => {
                tracing::error!(line = error.line(), "a row of the read models does not read");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, text) = self.said();
        let mut answer = respond(status, &outcome("error", code, text));
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

/// An `OperationOutcome` of one issue.
pub fn outcome(severity: &str, code: &str, text: &str) -> Value {
    json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": severity, "code": code, "diagnostics": text }] })
}

/// A resource, its version, and how much of the log it reflects.
pub fn resource(resource: &Value, reflects: i64, notices: &BTreeSet<&'static str>) -> Response {
    let mut answer = respond(StatusCode::OK, resource);
    let version = resource["meta"]["versionId"].as_str().and_then(|version| HeaderValue::try_from(format!("W/\"{version}\"")).ok());
    if let Some(version) = version {
        answer.headers_mut().insert(ETAG, version);
    }
    answer.headers_mut().insert(REFLECTS, reflects.into());
    for notice in notices {
        answer.headers_mut().append(NOTICE, HeaderValue::from_static(notice));
    }
    answer
}

/// What is answered may be protected: no cache keeps it.
pub fn respond(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, FHIR_JSON), (CACHE_CONTROL, HeaderValue::from_static("no-store"))], body.to_string()).into_response()
}
