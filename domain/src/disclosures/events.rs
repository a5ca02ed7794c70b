//! What happens to disclosures. Everything but ids, kinds of data and the source is protected.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{DataKind, PurposeOfUse};
use crate::disclosures::{Basis, Description, DisclosureSource, DisclosureTime, Recipient};
use crate::event::{EventData, Subject};
use crate::ids::{DisclosureId, PatientId};
use crate::phi::Phi;
use crate::query::Tag;
use crate::value::Reason;

events! {
    /// The events of this context.
    #[expect(clippy::large_enum_variant, reason = "a disclosure says much, and most events are disclosures")]
    "disclosures" DisclosuresEvent {
        DisclosureMade 1,
        DisclosureRetracted 1,
    }
}

/// Something of a patient was disclosed to somebody outside.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisclosureMade {
    /// The disclosure.
    pub disclosure: DisclosureId,
    /// Of whom.
    pub patient: PatientId,
    /// When.
    pub made_at: Phi<DisclosureTime>,
    /// To whom.
    pub recipient: Phi<Recipient>,
    /// What.
    pub what: Phi<Description>,
    /// What kinds of data.
    pub kinds: BTreeSet<DataKind>,
    /// On what ground; whether it is accounted for follows from it.
    pub basis: Phi<Basis>,
    /// What for, as it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Phi<Reason>>,
    /// What for, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose_of_use: Option<Phi<PurposeOfUse>>,
    /// Until then it is kept from the patient (45 CFR 164.528(a)(2)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_until: Option<Phi<DisclosureTime>>,
    /// Who entered it.
    pub source: DisclosureSource,
}

/// It was not made, or not so: the entry was wrong.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisclosureRetracted {
    /// The disclosure.
    pub disclosure: DisclosureId,
    /// In whose record it was.
    pub patient: PatientId,
    /// How it came about.
    pub reason: Phi<Reason>,
}

impl EventData for DisclosureMade {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::disclosure(self.disclosure), Tag::patient(self.patient)]
    }
    fn occurred(&self) -> Option<DateTime<Utc>> {
        self.made_at.known().map(|time| time.get())
    }
}

impl EventData for DisclosureRetracted {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::disclosure(self.disclosure), Tag::patient(self.patient)]
    }
}

impl DisclosuresEvent {
    /// Of whom, and which.
    pub fn about(&self) -> (PatientId, DisclosureId) {
        match self {
            Self::DisclosureMade(event) => (event.patient, event.disclosure),
            Self::DisclosureRetracted(event) => (event.patient, event.disclosure),
        }
    }
}
