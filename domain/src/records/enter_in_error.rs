//! Take back a clinical fact that should not have been recorded, of any kind.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::{FactId, PatientId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::records::events::FactEnteredInError;
use crate::records::fact::Fact;
use crate::records::record::{FactModel, of_kind};
use crate::value::Reason;

/// Marks a fact as entered in error (FHIR `entered-in-error`); it stays readable as such.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct EnterFactInError<F: Fact> {
    /// The fact.
    pub fact: FactId,
    /// Whose chart it is in.
    pub patient: PatientId,
    /// How it came about.
    pub reason: Phi<Reason>,
    #[serde(skip)]
    kind: PhantomData<F>,
}

impl<F: Fact> EnterFactInError<F> {
    /// Of a fact in a patient's chart.
    pub fn new(fact: FactId, patient: PatientId, reason: Phi<Reason>) -> Self {
        Self { fact, patient, reason, kind: PhantomData }
    }
}

/// Why it was not taken back.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum EnterFactInErrorRejection {
    /// This patient has no such fact of this kind. Whether somebody else has is not said.
    #[error("the patient has no such fact")]
    FactUnknown,
    /// Nothing can be changed in the record.
    #[error(transparent)]
    #[serde(untagged)]
    PatientUnusable(#[from] PatientUnusable),
}

impl<F: Fact> Decision for EnterFactInError<F>
where
    FactEnteredInError<F>: Named + Into<Event>,
{
    type Model = FactModel;
    type Event = FactEnteredInError<F>;
    type Rejection = EnterFactInErrorRejection;

    fn model(&self) -> (FactModel, Query) {
        FactModel::of::<F>(self.patient, self.fact, &Phi::Erased)
    }

    fn apply(model: &mut FactModel, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &FactModel, _circumstances: &Circumstances) -> Result<Vec<FactEnteredInError<F>>, EnterFactInErrorRejection> {
        model.standing.usable()?;
        let chart = model.chart();
        let (entry, _) = of_kind::<F>(&chart, self.fact).ok_or(EnterFactInErrorRejection::FactUnknown)?;
        if entry.entered_in_error.is_some() {
            return Ok(vec![]);
        }
        Ok(vec![FactEnteredInError { patient: entry.patient, fact: self.fact, reason: self.reason.clone(), kind: PhantomData }])
    }
}

impl<F: Fact> Command for EnterFactInError<F>
where
    FactEnteredInError<F>: Named + Into<Event>,
{
    const CONTEXT: &'static str = "records";
    const NAME: &'static str = F::ENTER_IN_ERROR;
    const PERMISSION: Permission = Permission::RecordFacts;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}
