//! Whether an allergy and a medication, or two medications, may not go together: by ingredient where the terminology knows it, otherwise not told.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventType, Named};
use crate::ids::FactId;
use crate::records::chart::{Chart, ChartEntry};
use crate::records::elements::CodeableConcept;
use crate::records::fact::{
    AllergyIntoleranceAmended, AllergyIntoleranceEnteredInError, AllergyIntoleranceRecorded, FactKind, Kind, MedicationRequestAmended,
    MedicationRequestEnteredInError, MedicationRequestRecorded,
};
use crate::records::{AllergyIntolerance, MedicationRequest};
use crate::terminology::Terminology;
use crate::value::Reason;

/// What came of looking.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Screening {
    /// Whether all could be told.
    pub checked: bool,
    /// What it does not go together with.
    pub conflicts: Vec<Conflict>,
    /// Why it was recorded all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Reason>,
}

/// A fact that another does not go together with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// What sort.
    pub kind: ConflictKind,
    /// The other fact.
    pub with: FactId,
}

/// How two facts do not go together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictKind {
    /// An active allergy against the medication.
    Allergy,
    /// The same medication is active already.
    DuplicateMedication,
    /// A medication that the allergy is against is active.
    ActiveMedication,
}

/// What both kinds of screening must have seen.
pub(crate) const SCREENED: &[EventType] = &[
    AllergyIntoleranceRecorded::TYPE,
    AllergyIntoleranceAmended::TYPE,
    AllergyIntoleranceEnteredInError::TYPE,
    MedicationRequestRecorded::TYPE,
    MedicationRequestAmended::TYPE,
    MedicationRequestEnteredInError::TYPE,
];

/// Collects what was found.
struct Findings<'terminology> {
    terminology: &'terminology Terminology,
    screening: Screening,
}

impl<'terminology> Findings<'terminology> {
    fn of(terminology: &'terminology Terminology) -> Self {
        Self { terminology, screening: Screening { checked: true, conflicts: Vec::new(), acknowledged: None } }
    }

    /// Looks at one pair. Only where it is `likely` to matter is it missed when it cannot be told.
    fn compare(&mut self, medication: &CodeableConcept, other: Option<&CodeableConcept>, likely: bool, conflict: Conflict) {
        match other.and_then(|other| told(self.terminology, medication, other)) {
            Some(true) => self.screening.conflicts.push(conflict),
            None if likely => self.screening.checked = false,
            Some(false) | None => {}
        }
    }

    /// Compares a medication with the active allergies, and with those active medications that are to be looked at.
    fn prescribe(&mut self, medication: &MedicationRequest, chart: &Chart, is_to_be_looked_at: impl Fn(FactId) -> bool) {
        let wanted = &medication.medication_codeable_concept;
        for (with, allergy) in active_allergies(chart) {
            self.compare(wanted, allergy.code.as_ref(), allergy.may_be_of_medication(), Conflict { kind: ConflictKind::Allergy, with });
        }
        for (with, other) in active_medications(chart).filter(|(other, _)| is_to_be_looked_at(*other)) {
            self.compare(wanted, Some(&other.medication_codeable_concept), true, Conflict { kind: ConflictKind::DuplicateMedication, with });
        }
    }

    /// Notes facts that cannot be looked at any more: what they said was erased.
    fn miss(&mut self, chart: &Chart, kinds: &[FactKind]) {
        let erased = chart.in_force().any(|entry| kinds.contains(&entry.kind) && entry.content.known().is_none());
        self.screening.checked &= !erased;
    }
}

/// Whether two substances share an ingredient; `None` where that cannot be told.
fn told(terminology: &Terminology, one: &CodeableConcept, other: &CodeableConcept) -> Option<bool> {
    if one.codes().any(|code| other.codes().any(|same| same == code)) {
        return Some(true);
    }
    let (one, other) = (ingredients(terminology, one)?, ingredients(terminology, other)?);
    Some(!one.is_disjoint(&other))
}

fn ingredients<'terminology>(terminology: &'terminology Terminology, concept: &CodeableConcept) -> Option<BTreeSet<&'terminology str>> {
    let known: Vec<_> = concept.codes().filter_map(|(system, code)| terminology.ingredients(system, code)).collect();
    if known.is_empty() { None } else { Some(known.into_iter().flatten().map(String::as_str).collect()) }
}

fn active_medications(chart: &Chart) -> impl Iterator<Item = (FactId, &MedicationRequest)> {
    chart.in_force().filter_map(of_kind::<MedicationRequest>).filter(|(_, medication)| medication.is_active())
}

/// The allergies that hold at present.
pub(crate) fn active_allergies(chart: &Chart) -> impl Iterator<Item = (FactId, &AllergyIntolerance)> {
    chart.in_force().filter_map(of_kind::<AllergyIntolerance>).filter(|(_, allergy)| allergy.is_active() && !allergy.is_absence())
}

fn of_kind<K: Kind>(entry: &ChartEntry) -> Option<(FactId, &K)> {
    Some((entry.fact, K::of(entry.content.known()?)?))
}

/// What a medication request does not go together with.
pub(crate) fn screen_medication(medication: &MedicationRequest, chart: &Chart, terminology: &Terminology) -> Option<Screening> {
    if !medication.is_active() {
        return None;
    }
    let mut findings = Findings::of(terminology);
    findings.miss(chart, &[FactKind::AllergyIntolerance, FactKind::MedicationRequest]);
    findings.prescribe(medication, chart, |_| true);
    Some(findings.screening)
}

/// Which facts of a chart do not go together as it stands, whatever was told when they were recorded: a merge may have brought them together since.
#[derive(Clone, PartialEq)]
pub struct ChartScreening {
    /// Whether all could be told.
    pub checked: bool,
    /// Each medication with what it does not go together with; of two that are the same, the one with the lesser id.
    pub conflicts: Vec<(FactId, Conflict)>,
}

/// Screens every active medication of a chart.
pub(crate) fn screen_chart(chart: &Chart, terminology: &Terminology) -> ChartScreening {
    let mut found = ChartScreening { checked: true, conflicts: Vec::new() };
    for (fact, medication) in active_medications(chart) {
        let mut findings = Findings::of(terminology);
        findings.miss(chart, &[FactKind::AllergyIntolerance, FactKind::MedicationRequest]);
        findings.prescribe(medication, chart, |other| other > fact);
        found.checked &= findings.screening.checked;
        found.conflicts.extend(findings.screening.conflicts.into_iter().map(|conflict| (fact, conflict)));
    }
    found
}

/// What an allergy does not go together with.
pub(crate) fn screen_allergy(allergy: &AllergyIntolerance, chart: &Chart, terminology: &Terminology) -> Option<Screening> {
    if !allergy.is_active() || allergy.is_absence() {
        return None;
    }
    let mut findings = Findings::of(terminology);
    let likely = allergy.may_be_of_medication();
    if likely {
        findings.miss(chart, &[FactKind::MedicationRequest]);
    }
    for (with, medication) in active_medications(chart) {
        let conflict = Conflict { kind: ConflictKind::ActiveMedication, with };
        findings.compare(&medication.medication_codeable_concept, allergy.code.as_ref(), likely, conflict);
    }
    Some(findings.screening)
}
