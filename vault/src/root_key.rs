//! The root key, from a local file; development's key ring.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use domain::TenantId;
use sqlx::PgPool;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::secret::{KEY_LENGTH, Secret, random_id};

/// The key that wraps every tenant's key: a file of 32 random bytes that none but its owner can read.
pub struct RootKey {
    wrapping: Secret,
    check_value: Secret,
}

impl RootKey {
    /// Reads the key file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        Self::read(path.as_ref())?.ok_or(VaultError::RootKey("the key file does not exist"))
    }

    /// Reads the key file, and makes it first where there is none. Several processes may come first at once: one file results.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let path = path.as_ref();
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        create(path).map_err(|_| VaultError::RootKey("the key file cannot be made"))?;
        Self::open(path)
    }

    fn read(path: &Path) -> Result<Option<Self>, VaultError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(VaultError::RootKey("the key file cannot be read")),
        };
        let mode = file.metadata().map_err(|_| VaultError::RootKey("the key file cannot be read"))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(VaultError::RootKey("the key file can be read by others than its owner"));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_LENGTH + 1));
        Read::by_ref(&mut file).take(KEY_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(|_| VaultError::RootKey("the key file cannot be read"))?;
        let root = Secret::from_bytes(&bytes).ok_or(VaultError::RootKey("the key file does not hold 32 bytes"))?;
        Ok(Some(Self { wrapping: root.derive("carelog root: wrap tenant keys"), check_value: root.derive("carelog root: check value") }))
    }

    /// Refuses a root key that is not the one that this vault began with.
    pub(crate) async fn check(&self, pool: &PgPool) -> Result<(), VaultError> {
        let own = self.check_value.bytes().as_slice();
        sqlx::query("insert into vault.root_key (check_value) values ($1) on conflict do nothing").bind(own).execute(pool).await?;
        let known: Vec<u8> = sqlx::query_scalar("select check_value from vault.root_key").fetch_one(pool).await?;
        if bool::from(known.ct_eq(own)) { Ok(()) } else { Err(VaultError::RootKey("it is not the key that this vault began with")) }
    }

    pub(crate) fn wrap(&self, tenant: TenantId, key: &Secret) -> Vec<u8> {
        self.wrapping.wrap(key, &[b"tenant key", tenant.0.as_bytes()])
    }

    pub(crate) fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<Secret, VaultError> {
        self.wrapping.unwrap(wrapped, &[b"tenant key", tenant.0.as_bytes()])
    }
}

/// The folder is made where there is none, for its owner alone. The file is written beside its place, flushed and linked there: whoever sees the file sees all of it, and a file that came first stays.
fn create(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", random_id()));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
        file.write_all(Secret::random().bytes())?;
        file.sync_all()?;
        fs::hard_link(&beside, path)
    });
    fs::remove_file(&beside)?;
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder)?.sync_all(),
    }
}
