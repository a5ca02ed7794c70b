//! Taking a document in, wherever its bytes come from: they are sealed as they come, and durable before the event that names them.

use bytes::Bytes;
use command_api::Problem;
use domain::documents::{BlobAddress, DocumentMetadata, Fingerprint, UploadDocument, UploadDocumentRejection};
use domain::{Phi, Subject};
use futures::{Stream, StreamExt};
use gate::{Accepted, Caller, Refusal, Request};
use sha2::{Digest, Sha256};
use vault::VaultError;

use crate::collect::named;
use crate::kind::{TypeCheck, WrongType};
use crate::storage::{Blob, Stage, StorageError};
use crate::{Documents, hex, problem};

/// Why a document was not taken in. Nothing of it is left but what will be collected.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Its bytes broke off, as whoever sends them says.
    #[error("the bytes broke off")]
    Content(Problem),
    /// It has more bytes than a document may have.
    #[error("the document is larger than one may be")]
    TooLarge {
        /// The most.
        limit: u64,
    },
    /// Documents of the type that it is declared as are not taken.
    #[error("documents of this type are not taken")]
    TypeNotAllowed,
    /// It is not of the type that it is declared as.
    #[error("the document is not of the type that it is declared as")]
    WrongType(WrongType),
    /// The storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The keys.
    #[error(transparent)]
    Vault(VaultError),
    /// The event was not appended.
    #[error(transparent)]
    Refused(Refusal<UploadDocumentRejection>),
}

impl NotTaken {
    /// Whether it may well be taken in a moment.
    pub fn passes(&self) -> bool {
        match self {
            Self::Content(_) | Self::TooLarge { .. } | Self::TypeNotAllowed | Self::WrongType(_) => false,
            Self::Storage(error) => !matches!(error, StorageError::Missing),
            Self::Vault(error) => !matches!(error, VaultError::Erased | VaultError::NotAuthentic),
            Self::Refused(refusal) => !is_certain(refusal),
        }
    }

    /// The same as a problem of the HTTP API, whose codes name it everywhere.
    pub fn into_problem(self, documents: &Documents) -> Problem {
        match self {
            Self::Content(problem) => problem,
            Self::TooLarge { limit } => problem::too_large(limit),
            Self::TypeNotAllowed => problem::type_not_allowed(&documents.rules.types),
            Self::WrongType(wrong) => problem::wrong_type(wrong),
            Self::Storage(error) => problem::storage(&error),
            Self::Vault(error) => problem::vault(&error),
            Self::Refused(refusal) => refusal.into(),
        }
    }
}

/// What the clear bytes came to.
struct Sealed {
    address: BlobAddress,
    size: u64,
    fingerprint: Fingerprint,
}

impl Documents {
    /// Takes a document in: seals its bytes, keeps them, and appends the event. A repetition under the same command id gets the first answer, and stores nothing.
    pub async fn take(
        &self,
        caller: &Caller,
        metadata: DocumentMetadata,
        content: impl Stream<Item = Result<Bytes, Problem>>,
        request: Request,
    ) -> Result<Accepted, NotTaken> {
        let declared = metadata.content.known().map(|content| content.attachment.content_type.clone());
        let declared = declared.filter(|declared| self.rules.types.has(declared)).ok_or(NotTaken::TypeNotAllowed)?;
        let mut stage = self.storage.stage();
        let sealed = match self.seal(caller, &metadata, TypeCheck::new(declared), content, &mut stage).await {
            Ok(sealed) => sealed,
            Err(refused) => {
                stage.abandon().await;
                return Err(refused);
            }
        };
        let Sealed { address, size, fingerprint } = sealed;
        let blob = Blob::new(caller.tenant, metadata.document, &address);
        let command = UploadDocument { metadata, address, size, fingerprint: Phi::Known(fingerprint) };
        if let Some(answer) = self.answered(caller, &command, request).await.transpose() {
            stage.abandon().await;
            return answer;
        }
        stage.keep(&blob).await?;
        self.append(caller, &blob, command, request).await
    }

    /// The answer to a repetition.
    async fn answered(&self, caller: &Caller, command: &UploadDocument, request: Request) -> Result<Option<Accepted>, NotTaken> {
        let Some(command_id) = request.command_id else { return Ok(None) };
        self.gate.repeated(caller, command, command_id).await.map_err(NotTaken::Refused)
    }

    /// Seals the bytes as they come, and sees that they are what they should be.
    async fn seal(
        &self,
        caller: &Caller,
        metadata: &DocumentMetadata,
        mut kind: TypeCheck,
        content: impl Stream<Item = Result<Bytes, Problem>>,
        stage: &mut Stage,
    ) -> Result<Sealed, NotTaken> {
        let limit = self.rules.limit;
        let subject = Subject::Patient(metadata.patient);
        let mut sealer = self.store.vault().blob_sealer(caller.tenant, subject, metadata.document.0).await.map_err(NotTaken::Vault)?;
        let (mut fingerprint, mut size) = (Sha256::new(), 0);
        let mut content = std::pin::pin!(content);
        while let Some(clear) = content.next().await {
            let clear = clear.map_err(NotTaken::Content)?;
            size += clear.len() as u64;
            if size > limit {
                return Err(NotTaken::TooLarge { limit });
            }
            kind.push(&clear).map_err(NotTaken::WrongType)?;
            fingerprint.update(&clear);
            stage.put(&sealer.push(&clear)).await?;
        }
        kind.finish().map_err(NotTaken::WrongType)?;
        let (rest, blob) = sealer.finish();
        stage.put(&rest).await?;
        let address = BlobAddress::try_from(hex(&blob.address)).map_err(|_| NotTaken::Vault(VaultError::NotAuthentic))?;
        let fingerprint = Fingerprint::try_from(hex(&fingerprint.finalize())).map_err(|_| NotTaken::Vault(VaultError::NotAuthentic))?;
        Ok(Sealed { address, size: blob.size, fingerprint })
    }

    /// Appends the event. Where it is certain that none names the bytes, they are forgotten at once; where it is not, they are left to be collected.
    async fn append(&self, caller: &Caller, blob: &Blob, command: UploadDocument, request: Request) -> Result<Accepted, NotTaken> {
        let result = self.gate.execute(caller, command, request).await;
        let unnamed = match &result {
            // The first answer to a retry is about the bytes that came first.
            Ok(accepted) => accepted.repeated && named(&self.store, std::slice::from_ref(blob)).await.is_ok_and(|named| !named.contains(blob)),
            Err(refusal) => is_certain(refusal),
        };
        if unnamed && self.storage.forget(blob).await.is_err() {
            tracing::warn!(request_id = %request.correlation, "the bytes of an upload that came to nothing are left to be collected");
        }
        result.map_err(NotTaken::Refused)
    }
}

fn is_certain(refusal: &Refusal<UploadDocumentRejection>) -> bool {
    match refusal {
        Refusal::Forbidden(_) | Refusal::Rejected(_) | Refusal::Stale { .. } | Refusal::CommandMismatch => true,
        // An earlier request may have named the bytes, whose answer is not for this one.
        Refusal::Unauthenticated | Refusal::Contended | Refusal::Unavailable(_) => false,
    }
}
