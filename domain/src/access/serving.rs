//! Whether the answers that access records tell of went out: what the processes that answer say of themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::{EventData, Subject};
use crate::ids::{ServerId, TenantId, UserId};
use crate::query::Tag;

/// What belongs to no tenant: the installation's own, and those of whom no tenant is known.
pub const NO_TENANT: TenantId = TenantId(Uuid::nil());

/// Nobody who has a token: the installation, and those who have none.
pub const NOBODY: UserId = UserId(Uuid::nil());

/// A process answers from now on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServingStarted {
    /// Which.
    pub server: ServerId,
    /// The version of Carelog that it is.
    pub version: String,
}

/// Whatever a process has recorded up to a position was answered, but for what is excepted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswersSent {
    /// Which process.
    pub server: ServerId,
    /// The position of the access log.
    pub through: i64,
    /// The records whose answer never went out: the client had gone, or the answer failed.
    pub except: Vec<NotSent>,
}

/// Records of one request whose answer never went out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotSent {
    /// The request.
    pub request: Uuid,
    /// The records lie from this position of the access log on,
    pub first: i64,
    /// and up to this one; none where nobody learned whether they were committed, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
}

/// A process has ended in order: whatever it recorded was answered, but for what it excepted before.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServingEnded {
    /// Which.
    pub server: ServerId,
}

impl EventData for ServingStarted {
    fn subject(&self) -> Subject {
        Subject::User(NOBODY)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::server(self.server)]
    }
}

impl EventData for AnswersSent {
    fn subject(&self) -> Subject {
        Subject::User(NOBODY)
    }
    fn tags(&self) -> Vec<Tag> {
        let requests = self.except.iter().map(|except| Tag::request(except.request));
        [Tag::server(self.server)].into_iter().chain(requests).collect()
    }
}

impl EventData for ServingEnded {
    fn subject(&self) -> Subject {
        Subject::User(NOBODY)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::server(self.server)]
    }
}

/// Whether the answer that an access record tells of went out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessAnswered {
    /// It was handed to the network.
    Yes,
    /// It never was: the client had gone before, or the answer failed.
    No,
    /// The process that made it broke off, or has not said so yet: it may be under way.
    Unknown,
}

impl AccessAnswered {
    /// As it is told in FHIR.
    pub fn code(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}
