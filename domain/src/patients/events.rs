//! What happens to a patient's record. Everything but ids is protected.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventData, Subject};
use crate::fhir_values::{HumanName, Identifier};
use crate::ids::{PatientId, UserId};
use crate::patients::{AccessScope, Contact, Correction, DeathTime, Demographics};
use crate::phi::{Phi, PhiOf};
use crate::query::Tag;
use crate::value::Reason;

events! {
    /// The events of this context.
    "patients" PatientsEvent {
        PatientRegistered 1,
        IdentifierAssigned 1,
        DemographicsCorrected 1,
        ContactDetailsChanged 1,
        DeathRecorded 1,
        DeathReversed 1,
        PatientDeactivated 1,
        PatientsMerged 1,
        PatientMergeUndone 1,
        PatientAccessGranted 3,
        PatientAccessRevoked 1,
    }
}

impl PatientsEvent {
    /// The record that it changes; of a merge, the one that is not to be used any more.
    pub fn record(&self) -> PatientId {
        match self {
            Self::PatientRegistered(event) => event.patient,
            Self::IdentifierAssigned(event) => event.patient,
            Self::DemographicsCorrected(event) => event.patient,
            Self::ContactDetailsChanged(event) => event.patient,
            Self::DeathRecorded(event) => event.patient,
            Self::DeathReversed(event) => event.patient,
            Self::PatientDeactivated(event) => event.patient,
            Self::PatientsMerged(event) => event.merged,
            Self::PatientMergeUndone(event) => event.merged,
            Self::PatientAccessGranted(event) => event.patient,
            Self::PatientAccessRevoked(event) => event.patient,
        }
    }
}

/// A person became known as a patient, perhaps without being identified.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientRegistered {
    /// The patient.
    pub patient: PatientId,
    /// Business identifiers; the medical record number is unique in its tenant.
    pub identifiers: Phi<Vec<Identifier>>,
    /// Who they are.
    pub demographics: Phi<Demographics>,
    /// How to reach them.
    pub contact: Phi<Contact>,
    /// Why it was accepted that another record already has one of the identifiers.
    pub known_identifier_accepted: Option<Phi<Reason>>,
}

impl EventData for PatientRegistered {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        let identifiers = self.identifiers.known().into_iter().flatten().map(Tag::identifier);
        [Tag::patient(self.patient)].into_iter().chain(identifiers).collect()
    }
}

/// A further identifier became known.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentifierAssigned {
    /// The patient.
    pub patient: PatientId,
    /// The identifier.
    pub identifier: Phi<Identifier>,
    /// Why it was accepted that another record already has it.
    pub known_identifier_accepted: Option<Phi<Reason>>,
}

impl EventData for IdentifierAssigned {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        [Tag::patient(self.patient)].into_iter().chain(self.identifier.known().map(Tag::identifier)).collect()
    }
}

/// What the record said of the person was wrong or incomplete, and was corrected.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DemographicsCorrected {
    /// The patient.
    pub patient: PatientId,
    /// The corrected fields.
    pub correction: Phi<Correction>,
    /// Why.
    pub reason: Option<Phi<Reason>>,
}

impl EventData for DemographicsCorrected {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.patient)]
    }
}

/// The person can be reached differently from now on.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactDetailsChanged {
    /// The patient.
    pub patient: PatientId,
    /// All contact details, in place of what was there.
    pub contact: Phi<Contact>,
}

impl EventData for ContactDetailsChanged {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.patient)]
    }
}

/// The person died. The chart stays open.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeathRecorded {
    /// The patient.
    pub patient: PatientId,
    /// When, as far as it is known.
    pub deceased: Phi<DeathTime>,
}

impl EventData for DeathRecorded {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.patient)]
    }
    fn occurred(&self) -> Option<DateTime<Utc>> {
        self.deceased.known().and_then(|time| time.earliest())
    }
}

/// The death was recorded wrongly.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeathReversed {
    /// The patient.
    pub patient: PatientId,
    /// How it came about.
    pub reason: Phi<Reason>,
}

impl EventData for DeathReversed {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.patient)]
    }
}

/// The record is not to be used any more.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientDeactivated {
    /// The patient.
    pub patient: PatientId,
    /// Why.
    pub reason: Phi<Reason>,
}

impl EventData for PatientDeactivated {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.patient)]
    }
}

/// Two records turned out to be of one person. Both keep their events; decisions about either see those of both.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientsMerged {
    /// The record that goes on.
    pub survivor: PatientId,
    /// The record that is not to be used any more.
    pub merged: PatientId,
    /// How it was found out.
    pub reason: Phi<Reason>,
}

impl EventData for PatientsMerged {
    fn subject(&self) -> Subject {
        Subject::Patient(self.survivor)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.survivor), Tag::patient(self.merged)]
    }
}

/// The two records were of two persons after all.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientMergeUndone {
    /// The record that had survived.
    pub survivor: PatientId,
    /// The record that is used again.
    pub merged: PatientId,
    /// How it was found out.
    pub reason: Phi<Reason>,
}

impl EventData for PatientMergeUndone {
    fn subject(&self) -> Subject {
        Subject::Patient(self.survivor)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.survivor), Tag::patient(self.merged)]
    }
}

/// Another person may read this patient's record and act for them.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientAccessGranted {
    /// The patient.
    pub patient: PatientId,
    /// Who may.
    pub grantee: UserId,
    /// What they are called, where it was said. It is theirs, not the patient's: their key seals it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grantee_name: Option<PhiOf<HumanName>>,
    /// How far it reaches, in place of what was granted to them before. Versions 1 and 2 did not say: a protected value that was never sealed reads as its default.
    #[serde(default)]
    pub scope: Phi<AccessScope>,
}

impl EventData for PatientAccessGranted {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.patient)]
    }
}

/// That person may no longer.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatientAccessRevoked {
    /// The patient.
    pub patient: PatientId,
    /// Who may not any more.
    pub grantee: UserId,
}

impl EventData for PatientAccessRevoked {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::patient(self.patient)]
    }
}
