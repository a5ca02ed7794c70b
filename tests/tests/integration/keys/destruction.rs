//! A destroyed key is gone for every process: at once where the news arrives, and with the age of what is in memory where it does not.

use std::time::Duration;

use domain::{Phi, Subject, TenantId};
use event_store::fresh_id;
use sqlx::PgPool;
use vault::{Locator, SealedEvent, Vault, VaultError};

use super::until;
use crate::examples::{patient, registered};
use crate::harness::{Databases, Kind};

const LONG: Duration = Duration::from_secs(600);

/// A person whose event both processes have opened, so that both have the key in memory.
struct Known {
    databases: Databases,
    one: Vault,
    other: Vault,
    tenant: TenantId,
    who: domain::PatientId,
    event_id: uuid::Uuid,
    sealed: SealedEvent,
}

impl Known {
    async fn new(period: Duration) -> Self {
        let databases = Databases::new().await;
        let one = databases.vault_with(databases.root("root.key"), period).await.unwrap();
        let other = databases.vault_with(databases.root("root.key"), period).await.unwrap();
        let (tenant, who, event_id) = (TenantId(fresh_id()), patient(), fresh_id());
        let sealed = one.seal(tenant, event_id, &registered(who, "Lovelace", "1"), event_store::Clock::system().now()).await.unwrap();
        let known = Self { databases, one, other, tenant, who, event_id, sealed };
        // The first connection of a listener forgets what came before it.
        known.listeners(2).await;
        assert!(!known.is_gone(&known.one).await && !known.is_gone(&known.other).await);
        known
    }

    fn pool(&self) -> PgPool {
        self.databases.pool(Kind::Vault)
    }

    /// Waits until so many processes listen.
    async fn listeners(&self, count: i64) {
        let pool = self.pool();
        let listening = "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
        until("the processes listen", Duration::from_secs(10), || async { sqlx::query_scalar::<_, i64>(listening).fetch_one(&pool).await.unwrap() == count })
            .await;
    }

    /// Whether a process can neither open nor seal for them; anything in between is a fault.
    async fn is_gone(&self, vault: &Vault) -> bool {
        let event = registered(self.who, "Lovelace", "1");
        let event_type = event.event_type().to_string();
        let SealedEvent { payload, sealed } = &self.sealed;
        let subject = Subject::Patient(self.who);
        let locator = Locator { tenant: self.tenant, event_id: self.event_id, event_type: &event_type, version: 1, subject, payload, sealed };
        let (_, occurred) = vault.unseal(&[locator]).await.unwrap().remove(0).unwrap();
        let sealed = vault.seal(self.tenant, fresh_id(), &event, event_store::Clock::system().now()).await;
        let digest = vault.digest(self.tenant, subject, b"body").await;
        match occurred {
            Phi::Known(_) => false,
            Phi::Erased => {
                assert!(matches!(sealed, Err(VaultError::Erased)) && matches!(digest, Err(VaultError::Erased)), "what cannot be opened was sealed");
                let blob = vault.blob_sealer(self.tenant, subject, fresh_id()).await;
                assert!(matches!(blob, Err(VaultError::Erased)));
                true
            }
        }
    }

    async fn destroy(&self) -> Vec<vault::DestroyedKey> {
        self.one.destroy(&self.databases.register(), self.tenant, Subject::Patient(self.who)).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_hears_of_it() {
    let known = Known::new(LONG).await;
    known.one.rotate_subject(known.tenant, Subject::Patient(known.who)).await.unwrap();
    let destroyed = known.destroy().await;
    assert!(known.is_gone(&known.one).await, "not even for whoever destroyed it");
    let took = until("the other process forgets", Duration::from_secs(5), || known.is_gone(&known.other)).await;
    eprintln!("the other process knew after {took:?}");

    assert_eq!(destroyed.iter().map(|key| key.version).collect::<Vec<_>>(), [1, 2]);
    assert!(destroyed.iter().all(|key| key.fingerprint.as_ref().is_some_and(|fingerprint| fingerprint.len() == 32)));
    // The fingerprint of the first stands beside what it sealed.
    let fingerprint = destroyed[0].fingerprint.as_ref().unwrap();
    assert!(known.sealed.sealed.windows(32).any(|bytes| bytes == fingerprint.as_slice()));
    let left: i64 = sqlx::query_scalar("select count(*) from vault.data_key where wrapped is not null").fetch_one(&known.pool()).await.unwrap();
    assert_eq!(left, 0, "key material is left");
    assert_eq!(known.databases.register().all().await.unwrap(), destroyed);
    assert_eq!(known.destroy().await, destroyed, "done again, it says the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_told_forgets_with_time() {
    let period = Duration::from_millis(1_500);
    for (period, goes) in [(period, true), (LONG, false)] {
        let known = Known::new(period).await;
        sqlx::raw_sql("alter table vault.data_key disable trigger destroyed").execute(&known.pool()).await.unwrap();
        known.destroy().await;
        if goes {
            // A little more than the period, for a slow machine.
            until("the other process forgets", period + Duration::from_secs(1), || known.is_gone(&known.other)).await;
        } else {
            tokio::time::sleep(Duration::from_secs(3)).await;
            assert!(!known.is_gone(&known.other).await, "something else than time told it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_cut_off_forgets_everything_when_it_listens_again() {
    let known = Known::new(LONG).await;
    sqlx::raw_sql("alter table vault.data_key disable trigger destroyed").execute(&known.pool()).await.unwrap();
    known.destroy().await;
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
    let cut: i64 = sqlx::query_scalar(cut).fetch_one(&known.pool()).await.unwrap();
    assert_eq!(cut, 2);
    until("the other process forgets", Duration::from_secs(10), || known.is_gone(&known.other)).await;
}

#[tokio::test]
async fn somebody_who_never_had_a_key_does_not_get_one_after_it() {
    let databases = Databases::new().await;
    let (vault, tenant, subject) = (databases.vault().await, TenantId(fresh_id()), Subject::Patient(patient()));
    let destroyed = vault.destroy(&databases.register(), tenant, subject).await.unwrap();
    assert!(matches!(destroyed.as_slice(), [key] if key.fingerprint.is_none()));
    for vault in [vault, databases.vault().await] {
        assert!(matches!(vault.digest(tenant, subject, b"body").await, Err(VaultError::Erased)));
    }
}

#[tokio::test]
async fn without_the_register_nothing_is_destroyed() {
    let databases = Databases::new().await;
    let (vault, tenant, subject) = (databases.vault().await, TenantId(fresh_id()), Subject::Patient(patient()));
    vault.digest(tenant, subject, b"body").await.unwrap();
    sqlx::raw_sql("revoke insert on key_register.destroyed_key from carelog_keys").execute(&databases.pool(Kind::Log)).await.unwrap();
    assert!(matches!(vault.destroy(&databases.register(), tenant, subject).await, Err(VaultError::Database(_))));
    assert!(databases.vault().await.digest(tenant, subject, b"body").await.is_ok());
}

#[tokio::test]
async fn the_register_is_not_changed() {
    let databases = Databases::new().await;
    databases.vault().await.destroy(&databases.register(), TenantId(fresh_id()), Subject::Patient(patient())).await.unwrap();
    for change in ["update key_register.destroyed_key set subject = ''", "delete from key_register.destroyed_key", "truncate key_register.destroyed_key"] {
        assert!(sqlx::raw_sql(change).execute(&databases.pool(Kind::Log)).await.is_err(), "{change}");
    }
}
