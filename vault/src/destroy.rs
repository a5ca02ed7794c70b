//! Destroying the keys of a subject: what was sealed under them cannot be read by anyone any more.

use domain::{Subject, TenantId};
use sqlx::{Postgres, Transaction};

use crate::data_keys::{Row, commitment, select_rows};
use crate::register::{DestroyedKey, Register};
use crate::secret::random_id;
use crate::{Vault, VaultError};

impl Vault {
    /// Destroys every key of a subject, who never gets another one; a subject who had none is refused one from now on. The register has them before they are
    /// gone, every process is told, and whoever missed it uses them no longer than keys are kept in memory. Done again, it says the same.
    pub async fn destroy(&self, register: &Register, tenant: TenantId, subject: Subject) -> Result<Vec<DestroyedKey>, VaultError> {
        let subject = subject.to_string();
        let mut transaction = self.pool.begin().await?;
        // The place of a key that never was, so that none is made.
        let place = "insert into vault.data_key (id, tenant, subject, version, tenant_version, destroyed_at) values ($1, $2, $3, 1, null, now()) on conflict do nothing";
        sqlx::query(place).bind(random_id()).bind(tenant.0).bind(&subject).execute(&mut *transaction).await?;
        // Whoever adds a version locks the others first; so there will be none besides these.
        let lock = "select id from vault.data_key where tenant = $1 and subject = $2 order by id for update";
        sqlx::query(lock).bind(tenant.0).bind(&subject).execute(&mut *transaction).await?;
        self.add_fingerprints(&mut transaction, tenant, &subject).await?;
        let doomed: Vec<DestroyedKey> = sqlx::query_as(
            "select id as key_id, tenant, subject, version, fingerprint, coalesce(destroyed_at, now()) as destroyed_at from vault.data_key
             where tenant = $1 and subject = $2 order by version",
        )
        .bind(tenant.0)
        .bind(&subject)
        .fetch_all(&mut *transaction)
        .await?;
        register.add(&doomed).await?;
        let destroy = "update vault.data_key set wrapped = null, destroyed_at = now() where tenant = $1 and subject = $2 and destroyed_at is null";
        sqlx::query(destroy).bind(tenant.0).bind(&subject).execute(&mut *transaction).await?;
        transaction.commit().await?;
        self.keys.forget(tenant, &subject);
        Ok(doomed)
    }

    /// Of keys that were made before fingerprints were kept. One that does not unwrap stays without.
    async fn add_fingerprints(&self, transaction: &mut Transaction<'static, Postgres>, tenant: TenantId, subject: &str) -> Result<(), VaultError> {
        let rows: Vec<Row> = sqlx::query_as(select_rows!("where d.tenant = $1 and d.subject = $2 and d.fingerprint is null and d.wrapped is not null"))
            .bind(tenant.0)
            .bind(subject)
            .fetch_all(&mut **transaction)
            .await?;
        for row in rows {
            let Ok(Some(key)) = self.keys.open(&row).await else { continue };
            let add = sqlx::query("update vault.data_key set fingerprint = $2 where id = $1");
            add.bind(row.id).bind(commitment(&key).bytes().as_slice()).execute(&mut **transaction).await?;
        }
        Ok(())
    }
}
