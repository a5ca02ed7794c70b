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
use crate::records::events::FactRecorded;
use crate::records::fact::{Content, Fact, Kind};
use crate::records::screening::{Conflict, Screening};
use crate::records::{Encounter, RecordsEvent};
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
}

/// Why a fact was not recorded or amended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum NotRecordable {
    /// The encounter that it names is not in this patient's chart.
    #[error("the patient has no such encounter")]
    EncounterUnknown,
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
        if let Some(encounter) = encounter_of(content) {
            query = query.and(Encounter::TYPES, Tag::fact(encounter));
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

fn encounter_of<F: Fact>(content: &F) -> Option<FactId> {
    content.encounter().and_then(|reference| reference.id_of("Encounter")).map(FactId)
}

/// Whether `content` can be in the chart, and with what screening.
pub(crate) fn admit<F: Fact>(
    content: &Phi<F>,
    fact: FactId,
    chart: &Chart,
    acknowledged: Option<&Phi<Reason>>,
    circumstances: &Circumstances,
) -> Result<Option<Phi<Screening>>, NotRecordable> {
    let Some(content) = content.known() else { return Ok(None) };
    let chart = &chart.clone().without(fact);
    if let Some(encounter) = encounter_of(content) {
        let known = chart.get(encounter).is_some_and(|entry| entry.kind == Encounter::KIND && entry.entered_in_error.is_none());
        if !known {
            return Err(NotRecordable::EncounterUnknown);
        }
    }
    if content.is_contradicted_by(chart) {
        return Err(NotRecordable::Contradicted);
    }
    let acknowledged = acknowledged.and_then(Phi::known);
    let Some(screening) = content.screen(chart, &circumstances.terminology) else {
        return if acknowledged.is_some() && !F::CONFLICTS_ARE_REFUSED { Err(NotRecordable::NothingToAcknowledge) } else { Ok(None) };
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
        let screening = admit(&self.content, self.fact, &model.chart(), self.acknowledged.as_ref(), circumstances)?;
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
