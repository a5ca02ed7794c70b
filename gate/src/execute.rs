//! Executing a command: permission, the answer to a retry, the boundary, the decision, the append; again where the boundary has grown meanwhile.

use std::sync::Arc;
use std::time::Duration;

use domain::access::Authority;
use domain::{Boundary, Circumstances, Command, Event, Permission, Subject};
use event_store::{Append, AppendError, Appended, CommandKey, Position, ReadError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vault::VaultError;

use crate::Gate;
use crate::access::{Access, Unrecorded};
use crate::alerts::Alerts;
use crate::caller::Caller;
use crate::sessions;

/// How long a command keeps deciding again while others change what it depends on.
const DECIDE_AT_MOST: Duration = Duration::from_secs(10);

/// What surrounds a command.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The idempotency key; without one, a retry would be another command.
    pub command_id: Option<Uuid>,
    /// The request, as traces and answers name it.
    pub correlation: Uuid,
    /// The event that led to it, if one did.
    pub causation: Option<Uuid>,
    /// What the caller had seen: where the boundary has grown beyond, the command is refused.
    pub based_on: Option<Position>,
}

/// A command that holds from now on.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// A read that waits for this position sees what the command did.
    pub position: Position,
    /// The events that were appended, in order; none where what was asked for held already.
    pub event_ids: Vec<Uuid>,
    /// Whose record it is, and what happened.
    #[serde(flatten)]
    pub answer: Answer,
    /// Whether this is the answer to an earlier request with the same idempotency key.
    pub repeated: bool,
}

/// The part of the answer that is kept for retries.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `patient/0190…`.
    pub subject: String,
    /// The types of the events, in order.
    pub events: Vec<String>,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal<R: std::error::Error> {
    /// The sessions of the caller were ended.
    #[error("a valid bearer token is needed")]
    Unauthenticated,
    /// The caller may not do this, or not for this person.
    #[error("the permission {0:?} is needed")]
    Forbidden(Permission),
    /// The decision: why not.
    #[error("the command was rejected")]
    Rejected(#[source] R),
    /// What the caller had seen is no longer so.
    #[error("what the command depends on has changed since the position it is based on")]
    Stale {
        /// The first position that changed it.
        changed_at: Position,
    },
    /// The idempotency key came with another body.
    #[error("the idempotency key was used with another body")]
    CommandMismatch,
    /// Others keep changing what it depends on, or too many wait; nothing was done.
    #[error("too many commands about the same; try again")]
    Contended,
    /// The log or the vault is not there; whether it was carried out shows with a retry under the same idempotency key.
    #[error("the log is not available")]
    Unavailable(#[source] Failure),
}

/// What failed beneath.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Appending.
    #[error(transparent)]
    Append(AppendError),
    /// Reading.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Sealing.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The command's own shape.
    #[error(transparent)]
    Shape(#[from] serde_json::Error),
    /// The access record of a rejection, or of what changed nothing.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
}

impl<R: std::error::Error, E: Into<Failure>> From<E> for Refusal<R> {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Gate {
    /// Carries out a command for a caller, durably, or says why not. What changes something is in the log itself, with what permitted it; a refusal, or that what
    /// was asked for held already, tells something of its patient, or that someone tried, and leaves an access record.
    pub async fn execute<C: Command>(&self, caller: &Caller, command: C, request: Request) -> Result<Accepted, Refusal<C::Rejection>> {
        let subject = command.subject();
        let mut access = Access::of(format!("command {}.{}", C::CONTEXT, C::NAME), request.correlation);
        let result = match self.permit(caller, &command).await {
            Ok(permits) => {
                permits.iter().cloned().for_each(|permit| access.decides(permit.into()));
                self.carry_out(caller, &command, &caller.authority(permits), request).await
            }
            Err(refusal) => Err(refusal),
        };
        let changes_nothing = result.as_ref().is_ok_and(|accepted| accepted.event_ids.is_empty());
        match (&result, subject) {
            (Err(Refusal::Forbidden(permission)), _) => {
                access.refuses(*permission);
                // Nothing is told, so a record that cannot be written stops nothing.
                self.access.record(caller, access).await.ok();
            }
            (Err(Refusal::Unauthenticated), _) => {
                access.refused.insert(C::PERMISSION);
                self.access.record(caller, access).await.ok();
            }
            (Err(Refusal::Rejected(_)), Subject::Patient(patient)) => {
                access.tells_of(C::PERMISSION, Some(patient));
                self.access.record(caller, access).await?;
            }
            (Ok(_), subject) if changes_nothing => {
                access.changes_nothing = true;
                access.tells_of(C::PERMISSION, if let Subject::Patient(patient) = subject { Some(patient) } else { None });
                self.access.record(caller, access).await?;
            }
            _ => {}
        }
        result
    }

    async fn carry_out<C: Command>(&self, caller: &Caller, command: &C, authority: &Authority, request: Request) -> Result<Accepted, Refusal<C::Rejection>> {
        let key = self.command_key(caller, command, request.command_id).await?;
        if let Some(accepted) = self.answered(caller, &key).await? {
            return Ok(accepted);
        }
        let give_up = tokio::time::Instant::now() + DECIDE_AT_MOST;
        let mut attempt = 0_u32;
        loop {
            let append = match self.decide(caller, command, authority, &key, request).await {
                Ok(append) => append,
                // The same command may have come twice at once, and this is the one that decided against its twin's events.
                Err(refusal) => return self.answered(caller, &key).await?.ok_or(refusal),
            };
            let alerts = Alerts::of(&append);
            match self.append(append, alerts).await {
                Ok(appended) => {
                    tracing::info!(request_id = %request.correlation, command = C::NAME, position = appended.position.0, "accepted");
                    return accepted(appended);
                }
                Err(error) => {
                    if let Some(refusal) = refused(error) {
                        return Err(refusal);
                    }
                }
            }
            if tokio::time::Instant::now() >= give_up {
                return Err(Refusal::Contended);
            }
            attempt += 1;
            metrics::counter!("carelog_decisions_repeated_total", "command" => C::NAME).increment(1);
            // Spread those that lost out, so that they do not all decide against the same head again.
            let spread = key.id.as_u128().wrapping_add(u128::from(attempt)) % u128::from(attempt.min(16));
            tokio::time::sleep(Duration::from_millis(u64::try_from(spread).unwrap_or_default())).await;
        }
    }

    /// Appends, and raises what there is to raise whether or not somebody still waits for the answer.
    async fn append(&self, append: Append, alerts: Alerts) -> Result<Appended, AppendError> {
        if alerts.is_empty() {
            return self.store.append(append).await;
        }
        let store = self.store.clone();
        let raised = tokio::spawn(async move {
            let appended = store.append(append).await;
            if let Ok(appended) = &appended {
                alerts.raise(appended.repeated);
            }
            appended
        });
        raised.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// The answer that this very command was given before, if it was: for those for whom something is to be done before it is executed.
    pub async fn repeated<C: Command>(&self, caller: &Caller, command: &C, command_id: Uuid) -> Result<Option<Accepted>, Refusal<C::Rejection>> {
        self.permit(caller, command).await?;
        let key = self.command_key(caller, command, Some(command_id)).await?;
        self.answered(caller, &key).await
    }

    /// The answer that this command was given before. Nobody gets it whose sessions were ended since.
    async fn answered<R: std::error::Error>(&self, caller: &Caller, key: &CommandKey) -> Result<Option<Accepted>, Refusal<R>> {
        let found = self.store.find_command(caller.tenant, caller.user, key).await;
        let Some(appended) = found.map_err(|error| refused(error).unwrap_or(Refusal::Contended))? else { return Ok(None) };
        let ended = self.store.read(caller.tenant, &sessions::of(caller), self.store.head().await?).await?;
        if sessions::ended(caller, &ended) { Err(Refusal::Unauthenticated) } else { accepted(appended).map(Some) }
    }

    async fn command_key<C: Command>(&self, caller: &Caller, command: &C, id: Option<Uuid>) -> Result<CommandKey, Refusal<C::Rejection>> {
        let (clear, protected) = domain::phi::split(command)?;
        let body = serde_json::to_vec(&(clear, protected.into_known()))?;
        let digest = self.store.vault().digest(caller.tenant, command.subject(), &body).await?;
        Ok(CommandKey { id: id.unwrap_or_else(event_store::fresh_id), name: format!("{}.{}", C::CONTEXT, C::NAME), digest })
    }

    /// Reads the boundary until it has settled, and decides.
    async fn decide<C: Command>(
        &self,
        caller: &Caller,
        command: &C,
        authority: &Authority,
        key: &CommandKey,
        request: Request,
    ) -> Result<Append, Refusal<C::Rejection>> {
        let read_at = self.store.head().await?;
        let mut boundary = Boundary::of(command);
        let (model, boundary) = loop {
            let recorded = self.store.read(caller.tenant, &boundary.query().clone().or(sessions::of(caller)), read_at).await?;
            if sessions::ended(caller, &recorded) {
                return Err(Refusal::Unauthenticated);
            }
            let depends = || recorded.iter().filter(|recorded| boundary.query().matches(recorded.event.event_type(), &recorded.event.tags()));
            let changed = depends().map(|event| event.position).find(|position| request.based_on.is_some_and(|seen| *position > seen));
            if let Some(changed_at) = changed {
                return Err(Refusal::Stale { changed_at });
            }
            let events: Vec<&Event> = depends().map(|recorded| &recorded.event).collect();
            match boundary.fold(command, events) {
                Ok(settled) => break settled,
                Err(wider) => boundary = wider,
            }
        };
        let circumstances = Circumstances {
            now: self.store.clock().now(),
            actor: caller.user,
            practitioner: caller.practitioner,
            own_patient: caller.patient,
            causation: request.causation,
            terminology: Arc::clone(&self.terminology),
        };
        let events = command.decide(&model, &circumstances).map_err(Refusal::Rejected)?;
        let events: Vec<Event> = events.into_iter().map(Into::into).collect();
        let answer = Answer { subject: command.subject().to_string(), events: events.iter().map(|event| event.event_type().to_string()).collect() };
        Ok(Append {
            tenant: caller.tenant,
            actor: caller.actor(),
            authority: authority.clone(),
            command: key.clone(),
            correlation: request.correlation,
            causation: request.causation,
            events,
            // Nothing lands after the sessions of its caller were ended.
            boundary: boundary.query().clone().or(sessions::of(caller)),
            read_at,
            answer: serde_json::to_value(answer)?,
        })
    }
}

fn accepted<R: std::error::Error>(appended: Appended) -> Result<Accepted, Refusal<R>> {
    let answer = serde_json::from_value(appended.answer)?;
    Ok(Accepted { position: appended.position, event_ids: appended.event_ids, answer, repeated: appended.repeated })
}

/// What an append's error means to the caller; `None` where it is worth deciding again.
fn refused<R: std::error::Error>(error: AppendError) -> Option<Refusal<R>> {
    match error {
        AppendError::Conflict => None,
        AppendError::CommandMismatch => Some(Refusal::CommandMismatch),
        other => Some(Refusal::Unavailable(Failure::Append(other))),
    }
}
