//! What a request brings along in its headers, read in one place for every API.

use domain::Phi;
use domain::access::{Origin, PurposeOfUse};
use event_store::{Position, fresh_id};
use http::HeaderMap;
use http::header::{AUTHORIZATION, USER_AGENT};
use uuid::Uuid;

use crate::caller::Caller;

/// The request, as traces and answers name it.
pub const REQUEST_ID: &str = "x-request-id";
/// The position that the answer must reflect.
pub const WAIT_FOR: &str = "carelog-wait-for";
/// Why the caller asks: an HL7 v3 `PurposeOfUse`.
pub const PURPOSE: &str = "carelog-purpose-of-use";
/// The client's network address. The server overwrites it with what it sees itself, so a client cannot choose it.
pub const CLIENT_ADDRESS: &str = "carelog-client-address";
/// How much of what a client says it is is kept.
const AGENT_AT_MOST: usize = 200;

/// `Carelog-Wait-For` is no position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Carelog-Wait-For must be a position, as a command returned it")]
pub struct NotAPosition;

fn text<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The request's id: what the client or the server's outside gave it, or a fresh one.
pub fn request_id(headers: &HeaderMap) -> Uuid {
    text(headers, REQUEST_ID).and_then(|id| id.parse().ok()).unwrap_or_else(fresh_id)
}

/// The position that the answer must reflect, where one is asked for.
pub fn wait_for(headers: &HeaderMap) -> Result<Option<Position>, NotAPosition> {
    let Some(value) = headers.get(WAIT_FOR) else { return Ok(None) };
    let position = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|position: &i64| *position >= 0);
    position.map(Position).map(Some).ok_or(NotAPosition)
}

/// Who a request says that asks, why, and from where. None of it is believed yet.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) token: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) origin: Phi<Origin>,
    pub(crate) request: Uuid,
}

impl Credentials {
    /// Those of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let token = text(headers, AUTHORIZATION.as_str()).and_then(bearer).map(str::to_owned);
        let agent = text(headers, USER_AGENT.as_str()).map(|agent| agent.chars().take(AGENT_AT_MOST).collect());
        let origin = Phi::Known(Origin { address: text(headers, CLIENT_ADDRESS).map(str::to_owned), agent, ..Origin::default() });
        Self { token, purpose: text(headers, PURPOSE).map(str::to_owned), origin, request: request_id(headers) }
    }

    /// The same with what a WebSocket's first message says, which browsers cannot set as headers.
    #[must_use]
    pub fn with(self, authorization: Option<&str>, purpose: Option<&str>) -> Self {
        let token = authorization.and_then(bearer).map(str::to_owned).or(self.token);
        Self { token, purpose: purpose.map(str::to_owned).or(self.purpose), ..self }
    }

    /// A caller who was admitted before, coming from where this request comes from.
    pub fn come_from(self, caller: Caller) -> Caller {
        Caller { origin: self.origin, ..caller }
    }

    /// The purpose that is named; `Err` where it is none.
    pub(crate) fn named_purpose(&self) -> Result<Option<PurposeOfUse>, ()> {
        self.purpose.as_deref().map(|code| PurposeOfUse::from_code(code).ok_or(())).transpose()
    }
}

/// The token of an `Authorization` value (RFC 6750).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
