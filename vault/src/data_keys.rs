//! A subject's data keys: what is known of one person is sealed under that person's own keys, and becomes unreadable with them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Subject, TenantId};
use moka::sync::Cache;
use sqlx::PgPool;
use uuid::Uuid;

use crate::key_ring::KeyRing;
use crate::secret::{Secret, random_id};
use crate::tenant_keys::{StoredVersion, TenantKeys};
use crate::{Caching, VaultError};

/// How many subjects' keys are kept in memory.
const CACHED_SUBJECTS: u64 = 50_000;
/// What a wrapped data key is bound to, besides its tenant, subject and id.
const CONTEXT: &[u8] = b"data key";

/// Whose keys: a tenant, and a subject as it is stored.
type Owner = (TenantId, String);

/// One version of a subject's key, or the place where it was.
pub(crate) struct DataKey {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) subject: String,
    material: Material,
}

enum Material {
    Known(DataSecrets),
    Destroyed,
    /// It does not unwrap.
    Damaged,
}

impl DataKey {
    pub(crate) fn secrets(&self) -> Result<&DataSecrets, VaultError> {
        match &self.material {
            Material::Known(secrets) => Ok(secrets),
            Material::Destroyed => Err(VaultError::Erased),
            Material::Damaged => Err(VaultError::NotAuthentic),
        }
    }
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

/// Every version of a subject's key, the newest first.
#[derive(Clone)]
pub(crate) struct SubjectKeys(Vec<Arc<DataKey>>);

impl SubjectKeys {
    /// What seals.
    pub(crate) fn newest(&self) -> Result<(&DataKey, &DataSecrets), VaultError> {
        let key = self.0.first().ok_or(VaultError::NotAuthentic)?;
        Ok((key, key.secrets()?))
    }

    /// What sealed before.
    pub(crate) fn former(&self) -> impl Iterator<Item = &DataSecrets> {
        self.0.iter().skip(1).filter_map(|key| key.secrets().ok())
    }

    fn of_id(&self, id: Uuid) -> Option<&Arc<DataKey>> {
        self.0.iter().find(|key| key.id == id)
    }

    fn is_damaged(&self) -> bool {
        self.0.iter().any(|key| matches!(key.material, Material::Damaged))
    }
}

/// The data keys of one vault, the used ones in memory.
pub(crate) struct DataKeys {
    pub(crate) pool: PgPool,
    pub(crate) tenants: TenantKeys,
    subjects: Cache<Owner, SubjectKeys>,
    /// Whose a key is, which never changes.
    owners: Cache<Uuid, Owner>,
    /// How often something had to be forgotten: what was read before is not to be kept after.
    forgotten: AtomicU64,
}

/// A version as it is stored, with the version of the tenant's key that wraps it.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    tenant: Uuid,
    pub(crate) subject: String,
    wrapped: Option<Vec<u8>>,
    tenant_version: Option<i32>,
    root: Option<String>,
    tenant_wrapped: Option<Vec<u8>>,
}

/// What [`Row`] is read from, as `select …`.
macro_rules! select_rows {
    ($rest:literal) => {
        concat!(
            "select d.id, d.tenant, d.subject, d.wrapped, d.tenant_version, t.root, t.wrapped as tenant_wrapped from vault.data_key d ",
            "left join vault.tenant_key t on t.tenant = d.tenant and t.version = d.tenant_version ",
            $rest
        )
    };
}
pub(crate) use select_rows;

impl DataKeys {
    pub(crate) fn new(pool: PgPool, ring: KeyRing, caching: Caching) -> Self {
        Self {
            tenants: TenantKeys::new(pool.clone(), ring, caching),
            pool,
            subjects: Cache::builder().max_capacity(CACHED_SUBJECTS).time_to_live(caching.period).build(),
            owners: Cache::builder().max_capacity(2 * CACHED_SUBJECTS).time_to_live(caching.period).build(),
            forgotten: AtomicU64::default(),
        }
    }

    /// The keys of a subject; the first is made when there never was one.
    pub(crate) async fn of_subject(&self, tenant: TenantId, subject: Subject) -> Result<SubjectKeys, VaultError> {
        let owner = (tenant, subject.to_string());
        loop {
            if let Some(known) = self.subjects.get(&owner) {
                return Ok(known);
            }
            if let Some(keys) = self.load(Wanted::Of(&owner)).await?.into_values().next() {
                return Ok(keys);
            }
            self.make_first(&owner).await?;
        }
    }

    /// The keys of these ids; those that are not in memory come in one statement. One that does not exist is left out.
    pub(crate) async fn by_ids(&self, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Arc<DataKey>>, VaultError> {
        let mut keys = HashMap::new();
        let mut missing = Vec::new();
        for id in ids {
            let known = self.owners.get(&id).and_then(|owner| self.subjects.get(&owner));
            match known.as_ref().and_then(|known| known.of_id(id)) {
                Some(key) => drop(keys.insert(id, Arc::clone(key))),
                None => missing.push(id),
            }
        }
        if missing.is_empty() {
            return Ok(keys);
        }
        let found = self.load(Wanted::Named(&missing)).await?;
        keys.extend(missing.into_iter().filter_map(|id| Some((id, Arc::clone(found.values().find_map(|keys| keys.of_id(id))?)))));
        Ok(keys)
    }

    /// What is in memory of a subject is not true any more.
    pub(crate) fn forget(&self, tenant: TenantId, subject: &str) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.subjects.invalidate(&(tenant, subject.to_owned()));
    }

    /// Nothing that is in memory is known to be true.
    pub(crate) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.subjects.invalidate_all();
    }

    /// Reads the keys of subjects, and keeps them in memory unless something was forgotten meanwhile.
    async fn load(&self, wanted: Wanted<'_>) -> Result<HashMap<Owner, SubjectKeys>, VaultError> {
        loop {
            let before = self.forgotten.load(Ordering::SeqCst);
            let mut found: HashMap<Owner, SubjectKeys> = HashMap::new();
            for row in self.rows(wanted).await? {
                let key = Arc::new(self.unwrapped(row).await?);
                self.owners.insert(key.id, (key.tenant, key.subject.clone()));
                found.entry((key.tenant, key.subject.clone())).or_insert_with(|| SubjectKeys(vec![])).0.push(key);
            }
            for (owner, keys) in found.iter().filter(|(_, keys)| !keys.is_damaged()) {
                self.subjects.insert(owner.clone(), keys.clone());
            }
            // Whoever forgets counts first and removes then: either what was kept is removed there, or it is seen here.
            if self.forgotten.load(Ordering::SeqCst) == before {
                return Ok(found);
            }
            for owner in found.keys() {
                self.subjects.invalidate(owner);
            }
        }
    }

    async fn rows(&self, wanted: Wanted<'_>) -> Result<Vec<Row>, VaultError> {
        Ok(match wanted {
            Wanted::Of((tenant, subject)) => {
                let statement = sqlx::query_as(select_rows!("where d.tenant = $1 and d.subject = $2 order by d.version desc"));
                statement.bind(tenant.0).bind(subject).fetch_all(&self.pool).await?
            }
            Wanted::Named(ids) => {
                let statement = sqlx::query_as(select_rows!(
                    "where (d.tenant, d.subject) in (select n.tenant, n.subject from vault.data_key n where n.id = any ($1)) order by d.version desc"
                ));
                statement.bind(ids).fetch_all(&self.pool).await?
            }
        })
    }

    /// The error is one that another try may mend.
    pub(crate) async fn unwrapped(&self, row: Row) -> Result<DataKey, VaultError> {
        let tenant = TenantId(row.tenant);
        let material = match self.open(&row).await {
            Ok(Some(secret)) => Material::Known(DataSecrets::of(&secret)),
            Ok(None) => Material::Destroyed,
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => {
                tracing::error!(key = %row.id, %error, "a stored key does not unwrap");
                Material::Damaged
            }
        };
        Ok(DataKey { id: row.id, tenant, subject: row.subject, material })
    }

    /// The key in a row, unless it is destroyed.
    pub(crate) async fn open(&self, row: &Row) -> Result<Option<Secret>, VaultError> {
        let Some(wrapped) = &row.wrapped else { return Ok(None) };
        let tenant = TenantId(row.tenant);
        let (Some(version), Some(root), Some(tenant_wrapped)) = (row.tenant_version, row.root.clone(), row.tenant_wrapped.clone()) else {
            return Err(VaultError::NotAuthentic);
        };
        let wrapping = self.tenants.stored(tenant, &StoredVersion { version, root, wrapped: tenant_wrapped }).await?;
        wrapping.unwrap(wrapped, &slices(&context(tenant, &row.subject, row.id))).map(Some)
    }

    async fn make_first(&self, (tenant, subject): &Owner) -> Result<(), VaultError> {
        let (version, wrapping) = self.tenants.newest(*tenant).await?;
        let made = NewKey::of(*tenant, subject, &wrapping);
        // Where another process was first, or the tenant's key was replaced, this does nothing, and the next look finds what there is.
        let add = "insert into vault.data_key (id, tenant, subject, version, wrapped, tenant_version, fingerprint)
                   select $1, tenant, $3, 1, $4, version, $5 from vault.tenant_key where tenant = $2 and version = $6 and wraps for share
                   on conflict do nothing";
        let statement = sqlx::query(add).bind(made.id).bind(tenant.0).bind(subject).bind(&made.wrapped).bind(made.fingerprint.as_slice()).bind(version);
        if statement.execute(&self.pool).await?.rows_affected() == 0 {
            self.tenants.forget_newest(*tenant);
        }
        Ok(())
    }
}

/// Which keys are read.
#[derive(Clone, Copy)]
enum Wanted<'names> {
    Of(&'names Owner),
    /// Every version of those to whom these belong.
    Named(&'names [Uuid]),
}

impl DataSecrets {
    fn of(key: &Secret) -> Self {
        Self {
            sealing: key.derive("carelog data: seal"),
            commitment: commitment(key),
            digesting: key.derive("carelog data: command digest"),
            documents: key.derive("carelog data: documents"),
        }
    }
}

/// A fresh key, to be stored.
pub(crate) struct NewKey {
    pub(crate) id: Uuid,
    pub(crate) wrapped: Vec<u8>,
    /// What tells the key from others without telling anything of it.
    pub(crate) fingerprint: [u8; 32],
}

impl NewKey {
    pub(crate) fn of(tenant: TenantId, subject: &str, wrapping: &Secret) -> Self {
        let (id, key) = (random_id(), Secret::random());
        Self { id, wrapped: wrapping.wrap(&key, &slices(&context(tenant, subject, id))), fingerprint: *commitment(&key).bytes() }
    }
}

pub(crate) fn commitment(key: &Secret) -> Secret {
    key.derive("carelog data: commitment")
}

/// What a wrapped key is bound to: in another's place it does not unwrap.
pub(crate) fn context(tenant: TenantId, subject: &str, id: Uuid) -> [Vec<u8>; 4] {
    [CONTEXT.to_vec(), tenant.0.as_bytes().to_vec(), subject.as_bytes().to_vec(), id.as_bytes().to_vec()]
}

pub(crate) fn slices(parts: &[Vec<u8>; 4]) -> [&[u8]; 4] {
    parts.each_ref().map(Vec::as_slice)
}
