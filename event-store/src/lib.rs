//! The log in Postgres: append, read, tail, idempotency. Nothing else names its tables.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{Event, EventType, Label, Phi, Query, Subject, TenantId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;
use vault::{Digest, Vault, VaultError};

/// A place in the log: dense from 1 in the order of commits; 0 is before the first event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i64);

/// How many partitions the log has on Kafka and in the cursors of projections. A change is a new topic.
pub const PARTITIONS: u16 = 8;

/// The partition of a tenant: order inside a tenant is total.
pub fn partition_of(_tenant: TenantId) -> u16 {
    todo!()
}

/// The clock, injected.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's.
    pub fn system() -> Self {
        todo!()
    }
    /// One for tests.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }
    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.0()
    }
}

/// A fresh `UUIDv7`.
pub fn fresh_id() -> Uuid {
    todo!()
}

/// Who did it, as their token said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// The user.
    pub user: UserId,
    /// The role in which they acted.
    pub role: String,
}

/// What is appended together, or not at all.
pub struct Append {
    /// Whose log.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: Actor,
    /// The command, unique to its tenant and actor.
    pub command: CommandKey,
    /// The request that it was part of.
    pub correlation: Uuid,
    /// The event that led to it, if one did.
    pub causation: Option<Uuid>,
    /// The events; with none, only the command is remembered.
    pub events: Vec<Event>,
    /// Nothing that matches this has been appended after `read_at`.
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
    /// The log is behind or gone; nothing is known to be appended. The same append can be sent again.
    #[error("the log is not available")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log's database failed.
    #[error("the log is not available")]
    Database(#[from] sqlx::Error),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// An event of the log, opened.
#[derive(Clone, PartialEq)]
pub struct Recorded {
    /// Where it is.
    pub position: Position,
    /// Its id.
    pub event_id: Uuid,
    /// Its tenant.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: Actor,
    /// The request that it was part of.
    pub correlation: Uuid,
    /// What led to it: an event's id.
    pub causation: Option<Uuid>,
    /// The command's idempotency key.
    pub command: Uuid,
    /// How confidential it is.
    pub labels: Vec<Label>,
    /// When it happened.
    pub occurred: Phi<DateTime<Utc>>,
    /// When Carelog learned of it.
    pub recorded: DateTime<Utc>,
    /// The fact.
    pub event: Event,
}

/// An event of the log that does not open or decode with this build: poison.
pub struct Unreadable {
    /// Where it is.
    pub position: Position,
    /// Its tenant.
    pub tenant: TenantId,
    /// Whose it is.
    pub subject: Subject,
    /// Its stored type.
    pub event_type: String,
    /// Why.
    pub error: VaultError,
}

/// An event of the log as it is stored: sealed.
#[derive(Clone, PartialEq, Debug)]
pub struct Stored {
    /// Where it is.
    pub position: Position,
    /// Its id.
    pub event_id: Uuid,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its type, `scheduling.AppointmentBooked`.
    pub event_type: String,
    /// The version of its shape.
    pub version: u16,
    /// Whose key seals it, `patient/0190…`.
    pub subject: String,
    /// What it is found by, opaque.
    pub tags: Vec<String>,
    /// HL7 codes.
    pub labels: Vec<String>,
    /// Who did it.
    pub actor: Actor,
    /// The request that it was part of.
    pub correlation: Uuid,
    /// The event that led to it.
    pub causation: Option<Uuid>,
    /// The command's idempotency key.
    pub command: Uuid,
    /// When Carelog learned of it.
    pub recorded: DateTime<Utc>,
    /// Clear JSON with placeholders.
    pub payload: String,
    /// Sealed segments.
    pub sealed: Vec<u8>,
}

/// A stretch of the log, opened, up to and including a position.
pub struct Page {
    /// The events asked for.
    pub events: Vec<Result<Recorded, Unreadable>>,
    /// Everything up to here was looked at.
    pub through: Position,
}

/// The log. Cheap to clone; clones share one sequencer.
#[derive(Clone)]
pub struct EventStore {}

impl EventStore {
    /// Opens the log in its database, which `migrations/log` has prepared, and starts this process's sequencer.
    pub async fn open(_pool: PgPool, _vault: Vault, _clock: Clock) -> Result<Self, ReadError> {
        todo!()
    }

    /// The clock that the log records by.
    pub fn clock(&self) -> &Clock {
        todo!()
    }

    /// The vault that the log is sealed with.
    pub fn vault(&self) -> &Vault {
        todo!()
    }

    /// Appends durably; see section 4 of ARCHITECTURE.
    pub async fn append(&self, _append: Append) -> Result<Appended, AppendError> {
        todo!()
    }

    /// What came of a command, if it was applied; to be asked before its model is read.
    pub async fn find_command(&self, _tenant: TenantId, _user: UserId, _command: &CommandKey) -> Result<Option<Appended>, AppendError> {
        todo!()
    }

    /// The last position.
    pub async fn head(&self) -> Result<Position, ReadError> {
        todo!()
    }

    /// The events of a tenant that match, in order, up to and including `through`.
    pub async fn read(&self, _tenant: TenantId, _query: &Query, _through: Position) -> Result<Vec<Recorded>, ReadError> {
        todo!()
    }

    /// The next events after `after`, of every tenant; only of `types`, where they are named.
    pub async fn page(&self, _after: Position, _limit: u32, _types: Option<&[EventType]>) -> Result<Page, ReadError> {
        todo!()
    }

    /// The next events after `after` as they are stored.
    pub async fn stored(&self, _after: Position, _limit: u32) -> Result<Vec<Stored>, ReadError> {
        todo!()
    }

    /// Opens stored events, whatever way they came.
    pub async fn open_stored(&self, _stored: &[Stored]) -> Result<Vec<Result<Recorded, Unreadable>>, ReadError> {
        todo!()
    }

    /// The last position recorded at or before `time`; recorded time never goes backwards along positions.
    pub async fn position_at(&self, _time: DateTime<Utc>) -> Result<Position, ReadError> {
        todo!()
    }

    /// Waits until the log has grown beyond `after`. Wakes on notification, and polls, so that a lost notification costs time and nothing else.
    pub async fn wait_beyond(&self, _after: Position) -> Result<Position, ReadError> {
        todo!()
    }
}

