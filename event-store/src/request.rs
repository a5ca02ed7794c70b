//! An append made ready for the log in its caller's own task: sealed, tagged, and nothing left to ask of anyone.

use domain::{Label, Tag, TenantId};
use serde_json::json;
use tokio::sync::oneshot;
use uuid::Uuid;
use vault::{SealedEvent, Vault, VaultError};

use crate::conditions::{self, Item, tag_hash};
use crate::{Actor, Append, AppendError, Clock, CommandKey, Position, fresh_id};

/// What the sequencer appends.
pub(crate) struct Request {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    /// JSON.
    pub(crate) authority: String,
    pub(crate) command: CommandKey,
    pub(crate) correlation: Uuid,
    pub(crate) causation: Option<Uuid>,
    pub(crate) answer: String,
    pub(crate) read_at: Position,
    pub(crate) items: Vec<Item>,
    pub(crate) events: Vec<NewEvent>,
    pub(crate) reply: oneshot::Sender<Result<Outcome, AppendError>>,
}

/// An event without its position.
pub(crate) struct NewEvent {
    /// Made here, so that a batch that is tried again keeps it.
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) version: u16,
    pub(crate) subject: String,
    pub(crate) tags: Vec<String>,
    /// Distinct: the index holds each once.
    pub(crate) hashes: Vec<i64>,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) sealed: SealedEvent,
}

/// What the sequencer tells a caller.
pub(crate) enum Outcome {
    /// It was appended; the last position of its events, or the head where there are none.
    Appended(Position),
    /// Its command had been seen; what came of it is to be looked up.
    Seen,
}

impl Request {
    /// How much it adds to a batch: roughly its bytes on the way to the database.
    pub(crate) fn weight(&self) -> usize {
        self.answer.len() + self.events.iter().map(|event| 512 + self.authority.len() + event.sealed.payload.len() + event.sealed.sealed.len()).sum::<usize>()
    }
}

/// Seals the events and resolves every tag, with one question to the vault about tags.
pub(crate) async fn prepare(vault: &Vault, clock: &Clock, append: Append, reply: oneshot::Sender<Result<Outcome, AppendError>>) -> Result<Request, VaultError> {
    let Append { tenant, actor, authority, command, correlation, causation, events, boundary, read_at, answer } = append;
    let event_tags: Vec<Vec<Tag>> = events.iter().map(|event| [event.tags(), vec![Tag::TENANT]].concat()).collect();
    let all: Vec<Tag> = event_tags.iter().flatten().chain(conditions::tags_of(&boundary)).cloned().collect();
    let stored = vault.tags(tenant, &all).await?;
    let mut rest = stored.as_slice();
    let mut prepared = Vec::with_capacity(events.len());
    for (event, tags) in events.iter().zip(&event_tags) {
        let (own, others) = rest.split_at(tags.len());
        rest = others;
        let id = fresh_id();
        let occurred = event.occurred().unwrap_or_else(|| clock.now());
        let event_type = event.event_type();
        let name = event_type.to_string();
        let mut hashes: Vec<i64> = own.iter().map(|tag| tag_hash(tenant, &name, tag)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        prepared.push(NewEvent {
            id,
            event_type: name,
            version: event_type.version,
            subject: event.subject().to_string(),
            tags: own.to_vec(),
            hashes,
            labels: event.labels().into_iter().map(Label::code).collect(),
            sealed: vault.seal(tenant, id, event, occurred).await?,
        });
    }
    let items = conditions::items(tenant, &boundary, rest);
    let authority = json!(authority).to_string();
    Ok(Request { tenant, actor, authority, command, correlation, causation, answer: answer.to_string(), read_at, items, events: prepared, reply })
}
