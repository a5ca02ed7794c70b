//! Record a clinical fact, of any kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Label, Named, Subject};
use crate::ids::{FactId, PatientId};
use crate::patients::{PatientStanding, PatientUnusable};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::{Query, Tag};
use crate::records::chart::Chart;
use crate::records::element::{ContentUnsound, sound};
use crate::records::events::FactRecorded;
use crate::records::fact::{Content, Fact, Kind};
use crate::records::screening::{Conflict, Screening};
use crate::records::{RecordsEvent, referrals};
use crate::value::{Reason, at_most};

/// Records a clinical fact of a patient. Its content is that of the FHIR R4 resource, without `id`, `subject` and `meta`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "")]
pub struct RecordFact<F: Fact> {
    /// The fact, named by the caller.
    pub fact: FactId,
    /// Whose fact it is.
    pub patient: PatientId,
    /// What it says.
    pub content: Phi<F>,
    /// How sensitive it is, beyond normal (HL7 v3 `ActCode` and `Confidentiality`).
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub security: Vec<Label>,
    /// Why it is recorded although it conflicts, or although that cannot be told; for what is screened only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Phi<Reason>>,
    /// Whether it is imported: what it refers to is as its source has it, and may still be to come. No caller can say so.
    #[serde(skip)]
    pub imported: bool,
}

/// Why a fact was not recorded or amended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum NotRecordable {
    /// The encounter that it names is not in this patient's chart.
    #[error("the patient has no such encounter")]
    EncounterUnknown,
    /// It refers to a fact that is not in this patient's chart.
    #[error("the patient has no fact that it refers to")]
    ReferenceUnknown {
        /// Where it does so, by its FHIR path.
        field: String,
    },
    /// The chart says the opposite: that there is no known allergy, while one is active.
    #[error("the chart says the opposite")]
    Contradicted,
    /// It does not go together with other facts; it can be recorded with `acknowledged`.
    #[error("it conflicts with what is active in the chart")]
    #[serde(rename_all = "camelCase")]
    Conflicts {
        /// With which.
        conflicts: Vec<Conflict>,
    },
    /// Whether it goes together with the active medications and allergies cannot be told; it can be recorded with `acknowledged`.
    #[error("whether it conflicts could not be checked")]
    NotChecked,
    /// Nothing about this fact has to be acknowledged.
    #[error("there is nothing to acknowledge")]
    NothingToAcknowledge,
    /// It holds what no content may.
    #[error(transparent)]
    #[serde(untagged)]
    ContentUnsound(#[from] ContentUnsound),
    /// Nothing can be added to the record.
    #[error(transparent)]
    #[serde(untagged)]
    PatientUnusable(#[from] PatientUnusable),
}

/// Why it was not recorded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RecordFactRejection {
    /// Another fact has the id.
    #[error("a fact of this id exists")]
    FactExists,
    /// It cannot be in this chart.
    #[error(transparent)]
    #[serde(untagged)]
    NotRecordable(#[from] NotRecordable),
}

/// A patient's record, and the part of the chart that a decision about one fact depends on.
pub struct FactModel {
    pub(crate) standing: PatientStanding,
    patient: PatientId,
    chart: Chart,
}

impl FactModel {
    /// The model before any event, and what it must see.
    pub(crate) fn of<F: Fact>(patient: PatientId, fact: FactId, content: &Phi<F>) -> (Self, Query) {
        let standing = PatientStanding::of(patient);
        let mut query = standing.query().and(RecordsEvent::TYPES, Tag::fact(fact));
        let Some(content) = content.known() else { return (Self { standing, patient, chart: Chart::default() }, query) };
        for referral in referrals(F::KIND.resource_type(), content) {
            query = query.and(RecordsEvent::TYPES, Tag::fact(referral.fact));
        }
        if !content.depends_on().is_empty() {
            query = query.and(content.depends_on(), Tag::patient(patient));
        }
        (Self { standing, patient, chart: Chart::default() }, query)
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        self.standing.apply(event);
        self.chart.apply(event, None);
    }

    /// The part of the chart that is this person's, under any record of theirs.
    pub(crate) fn chart(&self) -> Chart {
        self.chart.clone().of(&self.standing.linked.records_of(self.patient))
    }

    /// Whether a fact has this id, of whatever kind and whoever's it is.
    fn has(&self, fact: FactId) -> bool {
        self.chart.get(fact).is_some()
    }
}

/// What is to be in a chart from now on.
pub(crate) struct Statement<'command, F> {
    pub(crate) fact: FactId,
    pub(crate) content: &'command Phi<F>,
    /// What the fact said before.
    pub(crate) before: Option<&'command F>,
    pub(crate) acknowledged: Option<&'command Phi<Reason>>,
    pub(crate) imported: bool,
}

/// Whether it can be, and with what screening.
pub(crate) fn admit<F: Fact>(statement: &Statement<'_, F>, model: &FactModel, circumstances: &Circumstances) -> Result<Option<Phi<Screening>>, NotRecordable> {
    let Some(content) = statement.content.known() else { return Ok(None) };
    sound(F::KIND.resource_type(), content)?;
    let chart = &model.chart().without(statement.fact);
    refers(statement, content, chart)?;
    if content.is_contradicted_by(chart) {
        return Err(NotRecordable::Contradicted);
    }
    let acknowledged = statement.acknowledged.and_then(Phi::known);
    let Some(screening) = content.screen(chart, &circumstances.terminology) else {
        return if acknowledged.is_some() && !F::IS_SCREENED { Err(NotRecordable::NothingToAcknowledge) } else { Ok(None) };
    };
    if F::CONFLICTS_ARE_REFUSED && acknowledged.is_none() {
        if !screening.conflicts.is_empty() {
            return Err(NotRecordable::Conflicts { conflicts: screening.conflicts });
        }
        if !screening.checked {
            return Err(NotRecordable::NotChecked);
        }
    }
    Ok(Some(Phi::Known(Screening { acknowledged: acknowledged.cloned(), ..screening })))
}

/// Whether the chart has all that the content refers to. What it referred to before may have left the chart since; that is no matter.
fn refers<F: Fact>(statement: &Statement<'_, F>, content: &F, chart: &Chart) -> Result<(), NotRecordable> {
    let before = statement.before.map(|before| referrals(F::KIND.resource_type(), before)).unwrap_or_default();
    for referral in referrals(F::KIND.resource_type(), content) {
        let as_its_source = statement.imported && !referral.is_during();
        if referral.holds_in(chart) || as_its_source || before.iter().any(|before| before.names_as(&referral)) {
            continue;
        }
        return Err(if referral.is_during() { NotRecordable::EncounterUnknown } else { NotRecordable::ReferenceUnknown { field: referral.field } });
    }
    Ok(())
}

impl<F: Fact> Decision for RecordFact<F>
where
    FactRecorded<F>: Named + Into<Event>,
{
    type Model = FactModel;
    type Event = FactRecorded<F>;
    type Rejection = RecordFactRejection;

    fn model(&self) -> (FactModel, Query) {
        FactModel::of(self.patient, self.fact, &self.content)
    }

    fn apply(model: &mut FactModel, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &FactModel, circumstances: &Circumstances) -> Result<Vec<FactRecorded<F>>, RecordFactRejection> {
        model.standing.usable().map_err(NotRecordable::from)?;
        if model.has(self.fact) {
            return Err(RecordFactRejection::FactExists);
        }
        let statement = Statement { fact: self.fact, content: &self.content, before: None, acknowledged: self.acknowledged.as_ref(), imported: self.imported };
        let screening = admit(&statement, model, circumstances)?;
        let Self { fact, patient, content, security, .. } = self.clone();
        Ok(vec![FactRecorded { patient, fact, content, security, screening }])
    }
}

impl<F: Fact> Command for RecordFact<F>
where
    FactRecorded<F>: Named + Into<Event>,
{
    const CONTEXT: &'static str = "records";
    const NAME: &'static str = F::RECORD;
    const PERMISSION: Permission = Permission::RecordFacts;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

/// The fact of this kind that a command names, where it is this person's.
pub(crate) fn of_kind<F: Kind>(chart: &Chart, fact: FactId) -> Option<(&crate::records::ChartEntry, Option<&F>)> {
    let entry = chart.get(fact).filter(|entry| entry.kind == F::KIND)?;
    Some((entry, entry.content.known().and_then(|content: &Content| F::of(content))))
}
