//! What became different in a chart between two moments, change by change, down to the fields of the FHIR resource.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::documents::{Document, DocumentReference, DocumentsEvent};
use crate::event::{Event, Label};
use crate::ids::{DocumentId, FactId, PatientId};
use crate::patients::{LinkedPatients, PatientsEvent};
use crate::phi::Phi;
use crate::records::chart::{Chart, ChartEntry, Provenance};
use crate::records::events::What;
use crate::records::fact::{Content, FactKind, RecordsEvent};
use crate::value::Reason;

/// The change of one fact or document by one event.
#[derive(Clone)]
pub struct ChartChange {
    /// What of the chart has changed.
    pub item: ChartItem,
    /// The record that it was recorded in.
    pub patient: PatientId,
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

/// What a chart is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChartItem {
    /// A clinical fact.
    Fact(FactKind, FactId),
    /// A document.
    Document(DocumentId),
}

/// What can happen to a fact or a document of a chart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happened {
    /// It was recorded or uploaded.
    Recorded,
    /// It says something else.
    Amended,
    /// Another document has taken its place.
    Superseded,
    /// It should not have been there.
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
        if by.position > after && before != records {
            let moved = |about: Standing| moved(about, &before, &records, event, &by);
            found.extend(chart.entries().map(Standing::of_fact).chain(chart.documents().map(Standing::of_document)).filter_map(moved));
        }
        let change = match event {
            Event::Records(event) => fact_change(&mut chart, event, &by),
            Event::Documents(event) => document_change(&mut chart, event, &by),
            _ => None,
        };
        found.extend(change.filter(|change| by.position > after && records.contains(&change.patient)));
    }
    found
}

/// A fact or a document as it stands at some moment.
struct Standing {
    item: ChartItem,
    patient: PatientId,
    title: Option<String>,
    resource: Option<Value>,
    security: Vec<Label>,
}

impl Standing {
    fn of_fact(entry: &ChartEntry) -> Self {
        Self {
            item: ChartItem::Fact(entry.kind, entry.fact),
            patient: entry.patient,
            title: entry.content.known().and_then(Content::title).map(str::to_owned),
            resource: entry.content.known().and_then(|content| serde_json::to_value(content).ok()),
            security: entry.security.clone(),
        }
    }

    fn of_document(document: &Document) -> Self {
        Self {
            item: ChartItem::Document(document.document),
            patient: document.patient,
            title: document.content.known().and_then(DocumentReference::title).map(str::to_owned),
            resource: document.resource().map(Value::Object),
            security: document.security.clone(),
        }
    }

    fn labels(&self) -> Option<Value> {
        let codes: Vec<&str> = self.security.iter().copied().map(Label::code).collect();
        (!codes.is_empty()).then(|| Value::from(codes.join(", ")))
    }

    fn change(self, what: Happened, reason: Option<Phi<Reason>>, by: Provenance, fields: Vec<FieldChange>) -> ChartChange {
        ChartChange { item: self.item, patient: self.patient, title: self.title, what, reason, by, fields }
    }
}

/// What a merge, or its undoing, did to a fact or a document.
fn moved(standing: Standing, before: &BTreeSet<PatientId>, after: &BTreeSet<PatientId>, event: &Event, by: &Provenance) -> Option<ChartChange> {
    let what = match (before.contains(&standing.patient), after.contains(&standing.patient)) {
        (false, true) => Happened::Joined,
        (true, false) => Happened::Left,
        _ => return None,
    };
    let reason = match event {
        Event::Patients(PatientsEvent::PatientsMerged(merge)) => Some(merge.reason.clone()),
        Event::Patients(PatientsEvent::PatientMergeUndone(merge)) => Some(merge.reason.clone()),
        _ => None,
    };
    Some(standing.change(what, reason, by.clone(), Vec::new()))
}

/// Folds an event about a fact; what changed, where it did.
fn fact_change(chart: &mut Chart, event: &RecordsEvent, by: &Provenance) -> Option<ChartChange> {
    let change = event.change();
    let was = chart.get(change.fact).map(Standing::of_fact);
    chart.change(event, Some(by));
    let is = chart.get(change.fact).filter(|is| is.changed.as_ref() == Some(by))?;
    let (what, reason) = match change.what {
        What::Recorded { .. } => (Happened::Recorded, None),
        What::Amended { reason, .. } => (Happened::Amended, Some(reason)),
        What::EnteredInError { reason } => (Happened::EnteredInError, Some(reason)),
    };
    Some(changed(was.as_ref(), Standing::of_fact(is), what, reason, by))
}

/// Folds an event about a document; what changed, where it did.
fn document_change(chart: &mut Chart, event: &DocumentsEvent, by: &Provenance) -> Option<ChartChange> {
    let (_, document) = event.about();
    let was = chart.document(document).map(Standing::of_document);
    chart.document_change(event, Some(by));
    let is = chart.document(document).filter(|is| is.changed.as_ref() == Some(by))?;
    let (what, reason) = match event {
        DocumentsEvent::DocumentUploaded(_) => (Happened::Recorded, None),
        DocumentsEvent::DocumentSuperseded(_) => (Happened::Superseded, None),
        DocumentsEvent::DocumentRemoved(event) => (Happened::EnteredInError, Some(event.reason.clone())),
    };
    Some(changed(was.as_ref(), Standing::of_document(is), what, reason, by))
}

fn changed(was: Option<&Standing>, is: Standing, what: Happened, reason: Option<Phi<Reason>>, by: &Provenance) -> ChartChange {
    let resource_type = match is.item {
        ChartItem::Fact(kind, _) => kind.resource_type(),
        ChartItem::Document(_) => "DocumentReference",
    };
    let mut fields = Vec::new();
    compare(was.and_then(|was| was.resource.as_ref()), is.resource.as_ref(), resource_type, &mut fields);
    compare(was.and_then(Standing::labels).as_ref(), is.labels().as_ref(), &format!("{resource_type}.meta.security"), &mut fields);
    is.change(what, reason, by.clone(), fields)
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
    use crate::documents::examples::{LETTER, SCAN, removed, superseded, uploaded};
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
        let fact = |change: &ChartChange| match change.item {
            ChartItem::Fact(_, fact) => fact,
            ChartItem::Document(document) => FactId(document.0),
        };
        changes.iter().map(|change| (change.by.position, fact(change), change.what)).collect()
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
    fn a_document_is_uploaded_superseded_and_removed_and_goes_with_its_record() {
        let (letter, scan) = (|| uploaded(ADA, LETTER, &json!({})), || uploaded(BOB, SCAN, &json!({})));
        let events = [letter(), scan(), merged(ADA, BOB), superseded(ADA, LETTER, SCAN), removed(ADA, LETTER), merge_undone(ADA, BOB)];
        let all = found(&events, 0);
        let [letter, scan] = [LETTER, SCAN].map(|document| FactId(document.0));
        let expected = [
            (1, letter, Happened::Recorded),
            (3, scan, Happened::Joined),
            (4, letter, Happened::Superseded),
            (5, letter, Happened::EnteredInError),
            (6, scan, Happened::Left),
        ];
        assert_eq!(told(&all), expected);
        assert_eq!((all[2].item, all[2].title.as_deref()), (ChartItem::Document(LETTER), Some("Referral")));
        let status = |before: &str, after: &str| FieldChange {
            path: "DocumentReference.status".to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        };
        assert!(all[2].fields == [status("current", "superseded")] && all[3].fields == [status("superseded", "entered-in-error")]);
        assert_eq!(all[3].reason.as_ref().and_then(Phi::known).map(Reason::as_str), Some("of another Ada"));
        assert!(all[0].fields.iter().any(|field| field.path == "DocumentReference.content[0].attachment.title"));
    }

    #[test]
    fn of_what_was_erased_only_that_it_happened_is_told() {
        let erased = crate::records::FactRecorded::<Condition> { patient: ADA, fact: OTHER, content: Phi::Erased, security: vec![], screening: None };
        let all = found(&[erased.into()], 0);
        assert_eq!(told(&all), [(1, OTHER, Happened::Recorded)]);
        assert!(all[0].title.is_none() && all[0].fields.is_empty());
    }
}
