//! Who may come in at all: a token becomes a [`Caller`], who says why they ask.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dashmap::DashMap;
use domain::Permission;
use domain::access::{NO_TENANT, NOBODY, PurposeOfUse};
use tokio::time::Instant;
use uuid::Uuid;

use crate::access::{Access, Unrecorded};
use crate::caller::{Caller, NotAdmitted, Unauthenticated};
use crate::headers::Credentials;
use crate::read::Forbidden;
use crate::{Gate, policy};

/// How often refused tokens of one address are recorded at most: who has none costs us no more than that. Each record counts those since the one before.
const REFUSALS_EVERY: Duration = Duration::from_millis(100);

/// How many addresses are kept apart; beyond, those that were recorded longest ago count anew.
const ADDRESSES_AT_MOST: usize = 4096;

/// Requests without a valid token since the last record of one, by the address that they come from.
#[derive(Default)]
pub(crate) struct Strangers(DashMap<Option<String>, (u64, Instant)>);

impl Strangers {
    /// How many there were from this address, when it is time to record them.
    fn another(&self, address: Option<String>) -> Option<u64> {
        let now = Instant::now();
        if self.0.len() >= ADDRESSES_AT_MOST {
            self.0.retain(|_, (_, recorded)| now.duration_since(*recorded) < REFUSALS_EVERY);
        }
        let Some(mut known) = self.0.get_mut(&address) else {
            self.0.insert(address, (0, now));
            return Some(1);
        };
        let (count, recorded) = known.value_mut();
        *count += 1;
        if now.duration_since(*recorded) < REFUSALS_EVERY {
            return None;
        }
        *recorded = now;
        Some(std::mem::take(count))
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
        if named.is_err() || !policy::may_ask_for(&caller.roles(), caller.purpose) {
            let usual = Caller { purpose: policy::usual_purpose(&caller.roles()), ..caller };
            let refused = Access::refused("purpose of use", credentials.request, Permission::ReadPatients);
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
        let refused = Access::refused(operation, request, permission);
        self.access.record(caller, refused).await.ok();
        Err(Forbidden(permission))
    }

    /// Records what is seen outside of a read: by an export, an import, a token that is made.
    pub async fn note(&self, caller: &Caller, access: Access) -> Result<(), Unrecorded> {
        self.access.record(caller, access).await
    }

    /// Records that somebody came with a token that is not believed, or with a link that opens nothing. Nobody knows of which tenant they are, so it goes to the
    /// tenant that is none.
    pub async fn refuse_stranger(&self, credentials: Credentials) {
        let address = credentials.origin.known().and_then(|origin| origin.address.clone());
        let Some(count) = self.strangers.another(address) else { return };
        let nobody = Caller {
            tenant: NO_TENANT,
            user: NOBODY,
            roles: BTreeSet::new(),
            facility_roles: BTreeMap::new(),
            patient: None,
            practitioner: None,
            issued: self.store.clock().now(),
            expires: self.store.clock().now(),
            purpose: PurposeOfUse::Operations,
            operator: false,
            origin: credentials.origin,
        };
        let access = Access { count, ..Access::refused("authenticate", credentials.request, Permission::ReadPatients) };
        self.access.record(&nobody, access).await.ok();
    }
}
