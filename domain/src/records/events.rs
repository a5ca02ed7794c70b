//! What happens to clinical facts: the same three events for every kind. What a fact says is protected as a whole.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventData, Label, Named, Subject};
use crate::ids::{FactId, PatientId};
use crate::phi::Phi;
use crate::query::Tag;
use crate::records::fact::{Content, Fact, FactKind};
use crate::records::screening::Screening;
use crate::value::Reason;

/// A fact was recorded.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct FactRecorded<F: Fact> {
    /// Whose fact it is.
    pub patient: PatientId,
    /// The fact.
    pub fact: FactId,
    /// What it says.
    pub content: Phi<F>,
    /// How sensitive it is, beyond normal.
    pub security: Vec<Label>,
    /// What it may not go together with, where that was looked at.
    pub screening: Option<Phi<Screening>>,
}

/// A fact says something else from now on; what it said stays in the log.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct FactAmended<F: Fact> {
    /// Whose fact it is.
    pub patient: PatientId,
    /// The fact.
    pub fact: FactId,
    /// What it says now.
    pub content: Phi<F>,
    /// How sensitive it is, beyond normal.
    pub security: Vec<Label>,
    /// What it may not go together with, where that was looked at.
    pub screening: Option<Phi<Screening>>,
    /// Why.
    pub reason: Phi<Reason>,
}

/// A fact should not have been recorded; it stays readable as such.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct FactEnteredInError<F: Fact> {
    /// Whose chart it was in.
    pub patient: PatientId,
    /// The fact.
    pub fact: FactId,
    /// How it came about.
    pub reason: Phi<Reason>,
    /// Of which kind it was.
    #[serde(skip)]
    pub kind: PhantomData<F>,
}

fn labels(security: &[Label]) -> Vec<Label> {
    std::iter::once(Label::Normal).chain(security.iter().copied()).collect()
}

fn tags(patient: PatientId, fact: FactId) -> Vec<Tag> {
    vec![Tag::fact(fact), Tag::patient(patient)]
}

impl<F: Fact> EventData for FactRecorded<F>
where
    Self: Named,
{
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.patient, self.fact)
    }
    fn labels(&self) -> Vec<Label> {
        labels(&self.security)
    }
    fn occurred(&self) -> Option<DateTime<Utc>> {
        self.content.known().and_then(Fact::occurred)
    }
}

impl<F: Fact> EventData for FactAmended<F>
where
    Self: Named,
{
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.patient, self.fact)
    }
    fn labels(&self) -> Vec<Label> {
        labels(&self.security)
    }
}

impl<F: Fact> EventData for FactEnteredInError<F>
where
    Self: Named,
{
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.patient, self.fact)
    }
}

/// What an event does to a chart, whatever the kind of the fact.
pub struct Change {
    /// The kind of the fact.
    pub kind: FactKind,
    /// Whose it is.
    pub patient: PatientId,
    /// The fact.
    pub fact: FactId,
    /// What happened to it.
    pub what: What,
}

/// What happened to a fact.
pub enum What {
    /// See [`FactRecorded`].
    Recorded {
        /// What it says.
        content: Phi<Content>,
        /// How sensitive it is.
        security: Vec<Label>,
        /// What it may not go together with.
        screening: Option<Phi<Screening>>,
    },
    /// See [`FactAmended`].
    Amended {
        /// What it says now.
        content: Phi<Content>,
        /// How sensitive it is.
        security: Vec<Label>,
        /// What it may not go together with.
        screening: Option<Phi<Screening>>,
        /// Why.
        reason: Phi<Reason>,
    },
    /// See [`FactEnteredInError`].
    EnteredInError {
        /// How it came about.
        reason: Phi<Reason>,
    },
}
