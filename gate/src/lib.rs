//! The one way in. A token becomes a [`Caller`]; a command goes through [`Gate::execute`], a read through [`Gate::read`]; nothing else
//! holds the log or a handle of the read database.

mod access;
mod authority;
mod caller;
mod execute;
mod past;
mod policy;
mod read;
mod relation;
mod signals;
mod token;

use std::sync::Arc;
use std::time::Duration;

use domain::terminology::Terminology;
use event_store::EventStore;
use sqlx::PgPool;

pub use access::Disclosure;
pub use authority::{Authority, AuthorityError, TokenIssuer};
pub use caller::{Caller, Unauthenticated};
pub use execute::{Accepted, Answer, Failure, Refusal, Request};
pub use past::{Moment, Past, PastRefusal};
pub use policy::{Reach, Role, UnknownRole, permissions, reach};
pub use read::{Answered, ConnectionGuard, Forbidden, ReadRefusal, Reading, Snapshot};
pub use signals::Moved;
pub use token::{Audience, Claims};

use signals::Signals;

/// Decides who may do what, executes commands and opens snapshots. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    store: EventStore,
    read: PgPool,
    authority: Authority,
    signals: Signals,
    /// What code systems know of each other, for decisions.
    terminology: Arc<Terminology>,
    /// How long a read waits for the position that its caller asked for.
    wait_at_most: Duration,
}

impl Gate {
    /// A gate over the log and the read database, which listens for moved cursors from now on.
    pub fn new(store: EventStore, read: PgPool, authority: Authority, wait_at_most: Duration) -> Self {
        let signals = Signals::listen(read.clone());
        Self { store, read, authority, signals, terminology: Arc::default(), wait_at_most }
    }

    /// The same, deciding with a terminology; without one nothing is known of any code.
    #[must_use]
    pub fn with_terminology(self, terminology: Terminology) -> Self {
        Self { terminology: Arc::new(terminology), ..self }
    }

    /// The caller that a bearer token names.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, Unauthenticated> {
        self.authority.verify(token, self.store.clock().now()).await
    }

    /// The caller that an `Authorization` header names.
    pub async fn authenticate_header(&self, header: Option<&str>) -> Result<Caller, Unauthenticated> {
        let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or(Unauthenticated)?;
        if scheme.eq_ignore_ascii_case("bearer") { self.authenticate(token.trim()).await } else { Err(Unauthenticated) }
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
