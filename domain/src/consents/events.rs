//! What happens to consents and restrictions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::{Provision, ProvisionType};
use crate::event::{EventData, Subject};
use crate::ids::{ConsentId, DocumentId, PatientId, RestrictionId};
use crate::phi::Phi;
use crate::query::Tag;
use crate::value::Reason;

events! {
    /// The events of this context.
    "consents" ConsentsEvent {
        ConsentGranted 1,
        ConsentRevoked 1,
        RestrictionRequested 1,
        RestrictionAgreed 1,
        RestrictionDeclined 1,
        RestrictionEnded 1,
    }
}

impl ConsentsEvent {
    /// The record that it was said about.
    pub fn patient(&self) -> PatientId {
        match self {
            Self::ConsentGranted(event) => event.patient,
            Self::ConsentRevoked(event) => event.patient,
            Self::RestrictionRequested(event) => event.patient,
            Self::RestrictionAgreed(event) => event.patient,
            Self::RestrictionDeclined(event) => event.patient,
            Self::RestrictionEnded(event) => event.patient,
        }
    }
}

/// The patient, or who acts for them, has permitted or denied something.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentGranted {
    /// Who consents.
    pub patient: PatientId,
    /// The consent.
    pub consent: ConsentId,
    /// Whether what it covers is opened or closed.
    pub decision: ProvisionType,
    /// What it covers.
    pub provision: Phi<Provision>,
    /// The document that they signed.
    pub signed: Option<DocumentId>,
    /// How it was verified, in words.
    pub note: Option<Phi<Reason>>,
}

/// It does not hold any more.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentRevoked {
    /// Who had consented.
    pub patient: PatientId,
    /// The consent.
    pub consent: ConsentId,
    /// Why.
    pub reason: Phi<Reason>,
}

/// A patient asks that something of theirs be not used or disclosed (45 CFR 164.522(a)).
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestrictionRequested {
    /// Who asks.
    pub patient: PatientId,
    /// The restriction.
    pub restriction: RestrictionId,
    /// What is to be closed.
    pub provision: Phi<Provision>,
    /// Why they ask, where they say.
    pub reason: Option<Phi<Reason>>,
    /// Whether it keeps from a health plan what the patient, or somebody for them, has paid for in full: then it must be agreed to (45 CFR 164.522(a)(1)(vi)).
    pub paid_in_full: Phi<bool>,
}

/// It was agreed to, and holds.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestrictionAgreed {
    /// Who asked.
    pub patient: PatientId,
    /// The restriction.
    pub restriction: RestrictionId,
}

/// It was not agreed to.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestrictionDeclined {
    /// Who asked.
    pub patient: PatientId,
    /// The restriction.
    pub restriction: RestrictionId,
    /// Why.
    pub reason: Phi<Reason>,
}

/// It does not hold any more.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestrictionEnded {
    /// Who had asked.
    pub patient: PatientId,
    /// The restriction.
    pub restriction: RestrictionId,
    /// How it came to its end.
    pub by: RestrictionEnd,
    /// Why.
    pub reason: Phi<Reason>,
}

/// How a restriction comes to its end (45 CFR 164.522(a)(2)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestrictionEnd {
    /// The patient wants it, or agrees to it.
    PatientWish,
    /// The patient was told that it is not kept any longer.
    Notice,
}

impl RestrictionEnd {
    /// As it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::PatientWish => "patient-wish",
            Self::Notice => "notice",
        }
    }
}

fn of_consent(patient: PatientId, consent: ConsentId) -> Vec<Tag> {
    vec![Tag::consent(consent), Tag::patient(patient)]
}

fn of_restriction(patient: PatientId, restriction: RestrictionId) -> Vec<Tag> {
    vec![Tag::restriction(restriction), Tag::patient(patient)]
}

impl EventData for ConsentGranted {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        of_consent(self.patient, self.consent)
    }
}

impl EventData for ConsentRevoked {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        of_consent(self.patient, self.consent)
    }
}

impl EventData for RestrictionRequested {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        of_restriction(self.patient, self.restriction)
    }
}

impl EventData for RestrictionAgreed {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        of_restriction(self.patient, self.restriction)
    }
}

impl EventData for RestrictionDeclined {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        of_restriction(self.patient, self.restriction)
    }
}

impl EventData for RestrictionEnded {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        of_restriction(self.patient, self.restriction)
    }
}
