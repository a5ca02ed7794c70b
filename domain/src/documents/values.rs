//! What is said of a document, and what is known of its bytes.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::fhir_values::Code;
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
    /// A media type in lower case, such as `application/pdf`; of parameters only a text's `charset=utf-8`, which it is in any case.
    MediaType, |text| {
        let text = text.strip_suffix(UTF_8).unwrap_or(text);
        let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".+-".contains(&byte));
        let sound = text.len() <= 100 && text.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype));
        if sound { Ok(()) } else { Err(InvalidValue("be a media type in lower case, with no parameters but `; charset=utf-8`")) }
    }, { "pattern": "^[a-z0-9.+-]+/[a-z0-9.+-]+(; charset=utf-8)?$", "maxLength": 115 });

/// The one parameter that a media type may have.
const UTF_8: &str = "; charset=utf-8";

impl MediaType {
    /// The type without its parameter.
    pub fn essence(&self) -> &str {
        self.as_str().strip_suffix(UTF_8).unwrap_or(self.as_str())
    }
}

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
        /// The identifier of this very version.
        master_identifier: optional FactIdentifier,
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
        /// Who answers for its being right.
        authenticator: optional Reference,
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
        /// The language that it is in (BCP 47).
        language: optional Code,
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
        /// What was done that it documents.
        event: list CodeableConcept,
        /// About which time.
        period: optional Period,
        /// In what kind of facility.
        facility_type: optional CodeableConcept,
        /// In what specialty.
        practice_setting: optional CodeableConcept,
        /// The patient as the source knew them.
        source_patient_info: optional Reference,
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

    /// As FHIR writes it: with its attachment and format as its one `content`.
    pub fn resource(&self) -> Option<Map<String, Value>> {
        let Ok(Value::Object(mut resource)) = serde_json::to_value(self) else { return None };
        let content: Map<String, Value> = ["attachment", "format"].into_iter().filter_map(|field| resource.remove_entry(field)).collect();
        resource.insert("content".to_owned(), Value::Array(vec![Value::Object(content)]));
        Some(resource)
    }

    /// When it was made, where it says.
    pub fn occurred(&self) -> Option<DateTime<Utc>> {
        self.attachment.creation.as_ref().or(self.date.as_ref()).map(FhirDateTime::earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_has_no_parameter_but_the_one_that_all_text_has() {
        let essence = |text: &str| MediaType::try_from(text).map(|kind| kind.essence().to_owned());
        assert_eq!(essence("text/plain; charset=utf-8"), Ok("text/plain".to_owned()));
        assert_eq!(essence("application/pdf"), Ok("application/pdf".to_owned()));
        for broken in ["text/plain; charset=iso-8859-1", "text/plain;charset=utf-8", "Text/plain", "text", "text/", "; charset=utf-8"] {
            assert!(essence(broken).is_err(), "{broken}");
        }
    }
}
