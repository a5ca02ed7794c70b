//! The one way in. A token becomes a [`Caller`]; a command goes through [`Gate::execute`], a read through [`Gate::read`]; nothing else
//! holds the log or a handle of the read database.

mod access;
mod access_questions;
mod access_records;
mod admit;
mod alerts;
mod answered;
mod answers;
mod authority;
mod caller;
mod decision_information;
mod decisions;
mod execute;
mod explained;
mod headers;
mod overdue;
mod past;
mod permit;
mod policy;
mod read;
mod relation;
mod serving;
mod sessions;
mod show;
mod signals;
mod strangers;
mod token;
mod unvalued;

use std::sync::Arc;
use std::time::Duration;

use domain::ServerId;
use domain::terminology::Terminology;
use event_store::EventStore;
use sqlx::PgPool;

pub use access::{Access, Unrecorded};
pub use access_questions::{Looked, VolumesAsked};
pub use access_records::{AccessRecord, AccessRecords, AccessRefusal, AccessSearch};
pub use answers::{ANSWERED_WITHIN, Sending, TookTooLong, answering};
pub use authority::{Authority, AuthorityError, TokenIssuer};
pub use caller::{Caller, NotAdmitted, Unauthenticated};
pub use decisions::Policy;
pub use domain::{Role, UnknownRole};
pub use execute::{Accepted, Answer, Failure, Refusal, Request};
pub use headers::{CLIENT_ADDRESS, Credentials, NotAPosition, PURPOSE, REQUEST_ID, WAIT_FOR, request_id, wait_for};
pub use overdue::{Overdue, Reviews};
pub use past::{Moment, Past, PastRefusal};
pub use policy::{PROTECTED_FIELDS, ProtectedField, Reach, permissions, reach};
pub use read::{Answered, ConnectionGuard, Forbidden, Grant, ReadRefusal, Reading, Snapshot};
pub use show::{First, Masked, MaskedRows, OfPatient, REDISCLOSURE, Verdict};
pub use signals::Moved;
pub use token::{Audience, Claims};
pub use unvalued::Unvalued;

use access::AccessLog;
use answers::Answers;
use signals::Signals;
use strangers::Strangers;

/// Decides who may do what, executes commands and opens snapshots. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    store: EventStore,
    access: AccessLog,
    strangers: Arc<Strangers>,
    read: PgPool,
    authority: Authority,
    signals: Signals,
    /// What code systems know of each other, for decisions.
    terminology: Arc<Terminology>,
    /// How long a read waits for the position that its caller asked for.
    wait_at_most: Duration,
}

impl Gate {
    /// A gate over the two logs and the read database, which listens for moved cursors from now on.
    pub fn new(store: EventStore, access: EventStore, read: PgPool, authority: Authority, wait_at_most: Duration) -> Self {
        let signals = Signals::listen(read.clone());
        let access = AccessLog { store: access, answers: Answers::of(ServerId(event_store::fresh_id())), recording: true };
        Self { store, access, strangers: Arc::default(), read, authority, signals, terminology: Arc::default(), wait_at_most }
    }

    /// The same, deciding with a terminology; without one nothing is known of any code.
    #[must_use]
    pub fn with_terminology(self, terminology: Terminology) -> Self {
        Self { terminology: Arc::new(terminology), ..self }
    }

    /// The same without access records: for the benchmark that says what they cost, and for nothing else, as a test holds.
    #[doc(hidden)]
    #[must_use]
    pub fn without_access_records(self) -> Self {
        Self { access: AccessLog { recording: false, ..self.access }, ..self }
    }

    /// What code systems know of each other.
    pub fn terminology(&self) -> &Arc<Terminology> {
        &self.terminology
    }

    /// What the read models' cursors do from now on.
    pub fn moved(&self) -> tokio::sync::broadcast::Receiver<Moved> {
        self.signals.subscribe()
    }
}
