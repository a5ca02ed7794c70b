//! What happened to a document.

use domain::documents::{DocumentReference, DocumentUploaded, DocumentsEvent};
use domain::{DocumentId, Phi};

use super::Entry;
use super::words::{Detail, code, detail, list, phi, reason};

/// The patient's entry.
pub(super) fn entry(event: &DocumentsEvent) -> Entry {
    let (patient, document) = event.about();
    let (summary, details) = match event {
        DocumentsEvent::DocumentUploaded(event) => (format!("Uploaded: the document {}", title(&event.content)), uploaded(event)),
        DocumentsEvent::DocumentSuperseded(event) => ("Superseded: a document by another".to_owned(), vec![detail("By", reference(event.by))]),
        DocumentsEvent::DocumentRemoved(event) => {
            ("Removed: a document that should not be there".to_owned(), reason("Reason", Some(&event.reason)).into_iter().collect())
        }
    };
    Entry { patient, summary, details: std::iter::once(detail("Document", reference(document))).chain(details).collect() }
}

fn reference(document: DocumentId) -> String {
    format!("DocumentReference/{document}")
}

fn title(content: &Phi<DocumentReference>) -> String {
    phi(content, |content| content.title().unwrap_or("without a name").to_owned())
}

fn uploaded(event: &DocumentUploaded) -> Vec<Detail> {
    let kind = detail("Type", phi(&event.content, |content| content.attachment.content_type.as_str().to_owned()));
    let size = detail("Size", format!("{} bytes", event.size));
    let labels = (!event.security.is_empty()).then(|| detail("Security labels", list(event.security.iter().map(code), "none")));
    [Some(kind), Some(size), labels].into_iter().flatten().collect()
}
