//! Looking after the keys: rotation at every level, destruction, several persons in one event, who may read them, a key management service, backups.

mod backup;
mod destruction;
mod kms;
mod roles;
mod rotation;
mod segments;

use std::time::{Duration, Instant};

use domain::{PatientId, Phi, Subject, TenantId};
use event_store::{Clock, EventStore, Position, fresh_id};
use futures::future::join_all;
use vault::{Caching, Digest, KeyRing, Register, RootKey, Vault, VaultError};

use crate::examples::patient;
use crate::harness::{Databases, Kind, TestLog};

impl Databases {
    /// A root key in a file of this name.
    fn root(&self, name: &str) -> KeyRing {
        RootKey::open_or_create(self.keys.join(name)).expect("a root key").into()
    }

    /// The vault as a process has it that knows these root keys and keeps keys in memory so long.
    async fn vault_with(&self, ring: KeyRing, period: Duration) -> Result<Vault, VaultError> {
        Vault::open_caching(self.pool(Kind::Vault), ring, Caching { period }).await
    }

    /// The log as a process has it that knows these root keys.
    async fn store_with(&self, ring: KeyRing) -> EventStore {
        let vault = self.vault_with(ring, Caching::default().period).await.expect("the vault opens");
        EventStore::open(event_store::Log::Clinical, self.pool(Kind::Log), vault, Clock::system()).await.expect("the log opens")
    }

    fn register(&self) -> Register {
        Register::new(&self.pool(Kind::Log))
    }
}

/// Waits until something holds, and says how long it took.
async fn until<F: Future<Output = bool>>(what: &str, within: Duration, holds: impl Fn() -> F) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// Gives so many patients a key; their digests of one body.
async fn give_keys(vault: &Vault, tenant: TenantId, patients: &[PatientId]) -> Vec<Digest> {
    let digests = join_all(patients.iter().map(|patient| vault.digest(tenant, Subject::Patient(*patient), b"body"))).await;
    digests.into_iter().map(Result::unwrap).collect()
}

fn patients(count: usize) -> Vec<PatientId> {
    (0..count).map(|_| patient()).collect()
}

/// Registers patients, one after the other, until it is told to stop; how many.
async fn keep_registering(log: &TestLog, store: &EventStore, stop: &std::sync::atomic::AtomicBool) -> usize {
    let mut count = 0;
    while !stop.load(std::sync::atomic::Ordering::SeqCst) {
        // A tenant of its own now and then: its key is made under whatever root key wraps at that moment.
        let tenant = if count % 5 == 0 { TenantId(fresh_id()) } else { log.tenant };
        let mut append = log.append(vec![crate::examples::registered(patient(), "Lovelace", &count.to_string())]).await;
        append.tenant = tenant;
        store.append(append).await.expect("appends go on");
        count += 1;
    }
    count
}

/// How many events the log has, all of which open to a process that has nothing in memory.
async fn all_open(store: &EventStore) -> usize {
    let (mut after, mut count) = (Position(0), 0);
    loop {
        let page = store.page(after, 500, None).await.unwrap();
        if page.events.is_empty() {
            return count;
        }
        for event in &page.events {
            let event = event.as_ref().unwrap_or_else(|unreadable| panic!("{:?} does not open: {}", unreadable.position, unreadable.error));
            assert!(event.occurred != Phi::Erased);
        }
        count += page.events.len();
        after = page.through;
    }
}
