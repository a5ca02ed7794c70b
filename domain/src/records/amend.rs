//! Amend a clinical fact, of any kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Label, Named, Subject};
use crate::ids::{FactId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::records::events::FactAmended;
use crate::records::fact::{Fact, NotAmendable};
use crate::records::record::{FactModel, NotRecordable, Statement, admit, of_kind};
use crate::records::screening::Screening;
use crate::value::{Reason, at_most};

/// Replaces what a fact says; what it said stays in the log.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct AmendFact<F: Fact> {
    /// The fact.
    pub fact: FactId,
    /// Whose fact it is.
    pub patient: PatientId,
    /// What it says from now on, whole.
    pub content: Phi<F>,
    /// How sensitive it is from now on, beyond normal; as before, where left out. An empty list takes every label away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub security: Option<Vec<Label>>,
    /// Why.
    pub reason: Phi<Reason>,
    /// Why it is amended although it conflicts, or although that cannot be told; for what is screened only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Phi<Reason>>,
}

/// Why it was not amended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AmendFactRejection {
    /// This patient has no such fact of this kind. Whether somebody else has is not said.
    #[error("the patient has no such fact")]
    FactUnknown,
    /// It was entered in error.
    #[error("the fact was entered in error")]
    FactEnteredInError,
    /// It does not become that.
    #[error(transparent)]
    #[serde(untagged)]
    NotAmendable(#[from] NotAmendable),
    /// It cannot be in this chart.
    #[error(transparent)]
    #[serde(untagged)]
    NotRecordable(#[from] NotRecordable),
}

impl<F: Fact> Decision for AmendFact<F>
where
    FactAmended<F>: Named + Into<Event>,
{
    type Model = FactModel;
    type Event = FactAmended<F>;
    type Rejection = AmendFactRejection;

    fn model(&self) -> (FactModel, Query) {
        FactModel::of(self.patient, self.fact, &self.content)
    }

    fn apply(model: &mut FactModel, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &FactModel, circumstances: &Circumstances) -> Result<Vec<FactAmended<F>>, AmendFactRejection> {
        model.standing.usable().map_err(NotRecordable::from)?;
        let chart = model.chart();
        let (entry, before) = of_kind::<F>(&chart, self.fact).ok_or(AmendFactRejection::FactUnknown)?;
        if entry.entered_in_error.is_some() {
            return Err(AmendFactRejection::FactEnteredInError);
        }
        // A sensitive label stays: whoever takes it off enters the fact in error and records another.
        let kept = entry.security.iter().copied().filter(|label| label.is_sensitive());
        let security: Vec<Label> = match &self.security {
            Some(given) => given.iter().copied().chain(kept.filter(|label| !given.contains(label))).collect(),
            None => entry.security.clone(),
        };
        let is_as_before = before == self.content.known() && entry.security == security;
        if is_as_before && self.acknowledged.is_none() {
            return Ok(vec![]);
        }
        if let (Some(before), Some(next)) = (before, self.content.known()) {
            before.amendable_to(next)?;
        }
        let statement = Statement { fact: self.fact, content: &self.content, before, acknowledged: self.acknowledged.as_ref(), imported: false };
        let screening = admit(&statement, model, circumstances)?;
        if is_as_before && acknowledged(screening.as_ref()) == acknowledged(entry.screening.as_ref()) {
            return Ok(vec![]);
        }
        let Self { fact, content, reason, .. } = self.clone();
        // Of the record that it was recorded in, which after a merge may be another than the one that is named.
        Ok(vec![FactAmended { patient: entry.patient, fact, content, security, screening, reason }])
    }
}

fn acknowledged(screening: Option<&Phi<Screening>>) -> Option<&Reason> {
    screening?.known()?.acknowledged.as_ref()
}

impl<F: Fact> Command for AmendFact<F>
where
    FactAmended<F>: Named + Into<Event>,
{
    const CONTEXT: &'static str = "records";
    const NAME: &'static str = F::AMEND;
    const PERMISSION: Permission = Permission::RecordFacts;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}
