//! *Documents*: files in a patient's record, such as letters, scans and images. A document is uploaded once and never changes: another may supersede it, and one
//! that should not be there is removed from use. Its bytes are sealed beside the log, under the address that its event names; what is said of it has the
//! shape of FHIR's `DocumentReference` and is protected as a whole. Documents stand in the patient's chart beside the clinical facts.

mod document;
mod events;
#[cfg(test)]
pub(crate) mod examples;
mod remove;
mod standing;
mod supersede;
mod upload;
mod values;

pub use document::{Document, DocumentStatus};
pub use events::{DocumentRemoved, DocumentSuperseded, DocumentUploaded, DocumentsEvent};
pub use remove::{RemoveDocument, RemoveDocumentRejection};
pub use standing::{DocumentStanding, DocumentUnusable};
pub use supersede::{SupersedeDocument, SupersedeDocumentRejection};
pub use upload::{DocumentMetadata, UploadDocument, UploadDocumentRejection};
pub use values::{Attachment, BlobAddress, CompositionStatus, DocumentContext, DocumentReference, DocumentReferenceStatus, Fingerprint, MediaType};
