//! An event of the log: as it is stored, and as it reads.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use domain::{DecodeError, Event, Label, Phi, Subject, TenantId, UserId};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;
use vault::{Locator, Vault, VaultError};

use crate::{Actor, Position};

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
    /// Whose it is, as it is stored: not even that need read.
    pub subject: String,
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
    /// By what authority: JSON of a [`domain::access::Authority`]; none of the earliest.
    pub authority: Option<String>,
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

impl Stored {
    /// The fact with nothing in it that is protected, as if its subject's key were gone: so it takes no key to read.
    pub fn without_protected(&self) -> Result<Event, VaultError> {
        let clear = serde_json::from_str(&self.payload)?;
        Ok(Event::decode(&self.event_type, self.version, clear, Phi::Erased)?)
    }
}

/// What [`Stored`] is read from, as `select …`.
macro_rules! select_stored {
    ($rest:literal) => {
        concat!(
            "select position, event_id, tenant, type, version, subject, tags, labels, actor_user, actor_role, authority::text as authority, correlation, causation, command_id, ",
            "recorded_at, payload::text as payload, sealed from event ",
            $rest
        )
    };
}
pub(crate) use select_stored;

impl FromRow<'_, PgRow> for Stored {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let version: i16 = row.try_get("version")?;
        Ok(Self {
            position: row.try_get("position")?,
            event_id: row.try_get("event_id")?,
            tenant: TenantId(row.try_get("tenant")?),
            event_type: row.try_get("type")?,
            version: u16::try_from(version).map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            subject: row.try_get("subject")?,
            tags: row.try_get("tags")?,
            labels: row.try_get("labels")?,
            actor: Actor { user: UserId(row.try_get("actor_user")?), role: row.try_get("actor_role")? },
            authority: row.try_get("authority")?,
            correlation: row.try_get("correlation")?,
            causation: row.try_get("causation")?,
            command: row.try_get("command_id")?,
            recorded: row.try_get("recorded_at")?,
            payload: row.try_get("payload")?,
            sealed: row.try_get("sealed")?,
        })
    }
}

/// Opens events, in order; the vault is asked once. One that does not open or decode spoils none of the others.
pub(crate) async fn open(vault: &Vault, stored: &[Stored]) -> Result<Vec<Result<Recorded, Unreadable>>, VaultError> {
    let subjects: Vec<Result<Subject, DecodeError>> = stored.iter().map(|stored| Subject::from_str(&stored.subject)).collect();
    let readable = stored.iter().zip(&subjects).filter_map(|(stored, subject)| Some(locator(stored, *subject.as_ref().ok()?)));
    let mut opened = vault.unseal(&readable.collect::<Vec<_>>()).await?.into_iter();
    let events = stored.iter().zip(subjects).map(|(stored, subject)| {
        let event = match subject {
            Ok(_) => opened.next().unwrap_or(Err(VaultError::NotAuthentic)),
            Err(error) => Err(error.into()),
        };
        event.map(|(event, occurred)| recorded(stored, event, occurred)).map_err(|error| Unreadable {
            position: stored.position,
            tenant: stored.tenant,
            subject: stored.subject.clone(),
            event_type: stored.event_type.clone(),
            error,
        })
    });
    Ok(events.collect())
}

fn locator(stored: &Stored, subject: Subject) -> Locator<'_> {
    Locator {
        tenant: stored.tenant,
        event_id: stored.event_id,
        event_type: &stored.event_type,
        version: stored.version,
        subject,
        payload: &stored.payload,
        sealed: &stored.sealed,
    }
}

fn recorded(stored: &Stored, event: Event, occurred: Phi<DateTime<Utc>>) -> Recorded {
    Recorded {
        position: stored.position,
        event_id: stored.event_id,
        tenant: stored.tenant,
        actor: stored.actor.clone(),
        correlation: stored.correlation,
        causation: stored.causation,
        command: stored.command,
        labels: Label::from_codes(&stored.labels),
        occurred,
        recorded: stored.recorded,
        event,
    }
}
