//! A subject's data key: what is known of one person is sealed under that person's own key, and becomes unreadable with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Subject, TenantId};
use moka::sync::Cache;
use sqlx::PgPool;
use uuid::Uuid;

use crate::secret::{Secret, random_id};
use crate::tenant_keys::TenantKeys;
use crate::{RootKey, VaultError};

/// How many keys are kept in memory, and how long: after that long at most, no process uses a key that was destroyed.
const CACHED_KEYS: u64 = 50_000;
const CACHED_FOR: Duration = Duration::from_mins(10);
/// What a wrapped data key is bound to, besides its tenant, subject and id.
const CONTEXT: &[u8] = b"data key";

/// A subject's key, or the place where it was.
pub(crate) struct DataKey {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) subject: String,
    /// `None` once it is destroyed.
    pub(crate) secrets: Option<DataSecrets>,
}

/// What is derived from a data key.
pub(crate) struct DataSecrets {
    /// Seals segments.
    pub(crate) sealing: Secret,
    /// Stands beside every segment and says which key seals it: without it a segment could be made that opens under two keys.
    pub(crate) commitment: Secret,
    /// Makes digests of command bodies.
    pub(crate) digesting: Secret,
    /// Gives each document a key of its own.
    pub(crate) documents: Secret,
}

/// The data keys of one vault, the used ones in memory.
pub(crate) struct DataKeys {
    pool: PgPool,
    pub(crate) tenants: TenantKeys,
    by_subject: Cache<(TenantId, Subject), Arc<DataKey>>,
    by_id: Cache<Uuid, Arc<DataKey>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant: Uuid,
    subject: String,
    wrapped: Option<Vec<u8>>,
    tenant_wrapped: Vec<u8>,
}

impl DataKeys {
    pub(crate) fn new(pool: PgPool, root: RootKey) -> Self {
        Self {
            tenants: TenantKeys::new(pool.clone(), root),
            pool,
            by_subject: Cache::builder().max_capacity(CACHED_KEYS).time_to_live(CACHED_FOR).build(),
            by_id: Cache::builder().max_capacity(CACHED_KEYS).time_to_live(CACHED_FOR).build(),
        }
    }

    /// The key to seal for a subject, which is made when there never was one.
    pub(crate) async fn of_subject(&self, tenant: TenantId, subject: Subject) -> Result<Arc<DataKey>, VaultError> {
        if let Some(key) = self.by_subject.get(&(tenant, subject)) {
            return Ok(key);
        }
        let tenant_key = self.tenants.get(tenant).await?;
        let (id, name) = (random_id(), subject.to_string());
        let offered = tenant_key.wrapping.wrap(&Secret::random(), &[CONTEXT, tenant.0.as_bytes(), name.as_bytes(), id.as_bytes()]);
        // Where another process wins between the two halves of the statement, neither gives a row; the next try reads the winner's.
        let row = loop {
            let row: Option<(Uuid, Option<Vec<u8>>)> = sqlx::query_as(
                "with made as (insert into vault.data_key (id, tenant, subject, wrapped) values ($1, $2, $3, $4) on conflict do nothing returning id, wrapped)
                select id, wrapped from made union all select id, wrapped from vault.data_key where tenant = $2 and subject = $3",
            )
            .bind(id)
            .bind(tenant.0)
            .bind(&name)
            .bind(&offered)
            .fetch_optional(&self.pool)
            .await?;
            if let Some(row) = row {
                break row;
            }
        };
        let key = Arc::new(unwrapped(&tenant_key.wrapping, row.0, tenant, name, row.1.as_deref())?);
        self.by_subject.insert((tenant, subject), Arc::clone(&key));
        self.by_id.insert(key.id, Arc::clone(&key));
        Ok(key)
    }

    /// The keys of these ids; those that are not in memory come in one statement. One that does not unwrap is left out, like one that does not exist.
    pub(crate) async fn by_ids(&self, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Arc<DataKey>>, VaultError> {
        let mut keys = HashMap::new();
        let mut missing = Vec::new();
        for id in ids {
            match self.by_id.get(&id) {
                Some(key) => drop(keys.insert(id, key)),
                None => missing.push(id),
            }
        }
        if missing.is_empty() {
            return Ok(keys);
        }
        let rows: Vec<Row> = sqlx::query_as(
            "select d.id, d.tenant, d.subject, d.wrapped, t.wrapped as tenant_wrapped
            from vault.data_key d join vault.tenant_key t using (tenant) where d.id = any($1)",
        )
        .bind(&missing)
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let tenant = TenantId(row.tenant);
            let key = self.tenants.unwrapped(tenant, &row.tenant_wrapped);
            let key = key.and_then(|key| unwrapped(&key.wrapping, row.id, tenant, row.subject, row.wrapped.as_deref()));
            match key.map(Arc::new) {
                Ok(key) => {
                    self.by_id.insert(key.id, Arc::clone(&key));
                    keys.insert(key.id, key);
                }
                Err(error) => tracing::error!(key = %row.id, %error, "a stored key does not unwrap"),
            }
        }
        Ok(keys)
    }
}

fn unwrapped(wrapping: &Secret, id: Uuid, tenant: TenantId, subject: String, wrapped: Option<&[u8]>) -> Result<DataKey, VaultError> {
    let secrets = wrapped
        .map(|wrapped| {
            let key = wrapping.unwrap(wrapped, &[CONTEXT, tenant.0.as_bytes(), subject.as_bytes(), id.as_bytes()])?;
            Ok::<_, VaultError>(DataSecrets {
                sealing: key.derive("carelog data: seal"),
                commitment: key.derive("carelog data: commitment"),
                digesting: key.derive("carelog data: command digest"),
                documents: key.derive("carelog data: documents"),
            })
        })
        .transpose()?;
    Ok(DataKey { id, tenant, subject, secrets })
}
