//! Revoke a consent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::{ConsentGranted, ConsentRevoked, ConsentsEvent, ProvisionType, Recipient};
use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::{ConsentId, PatientId};
use crate::patients::{PatientStanding, PatientUnusable};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::{Query, Tag};
use crate::value::Reason;

/// Says that a consent does not hold any more, also one of a record that is deactivated. What was done under it before stays done (45 CFR 164.508(b)(5)).
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeConsent {
    /// The consent.
    pub consent: ConsentId,
    /// Whose it is.
    pub patient: PatientId,
    /// Why.
    pub reason: Phi<Reason>,
}

/// Why it was not revoked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RevokeConsentRejection {
    /// This patient has no such consent. Whether somebody else has is not said.
    #[error("the patient has no such consent")]
    ConsentUnknown,
    /// Whoever records that something is not closed to themselves any more would open it to themselves.
    #[error("what closes something to you is revoked by another person")]
    RecipientRevokes,
    /// It was revoked before.
    #[error("the consent was revoked before")]
    ConsentRevoked,
    /// Nothing can be changed in the record.
    #[error(transparent)]
    #[serde(untagged)]
    PatientUnusable(#[from] PatientUnusable),
}

/// The patient's record, and the consent.
pub struct RevokeConsentModel {
    standing: PatientStanding,
    granted: Option<ConsentGranted>,
    revoked: bool,
}

impl Decision for RevokeConsent {
    type Model = RevokeConsentModel;
    type Event = ConsentRevoked;
    type Rejection = RevokeConsentRejection;

    fn model(&self) -> (RevokeConsentModel, Query) {
        let standing = PatientStanding::of(self.patient);
        let query = standing.query().and(&[ConsentGranted::TYPE, ConsentRevoked::TYPE], Tag::consent(self.consent));
        (RevokeConsentModel { standing, granted: None, revoked: false }, query)
    }

    fn apply(model: &mut RevokeConsentModel, event: &Event) {
        model.standing.apply(event);
        match event {
            Event::Consents(ConsentsEvent::ConsentGranted(event)) => model.granted = Some(event.clone()),
            Event::Consents(ConsentsEvent::ConsentRevoked(_)) => model.revoked = true,
            _ => {}
        }
    }

    fn decide(&self, model: &RevokeConsentModel, circumstances: &Circumstances) -> Result<Vec<ConsentRevoked>, RevokeConsentRejection> {
        model.standing.withdrawable()?;
        let own = model.granted.as_ref().filter(|granted| model.standing.linked.same_person(granted.patient, self.patient));
        let granted = own.ok_or(RevokeConsentRejection::ConsentUnknown)?;
        let patient = granted.patient;
        let of_the_caller = granted.provision.known().is_some_and(|provision| provision.recipient == Recipient::User(circumstances.actor));
        if of_the_caller && granted.decision == ProvisionType::Deny {
            return Err(RevokeConsentRejection::RecipientRevokes);
        }
        if model.revoked {
            return Err(RevokeConsentRejection::ConsentRevoked);
        }
        Ok(vec![ConsentRevoked { patient, consent: self.consent, reason: self.reason.clone() }])
    }
}

impl Command for RevokeConsent {
    const CONTEXT: &'static str = "consents";
    const NAME: &'static str = "revoke-consent";
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
    use crate::patients::examples::{ADA, BOB, deactivated, merged, read, registered};
    use crate::testing::{arriving, given};

    fn revoke() -> RevokeConsent {
        arriving(&json!({ "consent": SHARING, "patient": ADA, "reason": "changed their mind" }))
    }

    #[test]
    fn a_consent_is_revoked_once() {
        let granted = vec![registered(ADA), consent_granted(ADA, SHARING)];
        given(granted.clone()).when(&revoke()).then([consent_revoked(ADA, SHARING)]);
        given([granted, vec![consent_revoked(ADA, SHARING)]].concat()).when(&revoke()).then_rejected(RevokeConsentRejection::ConsentRevoked);
    }

    #[test]
    fn nobody_takes_back_what_closes_something_to_themselves() {
        let recipient = json!({ "recipient": { "user": crate::patients::examples::RELATIVE } });
        let provision = Phi::Known(read(recipient));
        let denied = ConsentGranted { patient: ADA, consent: SHARING, decision: ProvisionType::Deny, provision, signed: None, note: None };
        let known = || vec![registered(ADA), denied.clone().into()];
        let at = "2027-01-01T00:00:00Z";
        given(known()).when_by_at(crate::patients::examples::RELATIVE, at, &revoke()).then_rejected(RevokeConsentRejection::RecipientRevokes);
        given(known()).when(&revoke()).then([consent_revoked(ADA, SHARING)]);
    }

    #[test]
    fn it_must_be_this_persons_under_any_record_of_theirs() {
        given([registered(ADA), consent_granted(ADA, RESEARCH)]).when(&revoke()).then_rejected(RevokeConsentRejection::ConsentUnknown);
        let bobs = || vec![registered(ADA), registered(BOB), consent_granted(BOB, SHARING)];
        given(bobs()).when(&revoke()).then_rejected(RevokeConsentRejection::ConsentUnknown);
        given([bobs(), vec![merged(ADA, BOB)]].concat()).when(&revoke()).then([consent_revoked(BOB, SHARING)]);
    }

    #[test]
    fn also_where_the_record_is_deactivated_but_not_where_it_is_merged() {
        let granted = || vec![registered(ADA), registered(BOB), consent_granted(ADA, SHARING)];
        given([granted(), vec![deactivated(ADA)]].concat()).when(&revoke()).then([consent_revoked(ADA, SHARING)]);
        given([granted(), vec![merged(BOB, ADA)]].concat()).when(&revoke()).then_rejected(PatientUnusable::PatientMerged { survivor: BOB });
        given([]).when(&revoke()).then_rejected(PatientUnusable::PatientUnknown);
    }
}
