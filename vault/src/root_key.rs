//! A root key in a local file.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use async_trait::async_trait;
use domain::TenantId;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::key_ring::{Purpose, Root};
use crate::secret::{KEY_LENGTH, Secret, random_id};

/// The key that wraps every tenant's key: a file of 32 random bytes that none but its owner can read.
pub struct RootKey {
    wrapping: Secret,
    /// `file:` and the hexadecimal digits of a value derived from it, which tells the key from others and nothing else.
    id: String,
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
        let id = root.derive("carelog root: check value").bytes().iter().fold("file:".to_owned(), |id, byte| format!("{id}{byte:02x}"));
        Ok(Some(Self { wrapping: root.derive("carelog root: wrap tenant keys"), id }))
    }
}

#[async_trait]
impl Root for RootKey {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, tenant: TenantId, purpose: Purpose, key: &[u8]) -> Result<Vec<u8>, VaultError> {
        Ok(self.wrapping.encrypt(key, &[purpose.name().as_bytes(), tenant.0.as_bytes()]))
    }

    async fn unwrap(&self, tenant: TenantId, purpose: Purpose, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.wrapping.decrypt(wrapped, &[purpose.name().as_bytes(), tenant.0.as_bytes()])
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
