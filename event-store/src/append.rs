//! What is appended, and what comes of it.

use std::sync::Arc;

use domain::access::Authority;
use domain::{Event, Query, TenantId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vault::{Digest, VaultError};

use crate::Position;

/// Who did it, as their token said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// The role in which they acted.
    pub role: String,
}

/// What is appended together, or not at all.
#[derive(Clone)]
pub struct Append {
    /// Whose log.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: Actor,
    /// By what authority.
    pub authority: Authority,
    /// The command, unique to its tenant and actor.
    pub command: CommandKey,
    /// The request that it was part of.
    pub correlation: Uuid,
    /// The event that led to it, if one did.
    pub causation: Option<Uuid>,
    /// The events; with none, only the command is remembered.
    pub events: Vec<Event>,
    /// Nothing that matches this has been appended after `read_at`; an empty one is no condition.
    pub boundary: Query,
    /// The position up to which the boundary was read.
    pub read_at: Position,
    /// What the caller is told, again at every retry. Clear JSON without protected values.
    pub answer: serde_json::Value,
}

/// How a command is recognised when it comes again.
#[derive(Clone)]
pub struct CommandKey {
    /// The idempotency key.
    pub id: Uuid,
    /// `scheduling.book-appointment`.
    pub name: String,
    /// Its body.
    pub digest: Digest,
}

/// What came of an append.
#[derive(Clone, PartialEq, Debug)]
pub struct Appended {
    /// The last position appended; where there were no events, the head it was decided at.
    pub position: Position,
    /// The ids of the events, in order.
    pub event_ids: Vec<Uuid>,
    /// The answer first given.
    pub answer: serde_json::Value,
    /// Whether it had been given before.
    pub repeated: bool,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// An event of the boundary was appended since it was read; decide again.
    #[error("the boundary has grown")]
    Conflict,
    /// The same command id came with another body.
    #[error("the command id was used with another body")]
    CommandMismatch,
    /// More appends wait than the log takes on; nothing was appended. Send it again later.
    #[error("too many appends wait for the log")]
    Overloaded,
    /// The log is behind or gone; nothing is known to be appended. The same append can be sent again.
    #[error("the log is not available")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The log's database does not take this append; nothing was appended, and sending it again would not help.
    #[error("the log's database refuses the append")]
    Refused(#[source] Arc<sqlx::Error>),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}
