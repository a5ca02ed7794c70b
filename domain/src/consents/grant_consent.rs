//! Grant a consent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::{ConsentGranted, ConsentsEvent, Provision, ProvisionType, Recipient};
use crate::decision::{Circumstances, Command, Decision};
use crate::documents::{DocumentStanding, DocumentUnusable};
use crate::event::{Event, Named, Subject};
use crate::ids::{ConsentId, DocumentId, PatientId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::{Query, Tag};
use crate::value::Reason;

/// Records that a patient permits or denies something beyond what holds for everyone (FHIR `Consent`).
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantConsent {
    /// The consent, named by the caller.
    pub consent: ConsentId,
    /// Who consents.
    pub patient: PatientId,
    /// Whether what it covers is opened or closed.
    pub decision: ProvisionType,
    /// What it covers.
    pub provision: Phi<Provision>,
    /// The document that they signed, which is in their record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<DocumentId>,
    /// How it was verified, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Phi<Reason>>,
}

/// Why it was not granted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum GrantConsentRejection {
    /// Another consent has the id.
    #[error("a consent of this id exists")]
    ConsentExists,
    /// Whoever records that something is opened to themselves would open it to themselves.
    #[error("what is opened to you is recorded by another person")]
    RecipientRecords,
    /// What they are said to have signed is not in their record.
    #[error(transparent)]
    #[serde(untagged)]
    DocumentUnusable(#[from] DocumentUnusable),
    /// Nothing can be added to the record.
    #[error(transparent)]
    #[serde(untagged)]
    PatientUnusable(#[from] PatientUnusable),
}

/// The patient's record with the document that they signed, and whether the id is taken.
pub struct GrantConsentModel {
    documents: DocumentStanding,
    exists: bool,
}

impl Decision for GrantConsent {
    type Model = GrantConsentModel;
    type Event = ConsentGranted;
    type Rejection = GrantConsentRejection;

    fn model(&self) -> (GrantConsentModel, Query) {
        let (documents, query) = DocumentStanding::of(self.patient, self.signed.as_slice(), []);
        let query = query.and(&[ConsentGranted::TYPE], Tag::consent(self.consent));
        (GrantConsentModel { documents, exists: false }, query)
    }

    fn apply(model: &mut GrantConsentModel, event: &Event) {
        model.documents.apply(event);
        // The query names one consent, so that any is this one.
        model.exists |= matches!(event, Event::Consents(ConsentsEvent::ConsentGranted(_)));
    }

    fn decide(&self, model: &GrantConsentModel, circumstances: &Circumstances) -> Result<Vec<ConsentGranted>, GrantConsentRejection> {
        model.documents.patient.usable()?;
        if model.exists {
            return Err(GrantConsentRejection::ConsentExists);
        }
        let to_the_caller = self.provision.known().is_some_and(|provision| provision.recipient == Recipient::User(circumstances.actor));
        if to_the_caller && self.decision == ProvisionType::Permit {
            return Err(GrantConsentRejection::RecipientRecords);
        }
        if let Some(document) = self.signed {
            model.documents.usable(document)?;
        }
        let Self { consent, patient, decision, provision, signed, note } = self.clone();
        Ok(vec![ConsentGranted { patient, consent, decision, provision, signed, note }])
    }
}

impl Command for GrantConsent {
    const CONTEXT: &'static str = "consents";
    const NAME: &'static str = "grant-consent";
    const PERMISSION: Permission = Permission::ManageConsents;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::consents::examples::*;
    use crate::documents::examples::{LETTER, removed, uploaded};
    use crate::patients::examples::{ADA, BOB, RELATIVE, deactivated, merged, registered};
    use crate::testing::{arriving, given};

    fn grant() -> GrantConsent {
        arriving(&json!({ "consent": SHARING, "patient": ADA, "decision": "permit", "provision": provision() }))
    }

    #[test]
    fn a_patient_consents() {
        given([registered(ADA)]).when(&grant()).then([consent_granted(ADA, SHARING)]);
        let signed = GrantConsent { signed: Some(LETTER), ..grant() };
        let events = given([registered(ADA), uploaded(ADA, LETTER, &json!({}))]).when(&signed).accepted();
        assert!(matches!(&events[..], [Event::Consents(ConsentsEvent::ConsentGranted(event))] if event.signed == Some(LETTER)));
    }

    #[test]
    fn an_id_names_one_consent_whoever_it_is_of_also_once_it_is_revoked() {
        for patient in [ADA, BOB] {
            let granted = vec![registered(ADA), registered(BOB), consent_granted(patient, SHARING)];
            given(granted.clone()).when(&grant()).then_rejected(GrantConsentRejection::ConsentExists);
            given([granted, vec![consent_revoked(patient, SHARING)]].concat()).when(&grant()).then_rejected(GrantConsentRejection::ConsentExists);
        }
        given([registered(ADA), consent_granted(ADA, RESEARCH)]).when(&grant()).then([consent_granted(ADA, SHARING)]);
    }

    #[test]
    fn nobody_opens_anything_to_themselves() {
        let to = json!({ "consent": SHARING, "patient": ADA, "decision": "permit", "provision": { "recipient": { "user": RELATIVE } } });
        let to: GrantConsent = arriving(&to);
        let at = "2027-01-01T00:00:00Z";
        given([registered(ADA)]).when_by_at(RELATIVE, at, &to).then_rejected(GrantConsentRejection::RecipientRecords);
        given([registered(ADA)]).when_by_at(RELATIVE, at, &GrantConsent { decision: ProvisionType::Deny, ..to.clone() }).accepted();
        given([registered(ADA)]).when(&to).accepted();
    }

    #[test]
    fn what_they_signed_is_in_their_record() {
        let signed = GrantConsent { signed: Some(LETTER), ..grant() };
        let known = || vec![registered(ADA), registered(BOB)];
        given(known()).when(&signed).then_rejected(DocumentUnusable::DocumentUnknown);
        let bobs = [known(), vec![uploaded(BOB, LETTER, &json!({}))]].concat();
        given(bobs.clone()).when(&signed).then_rejected(DocumentUnusable::DocumentUnknown);
        given([bobs, vec![merged(ADA, BOB)]].concat()).when(&signed).accepted();
        let gone = vec![uploaded(ADA, LETTER, &json!({})), removed(ADA, LETTER)];
        given([known(), gone].concat()).when(&signed).then_rejected(DocumentUnusable::DocumentRemoved);
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&grant()).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&grant()).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&grant()).then_rejected(survivor);
    }
}
