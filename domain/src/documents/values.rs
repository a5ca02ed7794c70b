//! What is said of a document, and what is known of its bytes.

use chrono::{DateTime, Utc};

use crate::records::element::plain;
use crate::records::elements::{CodeableConcept, Coding, FactIdentifier, FhirDateTime, Period, Reference, Text, fhir_codes, fhir_type};
use crate::value::InvalidValue;

crate::text_value!(
    /// SHA-256 of a sealed blob, as 64 hexadecimal digits: where its bytes are.
    BlobAddress, |text| is_digest(text), { "pattern": "^[0-9a-f]{64}$" });

crate::text_value!(
    /// SHA-256 of a document's clear bytes, as 64 hexadecimal digits: two of the same are the same bytes.
    Fingerprint, |text| is_digest(text), { "pattern": "^[0-9a-f]{64}$" });

crate::text_value!(
    /// A media type without parameters, in lower case, such as `application/pdf`.
    MediaType, |text| {
        let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".+-".contains(&byte));
        let sound = text.len() <= 100 && text.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype));
        if sound { Ok(()) } else { Err(InvalidValue("be a media type without parameters, in lower case")) }
    }, { "pattern": "^[a-z0-9.+-]+/[a-z0-9.+-]+$", "maxLength": 100 });

plain!(MediaType);

fn is_digest(text: &str) -> Result<(), InvalidValue> {
    let sound = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if sound { Ok(()) } else { Err(InvalidValue("be 64 hexadecimal digits in lower case")) }
}

fhir_codes! {
    /// FHIR `document-reference-status`, as far as a document arrives with it; what was removed since is entered in error.
    DocumentReferenceStatus {
        Current "current",
        Superseded "superseded",
    }
}

fhir_codes! {
    /// FHIR `composition-status`.
    CompositionStatus {
        Preliminary "preliminary",
        Final "final",
        Amended "amended",
        EnteredInError "entered-in-error",
    }
}

fhir_type! {
    /// FHIR `DocumentReference` with one content, whose `attachment` and `format` stand in it directly.
    DocumentReference {
        /// Business identifiers.
        identifier: list FactIdentifier,
        /// Whether it is the current one.
        status: required DocumentReferenceStatus,
        /// How finished the document itself is.
        doc_status: optional CompositionStatus,
        /// What kind of document (LOINC).
        r#type: optional CodeableConcept,
        /// Of what sort.
        category: list CodeableConcept,
        /// When it was first written down that there is one.
        date: optional FhirDateTime,
        /// Who wrote it.
        author: list Reference,
        /// Who keeps it.
        custodian: optional Reference,
        /// What it is about, in words.
        description: optional Text,
        /// What the file is.
        attachment: required Attachment,
        /// By what rules it is written (IHE format codes).
        format: optional Coding,
        /// In which circumstances it came about.
        context: optional DocumentContext,
    }
}

fhir_type! {
    /// FHIR `Attachment`, without its bytes.
    Attachment {
        /// What it says it is; the bytes must be that.
        content_type: required MediaType,
        /// What it is called.
        title: optional Text,
        /// When it was made.
        creation: optional FhirDateTime,
    }
}

fhir_type! {
    /// FHIR `DocumentReference.context`.
    DocumentContext {
        /// During which encounters.
        encounter: list Reference,
        /// About which time.
        period: optional Period,
        /// What else it belongs to.
        related: list Reference,
    }
}

impl DocumentReference {
    /// What it is, as a person reads it.
    pub fn title(&self) -> Option<&str> {
        let coded = || self.r#type.as_ref().and_then(CodeableConcept::display);
        self.attachment.title.as_ref().map(Text::as_str).or_else(coded).or(self.description.as_ref().map(Text::as_str))
    }

    /// When it was made, where it says.
    pub fn occurred(&self) -> Option<DateTime<Utc>> {
        self.attachment.creation.as_ref().or(self.date.as_ref()).map(FhirDateTime::earliest)
    }
}
