//! What can go wrong, as a client sees it: every error that leaves has an `extensions.code` of [`Code`], and says nothing of our insides.

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use axum::http::StatusCode;
use domain::{InvalidValue, Permission};
use event_store::ReadError;
use gate::{AccessRefusal, Forbidden, NotAPosition, NotAdmitted, PastRefusal, ReadRefusal, Unauthenticated, Unvalued};
use uuid::Uuid;

use crate::wording;

macro_rules! codes {
    ($($(#[$documentation:meta])* $name:ident $text:literal $status:ident,)*) => {
        /// The documented values of `extensions.code`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Code {
            $($(#[$documentation])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As clients read it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status of an answer that holds nothing but an error with this code.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// No token, or none that is valid.
    Unauthenticated "UNAUTHENTICATED" UNAUTHORIZED,
    /// The caller's roles do not allow it; `extensions.permission` names what is missing.
    Forbidden "FORBIDDEN" FORBIDDEN,
    /// `Carelog-Purpose-Of-Use` names no purpose, or none for which you may ask.
    PurposeOfUse "PURPOSE_OF_USE" FORBIDDEN,
    /// What is to be followed does not exist, or the caller may not know that it does.
    NotFound "NOT_FOUND" NOT_FOUND,
    /// An argument breaks a rule; the message says which rule, and never repeats the value.
    BadUserInput "BAD_USER_INPUT" BAD_REQUEST,
    /// Not a GraphQL request as GraphQL over HTTP, or over WebSocket, has it.
    BadRequest "BAD_REQUEST" BAD_REQUEST,
    /// The document is not GraphQL.
    ParseFailed "GRAPHQL_PARSE_FAILED" BAD_REQUEST,
    /// The document does not fit the schema, or the variables do not fit the document.
    ValidationFailed "GRAPHQL_VALIDATION_FAILED" BAD_REQUEST,
    /// The document asks for too much at once, or too deep.
    TooComplex "TOO_COMPLEX" BAD_REQUEST,
    /// Over GET there are only queries.
    MethodNotAllowed "METHOD_NOT_ALLOWED" METHOD_NOT_ALLOWED,
    /// The client accepts none of our media types.
    NotAcceptable "NOT_ACCEPTABLE" NOT_ACCEPTABLE,
    /// The body is larger than we read.
    PayloadTooLarge "PAYLOAD_TOO_LARGE" PAYLOAD_TOO_LARGE,
    /// The body is not `application/json`.
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" UNSUPPORTED_MEDIA_TYPE,
    /// The connection has as many operations as it may.
    TooManyOperations "TOO_MANY_OPERATIONS" TOO_MANY_REQUESTS,
    /// The position that the client waits for was not reached in time; `extensions.wanted` and `extensions.reached` say how far it was. Ask again.
    PositionTimeout "POSITION_TIMEOUT" GATEWAY_TIMEOUT,
    /// The read models are not there for the moment. Ask again.
    Unavailable "UNAVAILABLE" SERVICE_UNAVAILABLE,
    /// Our fault; the log has it under `extensions.carelog.requestId`.
    Internal "INTERNAL" INTERNAL_SERVER_ERROR,
}

/// Why a request, an operation or a field has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// See [`Code::Unauthenticated`].
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// See [`Code::Forbidden`].
    #[error("this needs a permission that you do not have")]
    Forbidden(Permission),
    /// See [`Code::PositionTimeout`].
    #[error("the read models have not reached that position yet")]
    PositionTimeout {
        /// What was asked for.
        wanted: i64,
        /// Where they are.
        reached: i64,
    },
    /// An argument, by its name, and the rule it breaks.
    #[error("`{0}` {1}")]
    Argument(&'static str, InvalidValue),
    /// Anything else that is the client's to mend.
    #[error("{1}")]
    Refused(Code, &'static str),
    /// The document is not GraphQL, at this line and column.
    #[error("the document does not parse")]
    Parse(Vec<async_graphql::Pos>),
    /// The read database refused a statement, or a row is not as it should be. The reason is logged where it arises.
    #[error("something went wrong on our side")]
    Internal,
}

impl Failure {
    pub(crate) const UNAVAILABLE: Self = Self::Refused(Code::Unavailable, "the read models are not available for the moment");

    /// Its documented code.
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden(_) => Code::Forbidden,
            Self::PositionTimeout { .. } => Code::PositionTimeout,
            Self::Argument(..) => Code::BadUserInput,
            Self::Refused(code, _) => *code,
            Self::Parse(_) => Code::ParseFailed,
            Self::Internal => Code::Internal,
        }
    }

    /// As a response of its own.
    pub fn response(self) -> Response {
        let mut error = ServerError::new(self.to_string(), None);
        if let Self::Parse(positions) = &self {
            error.locations.clone_from(positions);
        }
        error.extensions = Some(self.extensions());
        Response::from_errors(vec![error])
    }

    fn extensions(&self) -> ErrorExtensionValues {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code().as_str());
        match self {
            Self::Forbidden(permission) => {
                extensions.set("permission", serde_json::to_value(permission).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default());
            }
            Self::PositionTimeout { wanted, reached } => {
                extensions.set("wanted", *wanted);
                extensions.set("reached", *reached);
            }
            Self::Argument(name, _) => extensions.set("argument", *name),
            _ => {}
        }
        extensions
    }
}

impl From<Forbidden> for Failure {
    fn from(Forbidden(permission): Forbidden) -> Self {
        Self::Forbidden(permission)
    }
}

impl From<NotAdmitted> for Failure {
    fn from(refusal: NotAdmitted) -> Self {
        match refusal {
            NotAdmitted::Unauthenticated(unauthenticated) => unauthenticated.into(),
            NotAdmitted::Purpose => Self::Refused(Code::PurposeOfUse, "the purpose of use is not one for which you may ask"),
        }
    }
}

impl From<NotAPosition> for Failure {
    fn from(_: NotAPosition) -> Self {
        Self::Refused(Code::BadUserInput, "Carelog-Wait-For must be a position, as a command returned it")
    }
}

impl From<ReadRefusal> for Failure {
    fn from(refusal: ReadRefusal) -> Self {
        match refusal {
            ReadRefusal::PositionTimeout { wanted, reached } => Self::PositionTimeout { wanted: wanted.0, reached: reached.0 },
            ReadRefusal::Unauthenticated(unauthenticated) => unauthenticated.into(),
            ReadRefusal::Unavailable(error) => {
                tracing::error!(%error, "the read models are not available");
                Self::UNAVAILABLE
            }
            // The gate has said why.
            ReadRefusal::Unrecorded(_) => Self::Refused(Code::Unavailable, "that you see this cannot be recorded for the moment, so it is not shown"),
        }
    }
}

impl From<PastRefusal> for Failure {
    fn from(refusal: PastRefusal) -> Self {
        match refusal {
            PastRefusal::Forbidden(forbidden) => forbidden.into(),
            PastRefusal::Log(error) => error.into(),
            PastRefusal::ReadModels(error) => error.into(),
            PastRefusal::Shape(error) => {
                tracing::error!(%error, "an event of the past cannot be masked");
                Self::Internal
            }
        }
    }
}

impl From<AccessRefusal> for Failure {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {
            AccessRefusal::Forbidden(forbidden) => forbidden.into(),
            AccessRefusal::Log(error) => error.into(),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(error) => error.into(),
            ReadError::Unreadable { position, .. } => {
                tracing::error!(position = position.0, "an event of the past does not read");
                Self::Internal
            }
            ReadError::Vault(_) => {
                tracing::error!("the vault is not available to read the past");
                Self::UNAVAILABLE
            }
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Unvalued::from(error).into()
    }
}

impl From<Unvalued> for Failure {
    fn from(error: Unvalued) -> Self {
        tracing::error!(%error, "a statement of the read side failed");
        if error.may_pass() { Self::UNAVAILABLE } else { Self::Internal }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        // Not its text, which may repeat a value.
        tracing::error!(category = ?error.classify(), line = error.line(), "a value of the read side does not read");
        Self::Internal
    }
}

/// Gives every error of a response its code, and takes out of each what would repeat a value or tell of our insides.
pub fn finish(response: &mut Response, request_id: Uuid) {
    for error in &mut response.errors {
        if let Some(failure) = error.source::<Failure>().cloned() {
            error.message = failure.to_string();
            error.extensions = Some(failure.extensions());
        } else if error.source.is_some() {
            // Something that no resolver should let through.
            tracing::error!(%request_id, "an error that has no code left a resolver");
            *error = ServerError { message: Failure::Internal.to_string(), extensions: Some(Failure::Internal.extensions()), ..error.clone() };
        } else if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
            let code = code_of_library_error(error);
            error.message = wording::of_ours(&without_value(&error.message));
            error.extensions.get_or_insert_default().set("code", code.as_str());
        }
    }
}

/// async-graphql's own errors: those with a path come from reading a field's arguments, the others from validation.
fn code_of_library_error(error: &ServerError) -> Code {
    const LIMITS: [&str; 4] =
        ["Query is too complex.", "Query is nested too deep.", "The recursion depth of the query cannot", "The number of directives on the field"];
    if LIMITS.iter().any(|limit| error.message.starts_with(limit)) {
        Code::TooComplex
    } else if error.path.is_empty() {
        Code::ValidationFailed
    } else {
        Code::BadUserInput
    }
}

/// Some of its messages go on to repeat the value, which may be in any words.
fn without_value(message: &str) -> String {
    const BEFORE_A_VALUE: [&str; 2] = [", found ", " does not contain the value "];
    match BEFORE_A_VALUE.iter().find_map(|separator| message.split_once(separator)) {
        Some((rule, _)) => format!("{rule}: this value does not fit"),
        None => message.to_owned(),
    }
}
