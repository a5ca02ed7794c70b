//! Where sealed documents are: a folder, or a bucket of S3. What is stored was sealed before, and is found by the hash of its sealed bytes.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::documents::BlobAddress;
use domain::{DocumentId, TenantId};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientConfigKey, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};
use uuid::Uuid;

/// How many bytes are sent at once: the least that S3 takes as a part of more.
const PART: usize = 5 * 1024 * 1024;
/// Where uploads are until they are whole.
const STAGE: &str = "stage";
/// How the name of a bucket begins.
const S3: &str = "s3://";
/// How long one request to S3 may take, and how long failed ones are repeated.
const REQUEST_AT_MOST: &str = "30 seconds";
const RETRY_AT_MOST: Duration = Duration::from_secs(10);

/// A store of sealed documents. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    /// Where it is a folder: what is half-written there shows only to who looks for files.
    folder: Option<PathBuf>,
}

/// Which sealed bytes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Blob {
    /// Whose.
    pub tenant: TenantId,
    /// Of which document.
    pub document: DocumentId,
    /// SHA-256 of them.
    pub address: String,
}

/// Why sealed bytes could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no room for more.
    #[error("the documents' storage is full")]
    Full(#[source] object_store::Error),
    /// There is nothing at that address.
    #[error("the sealed bytes are not there")]
    Missing,
    /// It does not answer, or not as it should.
    #[error("the documents' storage is not available")]
    Unavailable(#[source] object_store::Error),
    /// The setting names no storage.
    #[error("the documents' storage is neither a folder nor s3://bucket/prefix")]
    Location(#[source] object_store::Error),
}

/// Something that is stored, whole or as a stage.
pub(crate) struct Stored {
    path: Path,
    pub(crate) modified: DateTime<Utc>,
    pub(crate) what: What,
}

/// What it is, by its name.
pub(crate) enum What {
    Blob(Blob),
    Stage,
    /// Nothing of ours.
    Else,
}

impl Blob {
    /// Of a document at an address.
    pub fn new(tenant: TenantId, document: DocumentId, address: &BlobAddress) -> Self {
        Self { tenant, document, address: address.as_str().to_owned() }
    }

    fn path(&self) -> Path {
        Path::from(format!("{}/{}/{}.{}", self.tenant, self.address.get(..2).unwrap_or_default(), self.document, self.address))
    }

    fn of(path: &Path) -> Option<Self> {
        let mut parts = path.as_ref().split('/');
        let (tenant, _, name) = (parts.next()?, parts.next()?, parts.next()?);
        let (document, address) = name.split_once('.')?;
        let blob = Self { tenant: TenantId(tenant.parse().ok()?), document: DocumentId(document.parse().ok()?), address: address.to_owned() };
        (blob.path() == *path).then_some(blob)
    }
}

/// The objects of a folder, which is made when it is not there, or of `s3://bucket/prefix` with the `AWS_…` variables of the environment.
pub fn objects(location: &str) -> Result<Arc<dyn ObjectStore>, StorageError> {
    let Some(bucket) = location.strip_prefix(S3) else {
        make_folder(FilePath::new(location))?;
        return Ok(Arc::new(LocalFileSystem::new_with_prefix(location).map_err(StorageError::Location)?.with_fsync(true)));
    };
    let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
    let s3 = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_AT_MOST)
        .with_retry(RetryConfig { retry_timeout: RETRY_AT_MOST, ..RetryConfig::default() })
        .build()
        .map_err(StorageError::Location)?;
    Ok(Arc::new(PrefixStore::new(s3, prefix)))
}

fn make_folder(folder: &FilePath) -> Result<(), StorageError> {
    std::fs::create_dir_all(folder).map_err(|error| StorageError::Location(object_store::Error::Generic { store: "folder", source: error.into() }))
}

impl Storage {
    /// A folder, which is made when it is not there, or `s3://bucket/prefix` with the `AWS_…` variables of the environment.
    pub fn open(location: &str) -> Result<Self, StorageError> {
        let store = objects(location)?;
        let folder = (!location.starts_with(S3)).then(|| PathBuf::from(location));
        if let Some(folder) = &folder {
            make_folder(&folder.join(STAGE))?;
        }
        Ok(Self { store, folder })
    }

    /// Begins to store sealed bytes, of which the address is not known yet.
    pub(crate) fn stage(&self) -> Stage {
        let path = Path::from(format!("{STAGE}/{}", event_store::fresh_id()));
        Stage { storage: self.clone(), path, pending: Vec::new(), parts: None }
    }

    /// A stretch of sealed bytes.
    pub(crate) async fn read(&self, blob: &Blob, range: std::ops::Range<u64>) -> Result<Bytes, StorageError> {
        Ok(self.store.get_range(&blob.path(), range).await?)
    }

    /// Forgets sealed bytes; it is no matter whether they are there.
    pub(crate) async fn forget(&self, blob: &Blob) -> Result<(), StorageError> {
        self.remove(&blob.path()).await
    }

    pub(crate) async fn delete(&self, stored: &Stored) -> Result<(), StorageError> {
        self.remove(&stored.path).await
    }

    async fn remove(&self, path: &Path) -> Result<(), StorageError> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Everything that is stored.
    pub(crate) fn stored(&self) -> impl Stream<Item = Result<Stored, StorageError>> {
        let what = |path: &Path| match Blob::of(path) {
            Some(blob) => What::Blob(blob),
            None if path.as_ref().starts_with("stage/") => What::Stage,
            None => What::Else,
        };
        let stored = move |object: object_store::ObjectMeta| Stored { what: what(&object.location), modified: object.last_modified, path: object.location };
        self.store.list(None).map_ok(stored).map_err(StorageError::from).boxed()
    }

    /// Deletes what was half-written to a folder before a moment and does not show as stored; S3 forgets unfinished parts by a rule of the bucket.
    pub(crate) async fn sweep(&self, before: DateTime<Utc>) -> std::io::Result<u64> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        let swept = tokio::task::spawn_blocking(move || {
            let mut swept = 0;
            for file in std::fs::read_dir(folder.join(STAGE))? {
                let file = file?;
                if DateTime::<Utc>::from(file.metadata()?.modified()?) < before {
                    std::fs::remove_file(file.path())?;
                    swept += 1;
                }
            }
            Ok(swept)
        });
        swept.await.unwrap_or_else(|ended| Err(std::io::Error::other(ended)))
    }

    /// Whether it answers.
    pub async fn answers(&self) -> Result<(), StorageError> {
        match self.store.head(&Path::from(format!("{STAGE}/{}", Uuid::nil()))).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sealed bytes on their way.
pub(crate) struct Stage {
    storage: Storage,
    path: Path,
    pending: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Stage {
    /// Takes the next bytes.
    pub(crate) async fn put(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        self.pending.extend_from_slice(sealed);
        while self.pending.len() >= PART {
            let rest = self.pending.split_off(PART);
            let part = std::mem::replace(&mut self.pending, rest);
            if self.parts.is_none() {
                self.parts = Some(self.storage.store.put_multipart(&self.path).await?);
            }
            if let Some(parts) = &mut self.parts {
                parts.put_part(part.into()).await?;
            }
        }
        Ok(())
    }

    /// Puts all that came to its address, durably.
    pub(crate) async fn keep(mut self, blob: &Blob) -> Result<(), StorageError> {
        let kept = self.finish(blob).await;
        if kept.is_err() {
            self.abandon().await;
        }
        kept
    }

    async fn finish(&mut self, blob: &Blob) -> Result<(), StorageError> {
        let rest = PutPayload::from(std::mem::take(&mut self.pending));
        match &mut self.parts {
            Some(parts) => {
                if rest.content_length() > 0 {
                    parts.put_part(rest).await?;
                }
                parts.complete().await?;
                self.parts = None;
            }
            None => drop(self.storage.store.put(&self.path, rest).await?),
        }
        Ok(self.storage.store.rename(&self.path, &blob.path()).await?)
    }

    /// Leaves nothing behind, as far as the storage still answers; what it leaves is collected.
    pub(crate) async fn abandon(mut self) {
        let aborted = match &mut self.parts {
            Some(parts) => parts.abort().await,
            None => Ok(()),
        };
        if aborted.map_err(StorageError::from).and(self.storage.remove(&self.path).await).is_err() {
            tracing::warn!(stage = %self.path, "an upload that was given up is left to be collected");
        }
    }
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        let full = |error: &(dyn std::error::Error + 'static)| {
            let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            matches!(kind, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded))
        };
        let causes = std::iter::successors(Some(&error as &(dyn std::error::Error + 'static)), |error| error.source());
        if causes.into_iter().any(full) { Self::Full(error) } else { Self::Unavailable(error) }
    }
}
