//! Allergies meet medications, on one record or across a merge.

use serde_json::{Value, json};

use crate::event::Event;
use crate::ids::FactId;
use crate::patients::examples::{ADA, BOB, merge_undone, merged, reason, registered};
use crate::phi::Phi;
use crate::records::examples::{
    ALLERGY, OTHER, RXNORM, SNOMED, TABLETS, allergic, amend, circumstances, coded, no_known_allergy, penicillin, prescribed, record, recorded, recorded_with,
    taken_back, taking,
};
use crate::records::{AllergyIntolerance, AllergyStatus, Chart, Conflict, ConflictKind, FactRecorded, MedicationRequest, NotRecordable, Screening};
use crate::testing::{Decided, given};

fn prescribe(events: impl IntoIterator<Item = Event>, code: &str) -> Decided<crate::records::RecordFact<MedicationRequest>> {
    given(events).when_in(&circumstances(), &record::<MedicationRequest>(ADA, OTHER, prescribed(code)))
}

fn conflicts(kind: ConflictKind, with: FactId) -> NotRecordable {
    NotRecordable::Conflicts { conflicts: vec![Conflict { kind, with }] }
}

fn clear() -> Screening {
    Screening { checked: true, conflicts: vec![], acknowledged: None }
}

fn status(events: impl IntoIterator<Item = Event>) -> AllergyStatus {
    let mut chart = Chart::default();
    for event in events {
        chart.apply(&event, None);
    }
    chart.allergy_status()
}

fn no_known_drug_allergy() -> Value {
    json!({ "code": coded(SNOMED, "409137002") })
}

#[test]
fn a_medication_is_screened_by_ingredient() {
    prescribe([registered(ADA)], "308182").then([recorded_with::<MedicationRequest>(ADA, OTHER, prescribed("308182"), Some(clear()))]);
    prescribe([registered(ADA), allergic(ADA)], "308182").then_rejected(conflicts(ConflictKind::Allergy, ALLERGY));
    prescribe([registered(ADA), allergic(ADA)], "197805").then([recorded_with::<MedicationRequest>(ADA, OTHER, prescribed("197805"), Some(clear()))]);
    prescribe([registered(ADA), taking(ADA)], "308182").then_rejected(conflicts(ConflictKind::DuplicateMedication, TABLETS));
    prescribe([registered(ADA), taking(ADA)], "308191").then_rejected(conflicts(ConflictKind::DuplicateMedication, TABLETS));
    prescribe([registered(ADA), allergic(ADA), taken_back::<AllergyIntolerance>(ADA, ALLERGY)], "308182").accepted();
    prescribe([registered(ADA), registered(BOB), allergic(BOB)], "308182").accepted();
}

#[test]
fn a_code_is_itself_also_where_no_ingredient_is_known() {
    let same = recorded::<MedicationRequest>(ADA, TABLETS, prescribed("1"));
    prescribe([registered(ADA), same], "1").then_rejected(conflicts(ConflictKind::DuplicateMedication, TABLETS));
}

#[test]
fn what_could_not_be_checked_must_be_acknowledged() {
    prescribe([registered(ADA), allergic(ADA)], "1").then_rejected(NotRecordable::NotChecked);
    let in_words = recorded::<AllergyIntolerance>(ADA, ALLERGY, json!({ "code": { "text": "Some tablets" } }));
    prescribe([registered(ADA), in_words], "308182").then_rejected(NotRecordable::NotChecked);
    let of_food = recorded::<AllergyIntolerance>(ADA, ALLERGY, json!({ "category": ["food"], "code": { "text": "Peanuts" } }));
    prescribe([registered(ADA), of_food], "308182").accepted();
}

#[test]
fn an_acknowledged_conflict_is_recorded_with_its_reason() {
    let mut command = record::<MedicationRequest>(ADA, OTHER, prescribed("308182"));
    command.acknowledged = Some(reason("Desensitized"));
    let known = vec![Conflict { kind: ConflictKind::Allergy, with: ALLERGY }];
    let screening = Screening { checked: true, conflicts: known, acknowledged: reason("Desensitized").into_known() };
    given([registered(ADA), allergic(ADA)]).when_in(&circumstances(), &command).then([recorded_with::<MedicationRequest>(
        ADA,
        OTHER,
        prescribed("308182"),
        Some(screening),
    )]);
}

#[test]
fn a_request_that_is_not_active_is_not_screened_until_it_becomes_so() {
    let draft = json!({ "status": "draft", "intent": "plan", "medicationCodeableConcept": coded(RXNORM, "308182") });
    let known = || [registered(ADA), allergic(ADA), recorded::<MedicationRequest>(ADA, TABLETS, draft.clone())];
    given(known().into_iter().take(2))
        .when_in(&circumstances(), &record::<MedicationRequest>(ADA, TABLETS, draft.clone()))
        .then([recorded::<MedicationRequest>(ADA, TABLETS, draft.clone())]);
    given(known())
        .when_in(&circumstances(), &amend::<MedicationRequest>(ADA, TABLETS, prescribed("308182")))
        .then_rejected(conflicts(ConflictKind::Allergy, ALLERGY));
}

#[test]
fn a_request_does_not_conflict_with_what_it_said_before() {
    let events = given([registered(ADA), taking(ADA)]).when_in(&circumstances(), &amend::<MedicationRequest>(ADA, TABLETS, prescribed("308191"))).accepted();
    assert_eq!(events.len(), 1);
}

#[test]
fn an_allergy_is_never_refused_but_flagged() {
    let known = vec![Conflict { kind: ConflictKind::ActiveMedication, with: TABLETS }];
    let screening = Screening { checked: true, conflicts: known, acknowledged: None };
    given([registered(ADA), taking(ADA)]).when_in(&circumstances(), &record::<AllergyIntolerance>(ADA, ALLERGY, penicillin())).then([recorded_with::<
        AllergyIntolerance,
    >(
        ADA,
        ALLERGY,
        penicillin(),
        Some(screening),
    )]);
}

#[test]
fn the_chart_of_one_person_is_that_of_every_record_of_theirs() {
    let joined = || [registered(ADA), registered(BOB), allergic(BOB), merged(ADA, BOB)];
    prescribe(joined(), "308182").then_rejected(conflicts(ConflictKind::Allergy, ALLERGY));
    prescribe(joined().into_iter().chain([merge_undone(ADA, BOB)]), "308182").accepted();
}

#[test]
fn none_known_is_not_the_same_as_not_asked() {
    assert_eq!(status([]), AllergyStatus::NotAsked);
    let none = || recorded::<AllergyIntolerance>(ADA, OTHER, no_known_allergy());
    assert_eq!(status([none()]), AllergyStatus::NoneKnown);
    assert_eq!(status([none(), allergic(ADA)]), AllergyStatus::Known);
    assert_eq!(status([none(), taken_back::<AllergyIntolerance>(ADA, OTHER)]), AllergyStatus::NotAsked);
    let no_drugs = recorded::<AllergyIntolerance>(ADA, OTHER, no_known_drug_allergy());
    assert_eq!(status([no_drugs]), AllergyStatus::NotAsked, "of food nobody has asked");
    let erased = FactRecorded::<AllergyIntolerance> { patient: ADA, fact: OTHER, content: Phi::Erased, security: vec![], screening: None };
    assert_eq!(status([erased.into()]), AllergyStatus::NotAsked);
}

#[test]
fn none_known_contradicts_an_active_allergy_of_the_sort() {
    let deny = |events: Vec<Event>, content| given(events).when_in(&circumstances(), &record::<AllergyIntolerance>(ADA, OTHER, content));
    let none = |content| recorded::<AllergyIntolerance>(ADA, OTHER, content);
    let known = || vec![registered(ADA), allergic(ADA)];
    deny(known(), no_known_allergy()).then_rejected(NotRecordable::Contradicted);
    deny(known(), no_known_drug_allergy()).then_rejected(NotRecordable::Contradicted);
    let of_food = recorded::<AllergyIntolerance>(ADA, ALLERGY, json!({ "category": ["food"], "code": { "text": "Peanuts" } }));
    deny(vec![registered(ADA), of_food], no_known_drug_allergy()).then([none(no_known_drug_allergy())]);
    let over = recorded::<AllergyIntolerance>(
        ADA,
        ALLERGY,
        json!({ "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "resolved") }),
    );
    deny(vec![registered(ADA), over], no_known_allergy()).then([none(no_known_allergy())]);
    let told = recorded::<AllergyIntolerance>(ADA, ALLERGY, no_known_drug_allergy());
    prescribe([registered(ADA), told], "1").accepted();
}

#[test]
fn an_allergy_can_be_amended_to_none_known() {
    let amended = given([registered(ADA), allergic(ADA)]).when_in(&circumstances(), &amend::<AllergyIntolerance>(ADA, ALLERGY, no_known_allergy()));
    assert_eq!(amended.accepted().len(), 1);
}

#[test]
fn an_allergy_of_another_sort_meets_a_medication_of_the_same_code() {
    for category in ["food", "environment"] {
        let same = || recorded::<AllergyIntolerance>(ADA, ALLERGY, json!({ "category": [category], "code": coded(RXNORM, "1") }));
        prescribe([registered(ADA), same()], "1").then_rejected(conflicts(ConflictKind::Allergy, ALLERGY));
        prescribe([registered(ADA), same()], "308182").then([recorded_with::<MedicationRequest>(ADA, OTHER, prescribed("308182"), Some(clear()))]);
    }
    let command = record::<AllergyIntolerance>(ADA, ALLERGY, json!({ "category": ["food"], "code": coded(RXNORM, "308182") }));
    let events = given([registered(ADA), taking(ADA)]).when_in(&circumstances(), &command).accepted();
    let known = vec![Conflict { kind: ConflictKind::ActiveMedication, with: TABLETS }];
    let screening = Screening { checked: true, conflicts: known, acknowledged: None };
    let content = json!({ "category": ["food"], "code": coded(RXNORM, "308182") });
    assert!(events == [recorded_with::<AllergyIntolerance>(ADA, ALLERGY, content, Some(screening))]);
}

#[test]
fn an_absence_with_a_drugs_code_beside_is_an_allergy_against_it() {
    let both = json!({ "code": { "coding": [{ "system": SNOMED, "code": "716186003" }, { "system": SNOMED, "code": "764146007" }] } });
    let mixed = || recorded::<AllergyIntolerance>(ADA, ALLERGY, both.clone());
    prescribe([registered(ADA), mixed()], "308182").then_rejected(conflicts(ConflictKind::Allergy, ALLERGY));
    assert_eq!(status([mixed()]), AllergyStatus::Known);
    let several = json!({ "code": { "coding": [{ "system": SNOMED, "code": "716186003" }, { "system": SNOMED, "code": "409137002" }] } });
    assert_eq!(status([recorded::<AllergyIntolerance>(ADA, ALLERGY, several)]), AllergyStatus::NoneKnown);
}

#[test]
fn a_request_of_unknown_status_may_be_active() {
    let unknown = || json!({ "status": "unknown", "intent": "order", "medicationCodeableConcept": coded(RXNORM, "308182") });
    let command = record::<MedicationRequest>(ADA, OTHER, unknown());
    given([registered(ADA), allergic(ADA)]).when_in(&circumstances(), &command).then_rejected(conflicts(ConflictKind::Allergy, ALLERGY));
    let known = recorded::<MedicationRequest>(ADA, TABLETS, unknown());
    prescribe([registered(ADA), known], "308182").then_rejected(conflicts(ConflictKind::DuplicateMedication, TABLETS));
}

#[test]
fn what_was_erased_cannot_be_checked() {
    let allergy = FactRecorded::<AllergyIntolerance> { patient: ADA, fact: ALLERGY, content: Phi::Erased, security: vec![], screening: None };
    prescribe([registered(ADA), allergy.clone().into()], "308182").then_rejected(NotRecordable::NotChecked);
    prescribe([registered(ADA), allergy.into(), taken_back::<AllergyIntolerance>(ADA, ALLERGY)], "308182").accepted();
    let medication = || FactRecorded::<MedicationRequest> { patient: ADA, fact: TABLETS, content: Phi::Erased, security: vec![], screening: None };
    prescribe([registered(ADA), medication().into()], "308182").then_rejected(NotRecordable::NotChecked);
    let unchecked = Screening { checked: false, conflicts: vec![], acknowledged: None };
    given([registered(ADA), medication().into()]).when_in(&circumstances(), &record::<AllergyIntolerance>(ADA, ALLERGY, penicillin())).then([recorded_with::<
        AllergyIntolerance,
    >(
        ADA,
        ALLERGY,
        penicillin(),
        Some(unchecked),
    )]);
}

#[test]
fn an_allergy_with_nothing_to_acknowledge_is_recorded() {
    for content in [penicillin(), no_known_allergy()] {
        let mut command = record::<AllergyIntolerance>(ADA, ALLERGY, content);
        command.acknowledged = Some(reason("I know"));
        assert_eq!(given([registered(ADA)]).when_in(&circumstances(), &command).accepted().len(), 1);
    }
}

#[test]
fn an_acknowledgement_is_a_change_of_its_own() {
    let flagged = Screening { checked: true, conflicts: vec![Conflict { kind: ConflictKind::ActiveMedication, with: TABLETS }], acknowledged: None };
    let known = || [registered(ADA), taking(ADA), recorded_with::<AllergyIntolerance>(ADA, ALLERGY, penicillin(), Some(flagged.clone()))];
    let mut command = amend::<AllergyIntolerance>(ADA, ALLERGY, penicillin());
    given(known()).when_in(&circumstances(), &command).then([]);
    command.acknowledged = Some(reason("Desensitized"));
    let events = given(known()).when_in(&circumstances(), &command).accepted();
    assert_eq!(events.len(), 1);
    given(known().into_iter().chain(events)).when_in(&circumstances(), &command).then([]);
}

#[test]
fn a_chart_is_screened_as_it_stands() {
    let screened = |events: Vec<Event>| {
        let mut chart = Chart::default();
        for event in &events {
            chart.apply(event, None);
        }
        let found = chart.screening(&circumstances().terminology);
        (found.checked, found.conflicts)
    };
    let same = || recorded::<MedicationRequest>(ADA, OTHER, prescribed("308191"));
    let allergy = (TABLETS, Conflict { kind: ConflictKind::Allergy, with: ALLERGY });
    let duplicate = (TABLETS, Conflict { kind: ConflictKind::DuplicateMedication, with: OTHER });
    let other = (OTHER, Conflict { kind: ConflictKind::Allergy, with: ALLERGY });
    assert_eq!(screened(vec![allergic(BOB), taking(ADA)]), (true, vec![allergy]));
    assert_eq!(screened(vec![allergic(BOB), taking(ADA), same()]), (true, vec![allergy, duplicate, other]));
    assert_eq!(screened(vec![allergic(BOB), taking(ADA), taken_back::<MedicationRequest>(ADA, TABLETS)]), (true, vec![]));
    let erased = FactRecorded::<AllergyIntolerance> { patient: ADA, fact: ALLERGY, content: Phi::Erased, security: vec![], screening: None };
    assert_eq!(screened(vec![erased.into(), taking(ADA)]), (false, vec![]));
}
