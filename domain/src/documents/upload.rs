//! Upload a document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::documents::values::{BlobAddress, DocumentReference, Fingerprint};
use crate::documents::{DocumentStanding, DocumentUploaded};
use crate::event::{Event, Label, Subject};
use crate::ids::{DocumentId, PatientId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::records::element::{ContentUnsound, sound};
use crate::records::referrals;
use crate::value::at_most;

/// What is said of a document when it is uploaded.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DocumentMetadata {
    /// The document, named by the caller.
    pub document: DocumentId,
    /// Whose document it is.
    pub patient: PatientId,
    /// What is said of it: FHIR `DocumentReference` without `id`, `subject` and `meta`, its one content's `attachment` and `format` in it directly.
    pub content: Phi<DocumentReference>,
    /// How sensitive it is, beyond normal (HL7 v3 `ActCode` and `Confidentiality`).
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub security: Vec<Label>,
}

/// Adds a document to a patient's record, whose bytes are sealed and durable. Only the upload itself makes this command: nobody else knows that they are.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadDocument {
    /// What is said of it.
    pub metadata: DocumentMetadata,
    /// Where its sealed bytes are. A retry seals anew and is the same command all the same, so this is not compared.
    #[serde(skip_serializing)]
    pub address: BlobAddress,
    /// How many clear bytes it has.
    pub size: u64,
    /// What its clear bytes are.
    pub fingerprint: Phi<Fingerprint>,
}

/// As FHIR calls it.
const RESOURCE_TYPE: &str = "DocumentReference";

/// Why it was not added.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum UploadDocumentRejection {
    /// Another document has the id.
    #[error("a document of this id exists")]
    DocumentExists,
    /// An encounter that it names is not in this patient's chart.
    #[error("the patient has no such encounter")]
    EncounterUnknown,
    /// A fact that it names is not in this patient's chart.
    #[error("the patient has no such fact")]
    FactUnknown,
    /// What is said of it holds what no content may.
    #[error(transparent)]
    #[serde(untagged)]
    ContentUnsound(#[from] ContentUnsound),
    /// Nothing can be added to the record.
    #[error(transparent)]
    #[serde(untagged)]
    PatientUnusable(#[from] PatientUnusable),
}

impl Decision for UploadDocument {
    type Model = DocumentStanding;
    type Event = DocumentUploaded;
    type Rejection = UploadDocumentRejection;

    fn model(&self) -> (DocumentStanding, Query) {
        let content = self.metadata.content.known();
        let facts = content.into_iter().flat_map(|content| referrals(RESOURCE_TYPE, content)).map(|referral| referral.fact);
        DocumentStanding::of(self.metadata.patient, &[self.metadata.document], facts)
    }

    fn apply(model: &mut DocumentStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &DocumentStanding, _circumstances: &Circumstances) -> Result<Vec<DocumentUploaded>, UploadDocumentRejection> {
        let DocumentMetadata { document, patient, content, security } = self.metadata.clone();
        model.patient.usable()?;
        if model.has(document) {
            return Err(UploadDocumentRejection::DocumentExists);
        }
        if let Some(content) = content.known() {
            sound(RESOURCE_TYPE, content)?;
            let chart = model.chart();
            if let Some(unknown) = referrals(RESOURCE_TYPE, content).iter().find(|referral| !referral.holds_in(&chart)) {
                return Err(if unknown.is_during() { UploadDocumentRejection::EncounterUnknown } else { UploadDocumentRejection::FactUnknown });
            }
        }
        let Self { address, size, fingerprint, .. } = self.clone();
        Ok(vec![DocumentUploaded { patient, document, address, size, fingerprint, content, security }])
    }
}

impl Command for UploadDocument {
    const CONTEXT: &'static str = "documents";
    const NAME: &'static str = "upload";
    const PERMISSION: Permission = Permission::UploadDocuments;

    fn subject(&self) -> Subject {
        Subject::Patient(self.metadata.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::examples::*;
    use crate::patients::examples::{ADA, BOB, deactivated, merged, registered};
    use crate::testing::{assert_bounded, given};

    #[test]
    fn a_document_enters_the_record() {
        given([registered(ADA)]).when(&upload(ADA, LETTER, &json!({}))).then([uploaded(ADA, LETTER, &json!({}))]);
        assert_bounded::<DocumentMetadata>();
    }

    #[test]
    fn the_record_must_be_in_use() {
        let upload = upload(ADA, LETTER, &json!({}));
        given([]).when(&upload).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&upload).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&upload).then_rejected(survivor);
    }

    #[test]
    fn an_id_names_one_document_whoever_it_is_of() {
        for patient in [ADA, BOB] {
            let events = [registered(ADA), registered(BOB), uploaded(patient, LETTER, &json!({}))];
            given(events).when(&upload(ADA, LETTER, &json!({}))).then_rejected(UploadDocumentRejection::DocumentExists);
        }
        // The same bytes a second time are another document.
        given([registered(ADA), uploaded(ADA, LETTER, &json!({}))]).when(&upload(ADA, SCAN, &json!({}))).then([uploaded(ADA, SCAN, &json!({}))]);
    }

    #[test]
    fn what_it_names_must_be_in_the_patients_chart() {
        let during = json!({ "encounter": [{ "reference": format!("Encounter/{VISIT}") }] });
        let about = json!({ "related": [{ "reference": format!("Observation/{VISIT}") }] });
        let spelled = json!({ "encounter": [{ "reference": format!("encounter/{VISIT}") }] });
        given([vec![registered(ADA)], vec![visit(ADA)]].concat()).when(&upload(ADA, LETTER, &spelled)).then_rejected(UploadDocumentRejection::EncounterUnknown);
        let aside = json!({ "related": [{ "reference": format!("Appointment/{VISIT}") }, { "display": "a call" }] });
        let known = || vec![registered(ADA), registered(BOB)];
        given(known()).when(&upload(ADA, LETTER, &during)).then_rejected(UploadDocumentRejection::EncounterUnknown);
        given([known(), vec![visit(BOB)]].concat()).when(&upload(ADA, LETTER, &during)).then_rejected(UploadDocumentRejection::EncounterUnknown);
        given([known(), vec![visit(ADA), visit_in_error(ADA)]].concat())
            .when(&upload(ADA, LETTER, &during))
            .then_rejected(UploadDocumentRejection::EncounterUnknown);
        given([known(), vec![visit(ADA)]].concat()).when(&upload(ADA, LETTER, &during)).then([uploaded(ADA, LETTER, &during)]);
        given([known(), vec![visit(ADA)]].concat()).when(&upload(ADA, LETTER, &about)).then_rejected(UploadDocumentRejection::FactUnknown);
        given(known()).when(&upload(ADA, LETTER, &aside)).then([uploaded(ADA, LETTER, &aside)]);
        // After a merge the chart is the person's.
        given([known(), vec![visit(BOB), merged(ADA, BOB)]].concat()).when(&upload(ADA, LETTER, &during)).then([uploaded(ADA, LETTER, &during)]);
    }

    #[test]
    fn a_retry_that_was_sealed_anew_is_the_same_command() {
        let first = upload(ADA, LETTER, &json!({}));
        let again = UploadDocument { address: "e".repeat(64).try_into().unwrap(), ..first.clone() };
        let other = UploadDocument { fingerprint: Phi::Known("f".repeat(64).try_into().unwrap()), ..first.clone() };
        let body = |command: &UploadDocument| crate::phi::split(command).map(|(clear, protected)| (clear, protected.into_known())).unwrap();
        assert!(body(&first) == body(&again));
        assert!(body(&first) != body(&other));
    }

    #[test]
    fn what_no_content_may_hold_is_refused() {
        let mut upload = upload(ADA, LETTER, &json!({}));
        upload.metadata.content = Phi::Known(crate::patients::examples::read(
            json!({ "status": "current", "attachment": { "contentType": "application/pdf", "creation": "9999-12-31T23:59:59-12:00" } }),
        ));
        let field = "DocumentReference.attachment.creation".to_owned();
        let rule = "lie before the year 10000 of UTC";
        given([registered(ADA)]).when(&upload).then_rejected(ContentUnsound::ContentInvalid { field, rule });
    }
}
