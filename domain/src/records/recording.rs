//! Recording, amending and taking back, whatever the kind.

use serde_json::json;

use crate::event::Label;
use crate::patients::PatientUnusable;
use crate::patients::examples::{ADA, BOB, deactivated, died, merge_undone, merged, reason, registered};
use crate::phi::Phi;
use crate::records::examples::{OTHER, VISIT, amend, amended, during_visit, encounter, enter_in_error, fact, record, recorded, taken_back};
use crate::records::{
    AmendFactRejection, Condition, Encounter, EnterFactInErrorRejection, FactAmended, FactRecorded, NotAmendable, NotRecordable, Observation, Procedure,
    RecordFactRejection,
};
use crate::testing::given;

fn asthma() -> serde_json::Value {
    json!({ "code": { "text": "Asthma" } })
}

fn severe_asthma() -> serde_json::Value {
    json!({ "code": { "text": "Asthma" }, "severity": { "text": "Severe" } })
}

#[test]
fn a_fact_is_recorded_with_its_labels() {
    let mut command = record::<Condition>(ADA, OTHER, asthma());
    command.security = vec![Label::Psychiatry];
    let expected = FactRecorded { patient: ADA, fact: OTHER, content: command.content.clone(), security: vec![Label::Psychiatry], screening: None };
    given([registered(ADA)]).when(&command).then([expected.into()]);
}

#[test]
fn an_id_names_one_fact_whoever_has_it_and_whatever_its_kind() {
    let known = || [registered(ADA), registered(BOB), recorded::<Condition>(ADA, OTHER, asthma())];
    given(known()).when(&record::<Condition>(ADA, OTHER, severe_asthma())).then_rejected(RecordFactRejection::FactExists);
    given(known()).when(&record::<Condition>(BOB, OTHER, asthma())).then_rejected(RecordFactRejection::FactExists);
    given(known()).when(&record::<Procedure>(ADA, OTHER, json!({ "status": "completed" }))).then_rejected(RecordFactRejection::FactExists);
    given(known()).when(&amend::<Procedure>(ADA, OTHER, json!({ "status": "completed" }))).then_rejected(AmendFactRejection::FactUnknown);
    given(known()).when(&amend::<Condition>(BOB, OTHER, severe_asthma())).then_rejected(AmendFactRejection::FactUnknown);
    given(known()).when(&enter_in_error::<Condition>(BOB, OTHER)).then_rejected(EnterFactInErrorRejection::FactUnknown);
}

#[test]
fn an_encounter_must_be_in_the_chart() {
    let command = record::<Condition>(ADA, OTHER, during_visit());
    let visit = |patient| recorded::<Encounter>(patient, VISIT, encounter("in-progress"));
    given([registered(ADA), visit(ADA)]).when(&command).then([recorded::<Condition>(ADA, OTHER, during_visit())]);
    given([registered(ADA)]).when(&command).then_rejected(NotRecordable::EncounterUnknown);
    given([registered(ADA), registered(BOB), visit(BOB)]).when(&command).then_rejected(NotRecordable::EncounterUnknown);
    given([registered(ADA), recorded::<Condition>(ADA, VISIT, asthma())]).when(&command).then_rejected(NotRecordable::EncounterUnknown);
    given([registered(ADA), visit(ADA), taken_back::<Encounter>(ADA, VISIT)]).when(&command).then_rejected(NotRecordable::EncounterUnknown);
    given([registered(ADA), registered(BOB), visit(BOB), merged(ADA, BOB)]).when(&command).then([recorded::<Condition>(ADA, OTHER, during_visit())]);
}

#[test]
fn an_amendment_replaces_what_is_said_and_the_same_again_changes_nothing() {
    let known = || [registered(ADA), recorded::<Condition>(ADA, OTHER, asthma())];
    given(known()).when(&amend::<Condition>(ADA, OTHER, severe_asthma())).then([amended::<Condition>(ADA, OTHER, severe_asthma())]);
    given(known()).when(&amend::<Condition>(ADA, OTHER, asthma())).then([]);
    let mut labelled = amend::<Condition>(ADA, OTHER, asthma());
    labelled.security = Some(vec![Label::Restricted]);
    assert_eq!(given(known()).when(&labelled).accepted().len(), 1, "another label is a change");
    given(known()).when(&amend::<Condition>(ADA, fact(999), asthma())).then_rejected(AmendFactRejection::FactUnknown);
}

#[test]
fn an_encounter_goes_forward_only() {
    const ORDER: [&str; 8] = ["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "unknown"];
    let follows = |from: &str, to: &str| match from {
        "planned" => !["onleave"].contains(&to),
        "arrived" => !["planned", "onleave"].contains(&to),
        "triaged" => !["planned", "arrived", "onleave"].contains(&to),
        "in-progress" | "onleave" => ["in-progress", "onleave", "finished", "unknown"].contains(&to),
        "finished" | "cancelled" => from == to,
        _ => true,
    };
    for from in ORDER {
        for to in ORDER {
            let known = [registered(ADA), recorded::<Encounter>(ADA, VISIT, encounter(from))];
            let decided = given(known).when(&amend::<Encounter>(ADA, VISIT, encounter(to)));
            if !follows(from, to) {
                decided.then_rejected(NotAmendable::StatusNotNext { from, to });
            } else if from == to {
                decided.then([]);
            } else {
                decided.then([amended::<Encounter>(ADA, VISIT, encounter(to))]);
            }
        }
    }
}

#[test]
fn a_fact_entered_in_error_stays_so() {
    let known = || [registered(ADA), recorded::<Condition>(ADA, OTHER, asthma())];
    given(known()).when(&enter_in_error::<Condition>(ADA, OTHER)).then([taken_back::<Condition>(ADA, OTHER)]);
    let gone = || known().into_iter().chain([taken_back::<Condition>(ADA, OTHER)]);
    given(gone()).when(&enter_in_error::<Condition>(ADA, OTHER)).then([]);
    given(gone()).when(&amend::<Condition>(ADA, OTHER, severe_asthma())).then_rejected(AmendFactRejection::FactEnteredInError);
    given(gone()).when(&record::<Condition>(ADA, OTHER, asthma())).then_rejected(RecordFactRejection::FactExists);
}

#[test]
fn only_a_record_in_use_takes_facts_and_a_death_closes_none() {
    let command = record::<Condition>(ADA, OTHER, asthma());
    given([]).when(&command).then_rejected(PatientUnusable::PatientUnknown);
    given([registered(ADA), deactivated(ADA)]).when(&command).then_rejected(PatientUnusable::PatientInactive);
    given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&command).then_rejected(PatientUnusable::PatientMerged { survivor: BOB });
    let known = || [registered(ADA), recorded::<Condition>(ADA, OTHER, asthma()), deactivated(ADA)];
    given(known()).when(&amend::<Condition>(ADA, OTHER, severe_asthma())).then_rejected(PatientUnusable::PatientInactive);
    given(known()).when(&enter_in_error::<Condition>(ADA, OTHER)).then_rejected(PatientUnusable::PatientInactive);
    given([registered(ADA), died(ADA, "2026-12-31")]).when(&command).then([recorded::<Condition>(ADA, OTHER, asthma())]);
}

#[test]
fn a_merged_records_fact_is_amended_where_it_was_recorded() {
    let joined = || [registered(ADA), registered(BOB), recorded::<Condition>(BOB, OTHER, asthma()), merged(ADA, BOB)];
    given(joined()).when(&amend::<Condition>(ADA, OTHER, severe_asthma())).then([amended::<Condition>(BOB, OTHER, severe_asthma())]);
    given(joined()).when(&enter_in_error::<Condition>(ADA, OTHER)).then([taken_back::<Condition>(BOB, OTHER)]);
    let parted = joined().into_iter().chain([merge_undone(ADA, BOB)]);
    given(parted).when(&amend::<Condition>(ADA, OTHER, severe_asthma())).then_rejected(AmendFactRejection::FactUnknown);
}

#[test]
fn what_was_erased_can_be_taken_back() {
    let erased = FactRecorded::<Observation> { patient: ADA, fact: OTHER, content: Phi::Erased, security: vec![], screening: None };
    given([registered(ADA), erased.into()]).when(&enter_in_error::<Observation>(ADA, OTHER)).then([taken_back::<Observation>(ADA, OTHER)]);
}

#[test]
fn there_is_nothing_to_acknowledge_of_what_is_not_screened() {
    let mut command = record::<Condition>(ADA, OTHER, asthma());
    command.acknowledged = Some(reason("I know"));
    given([registered(ADA)]).when(&command).then_rejected(NotRecordable::NothingToAcknowledge);
}

#[test]
fn labels_go_down_only_by_saying_so_and_sensitive_ones_not_at_all() {
    let both = vec![Label::Restricted, Label::Psychiatry];
    let labelled = FactRecorded { patient: ADA, fact: OTHER, content: condition(asthma()), security: both.clone(), screening: None };
    let known = || [registered(ADA), labelled.clone().into()];
    let amended =
        |security| FactAmended { patient: ADA, fact: OTHER, content: condition(severe_asthma()), security, screening: None, reason: reason("It was so") };
    given(known()).when(&amend::<Condition>(ADA, OTHER, severe_asthma())).then([amended(both).into()]);
    let mut command = amend::<Condition>(ADA, OTHER, severe_asthma());
    command.security = Some(vec![]);
    given(known()).when(&command).then([amended(vec![Label::Psychiatry]).into()]);
    given(known()).when(&amend::<Condition>(ADA, OTHER, asthma())).then([]);
}

fn condition(content: serde_json::Value) -> Phi<Condition> {
    Phi::Known(crate::patients::examples::read(content))
}

#[test]
fn what_is_referred_to_is_in_the_chart_wherever_it_is_said_and_however_it_is_spelled() {
    let other = "00000000-0000-0000-0000-000000000069";
    let visit = || recorded::<Encounter>(BOB, VISIT, encounter("in-progress"));
    let known = || [registered(ADA), registered(BOB), visit(), recorded::<Observation>(BOB, fact(105), glucose(&json!({})))];
    let during = |reference: String| json!({ "code": { "text": "Asthma" }, "encounter": { "reference": reference } });
    for reference in [format!("Patient/{}", BOB.0), format!("encounter/{VISIT}"), format!("Encounter/{VISIT}")] {
        given(known()).when(&record::<Condition>(ADA, OTHER, during(reference))).then_rejected(NotRecordable::EncounterUnknown);
    }
    for (content, field) in [
        (json!({ "hasMember": [{ "display": "first" }, { "reference": format!("Observation/{other}") }] }), "Observation.hasMember[1]"),
        (json!({ "partOf": [{ "reference": format!("observation/{other}") }] }), "Observation.partOf[0]"),
        (json!({ "derivedFrom": [{ "reference": format!("Condition/{other}") }] }), "Observation.derivedFrom[0]"),
    ] {
        let field = field.to_owned();
        given(known()).when(&record::<Observation>(ADA, OTHER, glucose(&content))).then_rejected(NotRecordable::ReferenceUnknown { field });
        let joined = known().into_iter().chain([merged(ADA, BOB)]);
        let outcome = given(joined).when(&record::<Observation>(ADA, OTHER, glucose(&content))).outcome();
        assert_eq!(outcome.is_ok(), content.to_string().contains("hasMember"), "after a merge the chart is the person's");
    }
    let part = json!({ "status": "planned", "class": { "code": "AMB" }, "partOf": { "reference": format!("Patient/{}", BOB.0) } });
    let field = "Encounter.partOf".to_owned();
    given(known()).when(&record::<Encounter>(ADA, OTHER, part)).then_rejected(NotRecordable::ReferenceUnknown { field });
    let itself = glucose(&json!({ "hasMember": [{ "reference": format!("Observation/{OTHER}") }] }));
    let field = "Observation.hasMember[0]".to_owned();
    given(known()).when(&record::<Observation>(ADA, OTHER, itself)).then_rejected(NotRecordable::ReferenceUnknown { field });
    let aside = glucose(&json!({ "performer": [{ "reference": format!("Practitioner/{other}") }] }));
    given(known()).when(&record::<Observation>(ADA, OTHER, aside)).accepted();
}

fn glucose(more: &serde_json::Value) -> serde_json::Value {
    let mut content = json!({ "status": "final", "code": { "text": "Glucose" } });
    content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    content
}

#[test]
fn an_import_refers_to_what_its_source_does_but_for_the_encounter() {
    let content = glucose(&json!({ "hasMember": [{ "reference": "Observation/00000000-0000-0000-0000-000000000069" }] }));
    let mut command = record::<Observation>(ADA, OTHER, content.clone());
    command.imported = true;
    given([registered(ADA)]).when(&command).accepted();
    let mut command = record::<Condition>(ADA, OTHER, during_visit());
    command.imported = true;
    given([registered(ADA)]).when(&command).then_rejected(NotRecordable::EncounterUnknown);
    let body = json!({ "fact": OTHER, "patient": ADA, "content": content, "imported": true });
    assert!(serde_json::from_value::<crate::records::RecordFact<Observation>>(body).is_err(), "no caller says so");
}

#[test]
fn an_amendment_may_keep_a_reference_that_has_left_the_chart() {
    let visit = || recorded::<Encounter>(ADA, VISIT, encounter("in-progress"));
    let known = || [registered(ADA), registered(BOB), visit(), recorded::<Condition>(ADA, OTHER, during_visit())];
    let mut severe = during_visit();
    severe["severity"] = json!({ "text": "Severe" });
    let gone = || known().into_iter().chain([taken_back::<Encounter>(ADA, VISIT)]);
    given(gone()).when(&amend::<Condition>(ADA, OTHER, severe.clone())).then([amended::<Condition>(ADA, OTHER, severe.clone())]);
    let parted = [registered(ADA), registered(BOB), recorded::<Encounter>(BOB, VISIT, encounter("planned")), merged(ADA, BOB)];
    let parted = parted.into_iter().chain([recorded::<Condition>(ADA, OTHER, during_visit()), merge_undone(ADA, BOB)]);
    given(parted).when(&amend::<Condition>(ADA, OTHER, severe.clone())).then([amended::<Condition>(ADA, OTHER, severe.clone())]);
    let without = gone().chain([amended::<Condition>(ADA, OTHER, asthma())]);
    given(without).when(&amend::<Condition>(ADA, OTHER, severe)).then_rejected(NotRecordable::EncounterUnknown);
}
