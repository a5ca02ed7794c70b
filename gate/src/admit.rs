//! Who may come in at all: a token becomes a [`Caller`], who says why they ask.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{NO_TENANT, NOBODY, Origin, PurposeOfUse};
use domain::{Permission, Phi};
use uuid::Uuid;

use crate::access::{Access, Unrecorded};
use crate::caller::{Caller, NotAdmitted, Unauthenticated};
use crate::headers::Credentials;
use crate::read::Forbidden;
use crate::strangers::WINDOW;
use crate::{Gate, policy};

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

    /// Sees to it that it is recorded that somebody came with a token that is not believed, or with a link that opens nothing.
    pub async fn refuse_stranger(&self, credentials: Credentials) {
        let noted = self.strangers.note(&credentials);
        if noted.opened {
            let gate = self.clone();
            tokio::spawn(async move { gate.record_strangers_as_they_come().await });
        }
        if noted.at_once && self.record_stranger(1, credentials.origin.clone(), credentials.request).await.is_err() {
            self.strangers.count(&credentials);
        }
    }

    /// Until there is nothing left to record.
    async fn record_strangers_as_they_come(&self) {
        loop {
            tokio::time::sleep(WINDOW).await;
            self.record_strangers().await;
            if !self.strangers.end() {
                return;
            }
        }
    }

    /// Records what was counted of those without a valid token and not recorded yet, as is done when the process stops. What cannot be recorded stays counted.
    pub async fn record_strangers(&self) {
        let _recording = self.strangers.recording.lock().await;
        for refused in self.strangers.counted() {
            if self.record_stranger(refused.count, refused.origin.clone(), refused.request).await.is_ok() {
                self.strangers.recorded(&refused);
            }
        }
    }

    /// Nobody knows of which tenant they are, so it goes to the tenant that is none.
    async fn record_stranger(&self, count: u64, origin: Phi<Origin>, request: Uuid) -> Result<(), Unrecorded> {
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
            origin,
        };
        self.access.record(&nobody, Access { count, ..Access::refused("authenticate", request, Permission::ReadPatients) }).await
    }
}
