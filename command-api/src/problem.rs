//! Problem details (RFC 9457): what every refusal looks like.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Permission;
use event_store::Position;
use gate::{NotAdmitted, ReadRefusal, Refusal, Unvalued};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Why a request was not carried out. `code` and `parameters` are stable; `title` is for people.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `urn:carelog:problem:<code>`.
    pub r#type: String,
    /// What it means, in a sentence; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// What a program decides by.
    pub code: String,
    /// What the code says more, by name.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
    /// The fields that break a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The request, as logs and traces name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
}

/// A field that breaks a rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body; `Idempotency-Key` or `basedOn` where the header or the query parameter of that name breaks the rule.
    pub field: String,
    /// The rule; never the value.
    pub rule: String,
}

impl Problem {
    /// A refusal of some status and code, with a sentence that is the same for every occurrence.
    pub fn new(status: StatusCode, code: &str, title: &str) -> Self {
        Self {
            r#type: format!("urn:carelog:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            parameters: Value::Null,
            errors: Vec::new(),
            request_id: None,
        }
    }

    /// No route has this path.
    pub fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-such-path", "Nothing is here.")
    }

    /// The route takes other methods.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This path does not take that method.")
    }

    /// There is no valid token.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "A valid bearer token is needed.")
    }

    /// The request goes no further than its headers.
    pub fn not_admitted(refusal: NotAdmitted) -> Self {
        match refusal {
            NotAdmitted::Unauthenticated(_) => Self::unauthenticated(),
            NotAdmitted::Purpose => Self::new(StatusCode::FORBIDDEN, "purpose-of-use", "The purpose of use is not one for which you may ask."),
        }
    }

    /// What is to be read does not answer.
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The read models are not available; try again.")
    }

    /// The caller lacks a permission.
    pub fn forbidden(permission: Permission) -> Self {
        let problem = Self::new(StatusCode::FORBIDDEN, "forbidden", "The caller may not do this.");
        Self { parameters: json!({ "permission": permission }), ..problem }
    }

    /// The body breaks rules.
    pub fn invalid_body(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid-body", "The body is not the command that this path takes.") }
    }

    /// A header or a query parameter breaks a rule.
    pub fn invalid_request(field: &str, rule: &str) -> Self {
        let errors = vec![FieldError { field: field.to_owned(), rule: rule.to_owned() }];
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid-request", "A header or a query parameter breaks a rule.") }
    }

    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is larger than a command can be.")
    }

    /// The body broke off.
    pub fn unreadable() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable-body", "The body did not arrive whole.")
    }

    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "A command is sent as application/json.")
    }

    fn stale(changed_at: Position) -> Self {
        let problem = Self::new(StatusCode::CONFLICT, "stale", "What the command depends on has changed since the position it is based on.");
        Self { parameters: json!({ "changedAt": changed_at }), ..problem }
    }

    fn rejected<R: std::error::Error + Serialize>(rejection: &R) -> Self {
        let mut value = serde_json::to_value(rejection).unwrap_or_default();
        let code = value.get("code").and_then(Value::as_str).unwrap_or("rejected").to_owned();
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, &code, &rejection.to_string());
        Self { parameters: value.get_mut("parameters").map(Value::take).unwrap_or_default(), ..problem }
    }
}

impl From<ReadRefusal> for Problem {
    fn from(refusal: ReadRefusal) -> Self {
        match refusal {
            ReadRefusal::PositionTimeout { wanted, reached } => {
                let title = "The read models have not come as far as the position that was asked for.";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "position-timeout", title);
                Self { parameters: json!({ "wanted": wanted, "reached": reached }), ..problem }
            }
            ReadRefusal::Unauthenticated(_) => Self::unauthenticated(),
            ReadRefusal::Unavailable(error) => error.into(),
            // The gate has said why.
            ReadRefusal::Unrecorded(_) => Self::unavailable(),
        }
    }
}

impl From<Unvalued> for Problem {
    fn from(error: Unvalued) -> Self {
        tracing::error!(%error, "the read models");
        Self::unavailable()
    }
}

impl<R: std::error::Error + Serialize> From<Refusal<R>> for Problem {
    fn from(refusal: Refusal<R>) -> Self {
        match refusal {
            Refusal::Unauthenticated => Self::unauthenticated(),
            Refusal::Forbidden(permission) => Self::forbidden(permission),
            Refusal::Rejected(rejection) => Self::rejected(&rejection),
            Refusal::Stale { changed_at } => Self::stale(changed_at),
            Refusal::CommandMismatch => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The idempotency key was used with another body.")
            }
            Refusal::Contended => Self::new(StatusCode::SERVICE_UNAVAILABLE, "contended", "Too many commands about the same; try again."),
            Refusal::Unavailable(failure) => {
                tracing::error!(error = &failure as &dyn std::error::Error, "command failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The log is not available; a retry with the same idempotency key is safe.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
