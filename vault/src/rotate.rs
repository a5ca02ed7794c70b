//! Rotation: a new key at one level, without touching anything that was sealed.
//!
//! A new root key or a new version of a tenant's key wraps again what the old one wrapped, a batch at a time. From the first moment nothing new is wrapped by the
//! old one: whoever stores a key locks the row that says what wraps. So a rotation can be interrupted anywhere and taken up again, beside any number
//! of processes. A subject's new data key seals what comes; the old ones stay to open what they sealed.

use domain::{Subject, TenantId};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::data_keys::{NewKey, Row, context, select_rows, slices};
use crate::key_ring::Purpose;
use crate::secret::Secret;
use crate::tenant_keys::wrapping;
use crate::{Vault, VaultError};

/// How many keys are wrapped again at a time: by a root key, which may be far away, and by a tenant's.
const ROOT_BATCH: i64 = 20;
const TENANT_BATCH: i64 = 200;

/// A rotation that is under way. Dropping it interrupts it.
pub struct Rotation {
    vault: Vault,
    level: Level,
    left: u64,
    damaged: u64,
}

enum Level {
    Root { root: String, after: (Uuid, i32) },
    Tenant { tenant: TenantId, version: i32, wrapping: Secret, after: Uuid },
}

impl Vault {
    /// Begins to replace the root key by the one that this process prefers, or takes up where that was interrupted. Every process must know both before.
    pub async fn rotate_root(&self) -> Result<Rotation, VaultError> {
        let root = self.keys.tenants.ring.preferred().to_owned();
        let mut transaction = self.pool.begin().await?;
        let wraps: String = sqlx::query_scalar("select id from vault.root_key where wraps for no key update").fetch_one(&mut *transaction).await?;
        if wraps != root {
            sqlx::query("update vault.root_key set wraps = false where wraps").execute(&mut *transaction).await?;
            let add = "insert into vault.root_key (id) values ($1) on conflict (id) do update set wraps = true, retired_at = null";
            sqlx::query(add).bind(&root).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        let left: i64 = sqlx::query_scalar(
            "select (select count(*) from vault.tenant_key where root <> $1 and wrapped is not null) + (select count(*) from vault.tagging_key where root <> $1)",
        )
        .bind(&root)
        .fetch_one(&self.pool)
        .await?;
        Ok(Rotation { vault: self.clone(), level: Level::Root { root, after: (Uuid::nil(), 0) }, left: left.unsigned_abs(), damaged: 0 })
    }

    /// Begins to replace a tenant's key by a new version, or takes up where that was interrupted. What makes the tenant's tags opaque stays.
    pub async fn rotate_tenant(&self, tenant: TenantId) -> Result<Rotation, VaultError> {
        let known: bool = sqlx::query_scalar("select exists (select from vault.tenant_key where tenant = $1)").bind(tenant.0).fetch_one(&self.pool).await?;
        if !known {
            return Err(VaultError::NoKey);
        }
        self.keys.tenants.read_or_make_tagging(tenant).await?;
        while !self.add_tenant_version(tenant).await? {}
        self.keys.tenants.forget_newest(tenant);
        let (version, key) = self.keys.tenants.read_or_make(tenant).await?;
        let left: i64 = sqlx::query_scalar("select count(*) from vault.data_key where tenant = $1 and tenant_version <> $2 and wrapped is not null")
            .bind(tenant.0)
            .bind(version)
            .fetch_one(&self.pool)
            .await?;
        let level = Level::Tenant { tenant, version, wrapping: wrapping(&key), after: Uuid::nil() };
        Ok(Rotation { vault: self.clone(), level, left: left.unsigned_abs(), damaged: 0 })
    }

    /// Adds a version, unless a rotation is unfinished. `false` where the root key was replaced meanwhile, and it is to be tried again.
    async fn add_tenant_version(&self, tenant: TenantId) -> Result<bool, VaultError> {
        let root = self.keys.tenants.root_that_wraps().await?;
        let wrapped = self.keys.tenants.ring.wrap(&root, tenant, Purpose::Tenant, &Secret::random()).await?;
        let mut transaction = self.pool.begin().await?;
        let lock = "select version from vault.tenant_key where tenant = $1 and wraps for no key update";
        let version: Option<i32> = sqlx::query_scalar(lock).bind(tenant.0).fetch_optional(&mut *transaction).await?;
        // Whoever waited for the lock finds another version there, and looks again.
        let Some(version) = version else { return Ok(false) };
        let unfinished = "select exists (select from vault.tenant_key where tenant = $1 and not wraps and wrapped is not null)";
        if sqlx::query_scalar(unfinished).bind(tenant.0).fetch_one(&mut *transaction).await? {
            return Ok(true);
        }
        sqlx::query("update vault.tenant_key set wraps = false where tenant = $1 and wraps").bind(tenant.0).execute(&mut *transaction).await?;
        let add = "insert into vault.tenant_key (tenant, version, root, wrapped) select $1, $2, id, $4 from vault.root_key where id = $3 and wraps for share";
        let added = sqlx::query(add).bind(tenant.0).bind(version + 1).bind(root).bind(wrapped).execute(&mut *transaction).await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Gives a subject a new data key, which seals what comes; its version.
    pub async fn rotate_subject(&self, tenant: TenantId, subject: Subject) -> Result<i32, VaultError> {
        let name = subject.to_string();
        loop {
            let (tenant_version, wrapping) = self.keys.tenants.newest(tenant).await?;
            let mut transaction = self.pool.begin().await?;
            // Whoever destroys locks the same rows: of both, one finds what the other did.
            let lock = "select destroyed_at is not null from vault.data_key where tenant = $1 and subject = $2 order by id for update";
            let destroyed: Vec<bool> = sqlx::query_scalar(lock).bind(tenant.0).bind(&name).fetch_all(&mut *transaction).await?;
            match destroyed.as_slice() {
                [] => return Err(VaultError::NoKey),
                versions if versions.contains(&true) => return Err(VaultError::Erased),
                _ => {}
            }
            let made = NewKey::of(tenant, &name, &wrapping);
            let add = "insert into vault.data_key (id, tenant, subject, version, wrapped, tenant_version, fingerprint)
                       select $1, t.tenant, $3, (select max(d.version) + 1 from vault.data_key d where d.tenant = $2 and d.subject = $3), $4, t.version, $5
                       from vault.tenant_key t where t.tenant = $2 and t.version = $6 and t.wraps for share returning version";
            let statement = sqlx::query_scalar(add).bind(made.id).bind(tenant.0).bind(&name).bind(&made.wrapped).bind(made.fingerprint.as_slice());
            let version: Option<i32> = statement.bind(tenant_version).fetch_optional(&mut *transaction).await?;
            let Some(version) = version else {
                self.keys.tenants.forget_newest(tenant);
                continue;
            };
            transaction.commit().await?;
            self.keys.forget(tenant, &name);
            return Ok(version);
        }
    }
}

impl Rotation {
    /// How many keys were to be wrapped again when it began, or was taken up.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// How many keys do not unwrap and are left as they are. Nothing is retired that they would need.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Wraps some more keys again; how many, or `None` once it is at its end and what was replaced is retired.
    pub async fn step(&mut self) -> Result<Option<u64>, VaultError> {
        let (vault, damaged) = (&self.vault, &mut self.damaged);
        let done = match &mut self.level {
            Level::Root { root, after } => vault.wrap_tenants_again(root, after, damaged).await?,
            Level::Tenant { tenant, version, wrapping, after } => vault.wrap_data_keys_again(*tenant, *version, wrapping, after, damaged).await?,
        };
        if done.is_none() {
            match &self.level {
                Level::Root { .. } => vault.retire_roots().await?,
                Level::Tenant { tenant, .. } => vault.retire_tenant_versions(*tenant).await?,
            }
        }
        Ok(done)
    }
}

/// A key that a root key wraps.
#[derive(sqlx::FromRow)]
struct UnderRoot {
    tenant: Uuid,
    /// 0 is the tagging key.
    version: i32,
    root: String,
    wrapped: Vec<u8>,
}

impl Vault {
    async fn wrap_tenants_again(&self, root: &str, after: &mut (Uuid, i32), damaged: &mut u64) -> Result<Option<u64>, VaultError> {
        let rows: Vec<UnderRoot> = sqlx::query_as(
            "select tenant, version, root, wrapped from (
                select tenant, version, root, wrapped from vault.tenant_key where wrapped is not null
                union all select tenant, 0, root, wrapped from vault.tagging_key) as keys
            where root <> $1 and (tenant, version) > ($2, $3) order by tenant, version limit $4",
        )
        .bind(root)
        .bind(after.0)
        .bind(after.1)
        .bind(ROOT_BATCH)
        .fetch_all(&self.pool)
        .await?;
        let Some(last) = rows.last() else { return Ok(None) };
        *after = (last.tenant, last.version);
        for row in &rows {
            let (tenant, ring) = (TenantId(row.tenant), &self.keys.tenants.ring);
            let purpose = if row.version == 0 { Purpose::Tagging } else { Purpose::Tenant };
            let key = match ring.unwrap(&row.root, tenant, purpose, &row.wrapped).await {
                Err(error) if !error.may_pass() => {
                    tracing::error!(%tenant, version = row.version, %error, "a tenant's key does not unwrap");
                    *damaged += 1;
                    continue;
                }
                key => key?,
            };
            let wrapped = ring.wrap(root, tenant, purpose, &key).await?;
            // A row that has changed meanwhile was wrapped again by another rotation like this one.
            let update = match purpose {
                Purpose::Tagging => "update vault.tagging_key set root = $4, wrapped = $5 where tenant = $1 and $2 = 0 and wrapped = $3",
                Purpose::Tenant => "update vault.tenant_key set root = $4, wrapped = $5 where tenant = $1 and version = $2 and wrapped = $3",
            };
            sqlx::query(update).bind(row.tenant).bind(row.version).bind(&row.wrapped).bind(root).bind(wrapped).execute(&self.pool).await?;
        }
        Ok(Some(rows.len() as u64))
    }

    async fn wrap_data_keys_again(
        &self,
        tenant: TenantId,
        version: i32,
        wrapping: &Secret,
        after: &mut Uuid,
        damaged: &mut u64,
    ) -> Result<Option<u64>, VaultError> {
        let mut transaction: Transaction<'static, Postgres> = self.pool.begin().await?;
        let rows: Vec<Row> = sqlx::query_as(select_rows!(
            "where d.tenant = $1 and d.tenant_version <> $2 and d.wrapped is not null and d.id > $3 order by d.id limit $4 for update of d"
        ))
        .bind(tenant.0)
        .bind(version)
        .bind(*after)
        .bind(TENANT_BATCH)
        .fetch_all(&mut *transaction)
        .await?;
        let Some(last) = rows.last() else { return Ok(None) };
        *after = last.id;
        let (mut ids, mut wrapped) = (Vec::new(), Vec::new());
        for row in &rows {
            match self.keys.open(row).await {
                Ok(Some(key)) => {
                    ids.push(row.id);
                    wrapped.push(wrapping.wrap(&key, &slices(&context(tenant, &row.subject, row.id))));
                }
                Ok(None) => {}
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => {
                    tracing::error!(key = %row.id, %error, "a stored key does not unwrap");
                    *damaged += 1;
                }
            }
        }
        let update =
            "update vault.data_key d set wrapped = n.wrapped, tenant_version = $3 from unnest($1::uuid[], $2::bytea[]) as n (id, wrapped) where d.id = n.id";
        sqlx::query(update).bind(&ids).bind(&wrapped).bind(version).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Some(rows.len() as u64))
    }

    /// Root keys by which nothing is wrapped any more.
    async fn retire_roots(&self) -> Result<(), VaultError> {
        let retire = "update vault.root_key r set retired_at = now() where not wraps and retired_at is null
                      and not exists (select from vault.tenant_key t where t.root = r.id and t.wrapped is not null)
                      and not exists (select from vault.tagging_key t where t.root = r.id)";
        sqlx::query(retire).execute(&self.pool).await?;
        Ok(())
    }

    /// Versions of a tenant's key by which nothing is wrapped any more: they are gone.
    async fn retire_tenant_versions(&self, tenant: TenantId) -> Result<(), VaultError> {
        let retire = "update vault.tenant_key t set wrapped = null, retired_at = now() where tenant = $1 and not wraps and wrapped is not null
                      and not exists (select from vault.data_key d where d.tenant = t.tenant and d.tenant_version = t.version and d.wrapped is not null)";
        sqlx::query(retire).bind(tenant.0).execute(&self.pool).await?;
        Ok(())
    }
}
