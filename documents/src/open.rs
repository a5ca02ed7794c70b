//! Reading a document: found within a snapshot, opened stretch by stretch.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use command_api::Problem;
use domain::documents::BlobAddress;
use domain::{DocumentId, Label, PatientId, Permission, Subject, UserId};
use event_store::ReadError;
use gate::{Caller, Forbidden, Masked, OfPatient, Snapshot, Unvalued, Verdict};
use sqlx::FromRow;
use uuid::Uuid;
use vault::{BlobReader, CHUNK, HEADER};

use crate::storage::Blob;
use crate::{Documents, problem};

/// How much is read from the storage at once.
const STRETCH: u64 = 16 * CHUNK as u64;

/// A document as the read model has it.
#[derive(FromRow)]
struct Row {
    security: Vec<String>,
    uploader: Option<Uuid>,
    patient_id: Uuid,
    address: String,
    size: i64,
    content_type: Option<String>,
    status: String,
}

impl OfPatient for Row {
    fn type_name(&self) -> &'static str {
        "Document"
    }
    fn permission(&self) -> Permission {
        Permission::ReadDocuments
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn labels(&self) -> Vec<Label> {
        Label::from_codes(&self.security)
    }
    fn is_by(&self, user: UserId) -> bool {
        self.uploader == Some(user.0)
    }
    /// Bytes are handed out whole or not at all.
    fn mask(self, _why: Masked) -> Self {
        Self {
            status: MASKED.to_owned(),
            content_type: None,
            security: self.security,
            uploader: self.uploader,
            patient_id: self.patient_id,
            address: self.address,
            size: self.size,
        }
    }
}

/// The status, as far as it goes here, of a document that the caller may know of and not read.
const MASKED: &str = "masked";

/// A document that the caller may read.
pub(crate) struct Found {
    patient: PatientId,
    pub(crate) blob: Blob,
    pub(crate) size: u64,
    pub(crate) content_type: String,
    /// What must go with it.
    pub(crate) notices: BTreeSet<&'static str>,
}

/// Why there is none to read.
pub(crate) enum NotFound {
    Forbidden(Forbidden),
    Unknown,
    Removed,
    Masked,
    Database(Unvalued),
    Log(ReadError),
}

impl From<NotFound> for Problem {
    fn from(not_found: NotFound) -> Self {
        match not_found {
            NotFound::Forbidden(forbidden) => Self::forbidden(forbidden.0),
            NotFound::Unknown => problem::unknown(),
            NotFound::Removed => problem::removed(),
            NotFound::Masked => problem::masked(),
            NotFound::Database(error) => error.into(),
            NotFound::Log(error) => problem::log(&error),
        }
    }
}

pub(crate) async fn look_up(snapshot: &Snapshot, document: DocumentId, shows: bool) -> Result<Found, NotFound> {
    snapshot.require(Permission::ReadDocuments).map_err(NotFound::Forbidden)?;
    let statement =
        "select patient_id, address, size, content_type, status, security, (recorded ->> 'user')::uuid as uploader from document where document_id = $1";
    let row: Option<Row> = sqlx::query_as(statement)
        .bind(document.0)
        .fetch_optional(&mut *snapshot.connection().await)
        .await
        .map_err(Unvalued::from)
        .map_err(NotFound::Database)?;
    let row = row.ok_or(NotFound::Unknown)?;
    let row = if shows {
        snapshot.show(vec![row]).await.map_err(NotFound::Database)?.pop().flatten().ok_or(NotFound::Unknown)?
    } else {
        match snapshot.judge(std::slice::from_ref(&row)).await.map_err(NotFound::Database)?.first() {
            Some(Verdict::Shown) => row,
            Some(Verdict::Masked(_)) => return Err(NotFound::Masked),
            _ => return Err(NotFound::Unknown),
        }
    };
    if row.status == MASKED {
        return Err(NotFound::Masked);
    }
    if row.status == "entered-in-error" || snapshot.is_removed(document).await.map_err(NotFound::Log)? {
        return Err(NotFound::Removed);
    }
    let patient = PatientId(row.patient_id);
    let address = BlobAddress::try_from(row.address).map_err(|_| NotFound::Unknown)?;
    let content_type = row.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    Ok(Found { notices: BTreeSet::new(), patient, blob: Blob::new(snapshot.caller().tenant, document, &address), size: row.size.unsigned_abs(), content_type })
}

impl Documents {
    /// All clear bytes of a document that a snapshot shows, and the note that it is shown.
    pub async fn whole(&self, snapshot: &Snapshot, document: DocumentId) -> Result<Vec<u8>, Problem> {
        let found = look_up(snapshot, document, true).await?;
        let mut stretches = self.open(snapshot.caller(), &found, 0..found.size).await?;
        let mut whole = Vec::new();
        while let Some(clear) = stretches.next().await? {
            whole.extend_from_slice(&clear);
        }
        Ok(whole)
    }

    /// Opens a range of a document.
    pub(crate) async fn open(&self, caller: &Caller, found: &Found, range: Range<u64>) -> Result<Stretches, Problem> {
        let storage = self.storage.clone();
        let header = storage.read(&found.blob, 0..HEADER as u64).await.map_err(|error| problem::storage(&error))?;
        let header = header.first_chunk().ok_or(vault::VaultError::NotAuthentic).map_err(|error| problem::vault(&error))?;
        let subject = Subject::Patient(found.patient);
        let vault = self.store.vault();
        let opener = vault.blob_opener(caller.tenant, subject, found.blob.document.0, header, found.size).await.map_err(|error| problem::vault(&error))?;
        let reader = opener.part(range);
        let sealed = reader.sealed_range();
        Ok(Stretches { storage, blob: found.blob.clone(), sealed, reader: Some(reader) })
    }
}

/// What is still to be read, stretch by stretch, so that a slow reader keeps no connection to the storage busy.
pub(crate) struct Stretches {
    storage: crate::Storage,
    blob: Blob,
    sealed: Range<u64>,
    reader: Option<BlobReader>,
}

impl Stretches {
    /// The next clear bytes.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        while !self.sealed.is_empty() {
            let end = self.sealed.end.min(self.sealed.start + STRETCH);
            let sealed = self.storage.read(&self.blob, self.sealed.start..end).await.map_err(|error| problem::storage(&error))?;
            if sealed.len() as u64 != end - self.sealed.start {
                return Err(problem::vault(&vault::VaultError::NotAuthentic));
            }
            self.sealed.start = end;
            let Some(reader) = &mut self.reader else { return Ok(None) };
            let clear = reader.push(&sealed).map_err(|error| problem::vault(&error))?;
            if !clear.is_empty() {
                return Ok(Some(clear.into()));
            }
        }
        match self.reader.take().map(BlobReader::finish) {
            Some(Err(error)) => Err(problem::vault(&error)),
            _ => Ok(None),
        }
    }
}
