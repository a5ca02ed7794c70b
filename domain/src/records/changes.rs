//! What became different in a chart between two moments, change by change, down to the fields of the FHIR resource.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::event::{Event, Label};
use crate::ids::{FactId, PatientId};
use crate::patients::{LinkedPatients, PatientsEvent};
use crate::phi::Phi;
use crate::records::chart::{Chart, ChartEntry, Provenance};
use crate::records::events::What;
use crate::records::fact::{Content, FactKind};
use crate::value::Reason;

/// One fact's change by one event.
#[derive(Clone)]
pub struct ChartChange {
    /// The fact.
    pub fact: FactId,
    /// The record that the fact was recorded in.
    pub patient: PatientId,
    /// Its kind.
    pub kind: FactKind,
    /// What it is about, as a person reads it.
    pub title: Option<String>,
    /// What happened to it.
    pub what: Happened,
    /// Why, where that was asked for.
    pub reason: Option<Phi<Reason>>,
    /// The event that did it.
    pub by: Provenance,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
}

/// What can happen to a fact of a chart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happened {
    /// It was recorded.
    Recorded,
    /// It says something else.
    Amended,
    /// It should not have been recorded.
    EnteredInError,
    /// It came with a record that was merged.
    Joined,
    /// It went with a record whose merge was undone.
    Left,
}

/// A field that differs, by its FHIR path: `Condition.code.coding[0].display`.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Where.
    pub path: String,
    /// The value before, as text.
    pub before: Option<String>,
    /// The value after, as text.
    pub after: Option<String>,
}

/// Every change of a person's chart after a position. The events are those of all records that were the person's at either moment, from the log's beginning, in order.
pub fn changes<'events>(patient: PatientId, events: impl IntoIterator<Item = (&'events Event, Provenance)>, after: i64) -> Vec<ChartChange> {
    let (mut linked, mut chart, mut found) = (LinkedPatients::default(), Chart::default(), Vec::new());
    let mut records = BTreeSet::from([patient]);
    for (event, by) in events {
        linked.apply(event);
        let before = std::mem::replace(&mut records, linked.records_of(patient));
        if by.position > after {
            found.extend(chart.entries().filter_map(|entry| moved(entry, &before, &records, event, &by)));
        }
        let Event::Records(event) = event else { continue };
        let change = event.change();
        let was = chart.get(change.fact).cloned();
        chart.change(event, Some(&by));
        let Some(is) = chart.get(change.fact).filter(|is| is.changed.as_ref() == Some(&by)) else { continue };
        if by.position > after && records.contains(&is.patient) {
            found.push(changed(was.as_ref(), is, change.what, by));
        }
    }
    found
}

/// What a merge, or its undoing, did to a fact.
fn moved(entry: &ChartEntry, before: &BTreeSet<PatientId>, after: &BTreeSet<PatientId>, event: &Event, by: &Provenance) -> Option<ChartChange> {
    let what = match (before.contains(&entry.patient), after.contains(&entry.patient)) {
        (false, true) => Happened::Joined,
        (true, false) => Happened::Left,
        _ => return None,
    };
    let reason = match event {
        Event::Patients(PatientsEvent::PatientsMerged(merge)) => Some(merge.reason.clone()),
        Event::Patients(PatientsEvent::PatientMergeUndone(merge)) => Some(merge.reason.clone()),
        _ => None,
    };
    Some(ChartChange { what, reason, ..of(entry, what, by.clone()) })
}

fn changed(was: Option<&ChartEntry>, is: &ChartEntry, what: What, by: Provenance) -> ChartChange {
    let (what, reason) = match what {
        What::Recorded { .. } => (Happened::Recorded, None),
        What::Amended { reason, .. } => (Happened::Amended, Some(reason)),
        What::EnteredInError { reason } => (Happened::EnteredInError, Some(reason)),
    };
    ChartChange { reason, fields: fields(was, is), ..of(is, what, by) }
}

fn of(entry: &ChartEntry, what: Happened, by: Provenance) -> ChartChange {
    let title = entry.content.known().and_then(Content::title).map(str::to_owned);
    ChartChange { fact: entry.fact, patient: entry.patient, kind: entry.kind, title, what, reason: None, by, fields: Vec::new() }
}

fn fields(was: Option<&ChartEntry>, is: &ChartEntry) -> Vec<FieldChange> {
    let resource = |entry: &ChartEntry| entry.content.known().and_then(|content| serde_json::to_value(content).ok());
    let mut found = Vec::new();
    compare(was.and_then(resource).as_ref(), resource(is).as_ref(), is.kind.resource_type(), &mut found);
    let security = |entry: &ChartEntry| {
        let codes: Vec<&str> = entry.security.iter().copied().map(Label::code).collect();
        (!codes.is_empty()).then(|| Value::from(codes.join(", ")))
    };
    compare(was.and_then(security).as_ref(), security(is).as_ref(), &format!("{}.meta.security", is.kind.resource_type()), &mut found);
    found
}

/// Goes down both values at once, to the leaves that differ.
fn compare(before: Option<&Value>, after: Option<&Value>, path: &str, found: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    let members = |value: Option<&Value>| -> Vec<String> { value.and_then(Value::as_object).into_iter().flat_map(|members| members.keys().cloned()).collect() };
    let names: BTreeSet<String> = members(before).into_iter().chain(members(after)).collect();
    let items = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
    let places = items(before).max(items(after));
    for name in &names {
        compare(before.and_then(|value| value.get(name)), after.and_then(|value| value.get(name)), &format!("{path}.{name}"), found);
    }
    for place in 0..places {
        compare(before.and_then(|value| value.get(place)), after.and_then(|value| value.get(place)), &format!("{path}[{place}]"), found);
    }
    if names.is_empty() && places == 0 {
        found.push(FieldChange { path: path.to_owned(), before: before.map(text), after: after.map(text) });
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::ids::UserId;
    use crate::patients::examples::{ADA, BOB, merge_undone, merged};
    use crate::records::Condition;
    use crate::records::examples::{ALLERGY, OTHER, allergic, amended, recorded, taken_back};

    fn by(position: i64) -> Provenance {
        let recorded = "2027-01-04T12:00:00Z".parse().unwrap();
        Provenance { position, event: Uuid::from_u128(7), user: UserId(Uuid::from_u128(8)), role: "clinician".to_owned(), recorded }
    }

    fn found(events: &[Event], after: i64) -> Vec<ChartChange> {
        changes(ADA, events.iter().zip((1..).map(by)), after)
    }

    fn told(changes: &[ChartChange]) -> Vec<(i64, FactId, Happened)> {
        changes.iter().map(|change| (change.by.position, change.fact, change.what)).collect()
    }

    fn asthma(text: &str) -> Value {
        json!({ "code": { "coding": [{ "code": "195967001" }], "text": text } })
    }

    #[test]
    fn a_fact_is_recorded_amended_and_taken_back() {
        let events = [
            recorded::<Condition>(ADA, OTHER, asthma("Asthma")),
            amended::<Condition>(ADA, OTHER, asthma("Severe asthma")),
            taken_back::<Condition>(ADA, OTHER),
        ];
        let all = found(&events, 0);
        assert_eq!(told(&all), [(1, OTHER, Happened::Recorded), (2, OTHER, Happened::Amended), (3, OTHER, Happened::EnteredInError)]);
        let paths = |change: &ChartChange| change.fields.iter().map(|field| field.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&all[0]), ["Condition.code.coding[0].code", "Condition.code.text"]);
        let field = FieldChange { path: "Condition.code.text".to_owned(), before: Some("Asthma".to_owned()), after: Some("Severe asthma".to_owned()) };
        assert!(all[1].fields == [field], "only what differs");
        assert!(all[2].fields.is_empty());
        let reasons: Vec<_> = all.iter().map(|change| change.reason.as_ref().and_then(Phi::known).map(Reason::as_str)).collect();
        assert_eq!(reasons, [None, Some("It was so"), Some("Wrong chart")]);
        assert_eq!(told(&found(&events, 2)), [(3, OTHER, Happened::EnteredInError)]);
        assert!(found(&events, 3).is_empty());
    }

    #[test]
    fn facts_come_and_go_with_a_merged_record() {
        let events = [recorded::<Condition>(ADA, OTHER, asthma("Asthma")), allergic(BOB), merged(ADA, BOB), merge_undone(ADA, BOB)];
        assert_eq!(told(&found(&events, 1)), [(3, ALLERGY, Happened::Joined), (4, ALLERGY, Happened::Left)]);
        assert_eq!(told(&found(&events, 3)), [(4, ALLERGY, Happened::Left)]);
    }

    #[test]
    fn of_what_was_erased_only_that_it_happened_is_told() {
        let erased = crate::records::FactRecorded::<Condition> { patient: ADA, fact: OTHER, content: Phi::Erased, security: vec![], screening: None };
        let all = found(&[erased.into()], 0);
        assert_eq!(told(&all), [(1, OTHER, Happened::Recorded)]);
        assert!(all[0].title.is_none() && all[0].fields.is_empty());
    }
}
