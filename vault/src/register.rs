//! The register of destroyed keys. It lives with the log, so that a backup of the keys cannot bring back what was destroyed after it.

use chrono::{DateTime, Utc};
use domain::TenantId;
use sqlx::PgPool;
use sqlx::migrate::MigrateError;
use uuid::Uuid;

use crate::{VaultError, connect};

/// A key that is gone.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct DestroyedKey {
    /// Its id, which stands beside everything sealed with it.
    pub key_id: Uuid,
    /// Whose tenant.
    #[sqlx(rename = "tenant")]
    tenant_id: Uuid,
    /// Whose it was, `patient/0190…`.
    pub subject: String,
    /// Which of that subject's.
    pub version: i32,
    /// The commitment that stands beside everything sealed with it; `None` where there was never a key.
    pub fingerprint: Option<Vec<u8>>,
    /// When.
    pub destroyed_at: DateTime<Utc>,
}

impl DestroyedKey {
    /// Whose tenant.
    pub fn tenant(&self) -> TenantId {
        TenantId(self.tenant_id)
    }
}

/// The register of destroyed keys, in the log's database.
#[derive(Clone)]
pub struct Register {
    pool: PgPool,
}

impl Register {
    /// Over connections of its own that are set up as the pool's are; [`migrate_register`] has prepared the database.
    pub fn new(pool: &PgPool) -> Self {
        Self { pool: pool.options().clone().connect_lazy_with(connect::options(pool)) }
    }

    /// Every key that was ever destroyed.
    pub async fn all(&self) -> Result<Vec<DestroyedKey>, VaultError> {
        let rows = sqlx::query_as(
            "select key_id, tenant, subject, version, fingerprint, destroyed_at from key_register.destroyed_key order by destroyed_at, tenant, subject, version",
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// Adds keys that are about to be destroyed. One that is there already stays as it is.
    pub(crate) async fn add(&self, keys: &[DestroyedKey]) -> Result<(), VaultError> {
        let add = "insert into key_register.destroyed_key (key_id, tenant, subject, version, fingerprint, destroyed_at)
                   select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::bytea[], $6::timestamptz[]) on conflict do nothing";
        sqlx::query(add)
            .bind(keys.iter().map(|key| key.key_id).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.tenant_id).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.subject.as_str()).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.version).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.fingerprint.as_deref()).collect::<Vec<_>>())
            .bind(keys.iter().map(|key| key.destroyed_at).collect::<Vec<_>>())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Brings the register, in the log's database, to this build's schema.
pub async fn migrate_register(pool: &PgPool) -> Result<(), MigrateError> {
    let mut migrator = sqlx::migrate!("../migrations/register");
    // The log's migrations are counted in the same database, apart.
    migrator.create_schema("key_register");
    migrator.dangerous_set_table_name("key_register.migration");
    migrator.run(pool).await
}
