//! An event of the log as the contract with the outside says it, and back.

use chrono::{DateTime, Utc};
use domain::{TenantId, UserId};
use event_schemas::log::v1;
use uuid::Uuid;

use crate::{Actor, Position, Stored};

/// An envelope does not read as an event of the log. The text holds nothing of its content.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an envelope has no readable {0}")]
pub struct NotAnEvent(pub &'static str);

impl Stored {
    /// The envelope, without a place in a chain of records: `epoch` and `prev` are 0.
    pub fn envelope(&self) -> v1::Envelope {
        v1::Envelope {
            epoch: 0,
            position: self.position.0,
            prev: 0,
            event_id: self.event_id.to_string(),
            tenant: self.tenant.to_string(),
            event_type: self.event_type.clone(),
            version: self.version.into(),
            subject: self.subject.clone(),
            tags: self.tags.clone(),
            labels: self.labels.clone(),
            actor: Some(v1::Actor { user: self.actor.user.to_string(), role: self.actor.role.clone() }),
            correlation: self.correlation.to_string(),
            causation: self.causation.map(|id| id.to_string()),
            command: self.command.to_string(),
            recorded: Some(timestamp(self.recorded)),
            payload: self.payload.clone(),
            sealed: self.sealed.clone(),
            authority: self.authority.clone(),
        }
    }
}

impl TryFrom<v1::Envelope> for Stored {
    type Error = NotAnEvent;

    fn try_from(envelope: v1::Envelope) -> Result<Self, NotAnEvent> {
        let actor = envelope.actor.ok_or(NotAnEvent("actor"))?;
        Ok(Self {
            position: Position(envelope.position),
            event_id: id(&envelope.event_id, "event_id")?,
            tenant: TenantId(id(&envelope.tenant, "tenant")?),
            event_type: envelope.event_type,
            version: envelope.version.try_into().map_err(|_| NotAnEvent("version"))?,
            subject: envelope.subject,
            tags: envelope.tags,
            labels: envelope.labels,
            actor: Actor { user: UserId(id(&actor.user, "actor")?), role: actor.role },
            authority: envelope.authority,
            correlation: id(&envelope.correlation, "correlation")?,
            causation: envelope.causation.map(|text| id(&text, "causation")).transpose()?,
            command: id(&envelope.command, "command")?,
            recorded: envelope.recorded.and_then(time).ok_or(NotAnEvent("recorded"))?,
            payload: envelope.payload,
            sealed: envelope.sealed,
        })
    }
}

fn id(text: &str, field: &'static str) -> Result<Uuid, NotAnEvent> {
    text.parse().map_err(|_| NotAnEvent(field))
}

fn timestamp(time: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.timestamp(), nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default() }
}

fn time(timestamp: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(timestamp.seconds, timestamp.nanos.try_into().ok()?)
}
