//! Who may come in at all: a token becomes a [`Caller`], who says why they ask.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use domain::access::PurposeOfUse;
use domain::{Permission, TenantId, UserId};
use tokio::time::Instant;
use uuid::Uuid;

use crate::access::{Access, Unrecorded};
use crate::caller::{Caller, NotAdmitted, Unauthenticated};
use crate::headers::Credentials;
use crate::read::Forbidden;
use crate::{Gate, policy};

/// How often a refused token is recorded at most: who has none costs us no more than that. Each record counts those since the one before.
const REFUSALS_EVERY: Duration = Duration::from_millis(100);

/// Requests without a valid token since the last record of one.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<(u64, Option<Instant>)>);

impl Strangers {
    /// How many there were, when it is time to record them.
    fn another(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        let due = state.1.is_none_or(|last| last.elapsed() >= REFUSALS_EVERY);
        due.then(|| std::mem::replace(&mut *state, (0, Some(Instant::now()))).0)
    }
}

impl Gate {
    /// The caller that a request's headers name, and why they ask. Whoever is refused is recorded.
    pub async fn admit(&self, credentials: Credentials) -> Result<Caller, NotAdmitted> {
        let verified = match &credentials.token {
            Some(token) => self.authority.verify(token, self.store.clock().now()).await,
            None => Err(Unauthenticated),
        };
        let Ok(caller) = verified else {
            self.refuse_stranger(credentials).await;
            return Err(Unauthenticated.into());
        };
        let named = credentials.named_purpose();
        let caller = Caller { origin: credentials.origin, purpose: named.ok().flatten().unwrap_or(caller.purpose), ..caller };
        if named.is_err() || !policy::may_ask_for(&caller.roles, caller.purpose) {
            let usual = Caller { purpose: policy::usual_purpose(&caller.roles), ..caller };
            let refused = Access { refused: [Permission::ReadPatients].into(), ..Access::of("purpose of use", credentials.request) };
            self.access.record(&usual, refused).await.ok();
            return Err(NotAdmitted::Purpose);
        }
        Ok(caller)
    }

    /// Refuses, on record, unless the caller has a permission at all.
    pub async fn require(&self, caller: &Caller, permission: Permission, operation: &str, request: Uuid) -> Result<(), Forbidden> {
        if caller.reach(permission).is_some() {
            return Ok(());
        }
        // Nothing is shown, so a record that cannot be written stops nothing.
        let refused = Access { refused: [permission].into(), ..Access::of(operation, request) };
        self.access.record(caller, refused).await.ok();
        Err(Forbidden(permission))
    }

    /// Records what is seen outside of a read: by an export, an import, a token that is made.
    pub async fn note(&self, caller: &Caller, access: Access) -> Result<(), Unrecorded> {
        self.access.record(caller, access).await
    }

    /// Nobody knows of which tenant they are, so it goes to the tenant that is none.
    async fn refuse_stranger(&self, credentials: Credentials) {
        let Some(count) = self.strangers.another() else { return };
        let nobody = Caller {
            tenant: TenantId(Uuid::nil()),
            user: UserId(Uuid::nil()),
            roles: BTreeSet::new(),
            patient: None,
            practitioner: None,
            expires: self.store.clock().now(),
            purpose: PurposeOfUse::Operations,
            origin: credentials.origin,
        };
        let access = Access { refused: [Permission::ReadPatients].into(), count, ..Access::of("authenticate", credentials.request) };
        self.access.record(&nobody, access).await.ok();
    }
}
