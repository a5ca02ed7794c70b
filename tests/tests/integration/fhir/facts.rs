//! Facts that are broken, wrong, conflicting, in error, or of people whom nobody has named.

use serde_json::{Value, json};

use super::export;
use super::schema::Schema;
use crate::app::App;
use crate::import::{Input, adds_up, counts, import, patient, problems, run_with};

fn fact(kind: &str, id: &str, fields: &Value) -> String {
    let whose = if matches!(kind, "AllergyIntolerance" | "Device" | "FamilyMemberHistory" | "Immunization") { "patient" } else { "subject" };
    let mut fact = json!({ "resourceType": kind, "id": id, whose: { "reference": "Patient/p1" } });
    fact.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    fact.to_string()
}

fn observation(id: &str, fields: &Value) -> String {
    let mut all = json!({ "status": "final", "code": { "text": "pulse" } });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    fact("Observation", id, &all)
}

fn of_type<'resources>(resources: &'resources [Value], kind: &str) -> Vec<&'resources Value> {
    resources.iter().filter(|resource| resource["resourceType"] == kind).collect()
}

#[tokio::test]
async fn one_broken_line_of_a_thousand_is_named_and_the_others_go_in() {
    let app = App::without_processes(&[]).await;
    let mut lines: Vec<String> = (0..1000).map(|number| observation(&number.to_string(), &json!({ "valueInteger": number }))).collect();
    lines[700] = lines[700].replace("\"final\"", "\"Needle");
    let report = import(&app, &Input::new().with("Patient.ndjson", &[patient(1)]).with("Observation.ndjson", &lines).0);
    assert_eq!((counts(&report, "Observation"), problems(&report)), ((999, 0, 0, 0, 0), vec![(701, "not-a-fhir-resource", "not-json")]));
}

#[tokio::test]
async fn what_breaks_a_rule_is_named_by_path_and_rule_and_never_repeated() {
    let app = App::without_processes(&[]).await;
    let lines = [
        observation("0", &json!({ "status": "Needle" })),
        observation("1", &json!({ "code": {}, "valueQuantity": { "value": "Needle" } })),
        observation("2", &json!({ "valueQuantity": { "value": 1, "system": "http://unitsofmeasure.org", "code": "Needle//" } })),
        observation("3", &json!({ "effectivePeriod": { "start": "2020-01-02T00:00:00Z", "end": "2020-01-01T00:00:00Z" } })),
        observation("4", &json!({ "component": [{ "code": { "text": "a" }, "valueString": "" }] })),
        observation("5", &json!({ "code": null })),
        observation("6", &json!({ "modifierExtension": [{ "url": "http://e/Needle" }] })),
        observation("7", &json!({ "component": [{ "code": { "text": "a" }, "modifierExtension": [{ "url": "http://e/Needle" }] }] })),
        observation("8", &json!({ "subject": { "reference": "Group/Needle" } })),
        observation("9", &json!({ "subject": { "reference": "Patient/Needle" } })),
        observation(
            "10",
            &json!({ "encounter": { "reference": "Encounter/Needle" }, "performer": [{ "reference": "Practitioner/Needle", "display": "Dr. A" }, { "reference": "#Needle" }] }),
        ),
    ];
    let report = import(&app, &Input::new().with("Patient.ndjson", &[patient(1)]).with("Observation.ndjson", &lines).0);
    assert_eq!(counts(&report, "Observation"), (1, 0, 0, 1, 9), "{report}");
    let said: Vec<String> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            let part = |name: &str| problem[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", problem["item"], part("code"), part("path"), part("rule"))
        })
        .collect();
    let expected = [
        "1 value-broken Observation.status must be a code of its value set",
        "2 value-broken Observation.valueQuantity.value must have the type that FHIR gives it",
        "3 value-broken Observation.valueQuantity must have a unit of UCUM where its system is http://unitsofmeasure.org",
        "4 value-broken Observation.effectivePeriod must not end before it starts",
        "5 value-broken Observation.component.valueString must hold at least one character that is not white space",
        "6 value-broken Observation.code must have the type that FHIR gives it",
        "7 modifier-not-understood Observation.modifierExtension -",
        "8 modifier-not-understood Observation.component.modifierExtension -",
        "9 reference-unresolved Observation.subject -",
        "10 patient-unknown - -",
        "11 - Observation.encounter.reference must lead to one resource of the input",
        "11 - Observation.performer.reference must lead to one resource of the input",
        "11 - Observation.performer.reference must lead to one resource of the input",
    ];
    assert_eq!(said, expected);
    assert!(!report.to_string().contains("Needle"));
}

#[tokio::test]
async fn who_is_not_in_the_input_can_be_given_or_registered() {
    let app = App::serve().await;
    let of = |id: &str, reference: &str| observation(id, &json!({ "subject": { "reference": reference } }));
    let newborn = |id: &str| {
        let contained = json!({ "resourceType": "Patient", "id": "baby", "identifier": [{ "system": "urn:mrn", "value": "9" }] });
        observation(id, &json!({ "subject": { "reference": "#baby" }, "contained": [contained] }))
    };
    let lines = [of("0", "Patient/p1"), of("1", "Patient/a"), of("2", "https://example.org/Patient/b"), of("3", "Patient/b"), newborn("4"), newborn("5")];
    let input = Input::new().with("Observation.ndjson", &lines);
    let refused = import(&app, &input.0);
    assert_eq!(counts(&refused, "Observation"), (0, 0, 0, 3, 3), "an earlier import could have brought those who are named by id");
    // Whom an earlier import has brought is not registered again.
    import(&app, &Input::new().with("Patient.ndjson", &[patient(1)]).0);
    let ada = event_store::fresh_id();
    app.accepted("/v1/patients/register-patient", gate::Role::Administrator, json!({ "patient": ada })).await;
    let given = format!("Patient/a={ada}");
    let (_, report) = run_with(&app, &input.0, app.tenant, &["--patient", &given, "--register-missing-patients", "--base", "https://example.org"]);
    adds_up(&report);
    assert_eq!((counts(&report, "Observation"), &report["registeredUnidentified"]), ((6, 0, 0, 0, 0), &json!(2)), "{report}");
    let exported = export(&app);
    let subjects: std::collections::BTreeSet<&str> =
        of_type(&exported, "Observation").into_iter().map(|observation| observation["subject"]["reference"].as_str().unwrap()).collect();
    assert_eq!((subjects.len(), of_type(&exported, "Patient").len()), (4, 4));
    assert!(subjects.contains(format!("Patient/{ada}").as_str()));
}

/// Who was known by reference only is somebody as soon as their own resource comes, and stays who they were made by hand.
#[tokio::test]
async fn who_was_registered_as_unidentified_gets_an_identity_when_the_patient_comes() {
    let app = App::serve().await;
    let of = |id: &str| observation(id, &json!({ "subject": { "reference": format!("Patient/{id}") } }));
    let facts = Input::new().with("Observation.ndjson", &["p1", "p2", "p3"].map(of));
    let (_, report) = run_with(&app, &facts.0, app.tenant, &["--register-missing-patients"]);
    assert_eq!((counts(&report, "Observation"), &report["registeredUnidentified"]), ((3, 0, 0, 0, 0), &json!(3)));
    let unidentified = of_type(&export(&app), "Patient").len();
    assert_eq!(unidentified, 3);
    // Somebody finds out who the second one is, before the source says so.
    let namespace = fhir::Namespace::new(app.vault().await.namespace(app.tenant, &"clinic".parse::<fhir::SourceName>().unwrap().purpose()).await.unwrap());
    let second = namespace.resource(fhir::ResourceType::Patient, "p2");
    app.accepted(
        "/v1/patients/correct-demographics",
        gate::Role::Administrator,
        json!({ "patient": second, "correction": { "name": [{ "family": "Byhand" }] } }),
    )
    .await;
    let patients = Input::new().with("Patient.ndjson", &[patient(1), patient(2), patient(3)]);
    let report = import(&app, &patients.0);
    assert_eq!(counts(&report, "Patient"), (2, 1, 0, 0, 0), "{report}");
    assert_eq!(report["inPart"], json!({ "correct-demographics refused stale": 1 }));
    let exported = export(&app);
    let mut families: Vec<&str> = of_type(&exported, "Patient").into_iter().map(|patient| patient["name"][0]["family"].as_str().unwrap_or("nobody")).collect();
    families.sort_unstable();
    assert_eq!(families, ["Byhand", "Family1", "Family3"]);
    let third = of_type(&exported, "Patient").into_iter().find(|patient| patient["name"][0]["family"] == "Family3").unwrap();
    assert_eq!((&third["identifier"][0]["value"], &third["deceasedDateTime"]), (&json!("3"), &json!("2001-02-03")));
    assert_eq!(counts(&import(&app, &patients.0), "Patient"), (0, 3, 0, 0, 0), "and once only");
}

#[tokio::test]
async fn what_was_entered_in_error_comes_in_as_such_and_goes_out_as_such() {
    let app = App::serve().await;
    let in_error = |system: &str| json!({ "coding": [{ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": "entered-in-error" }] });
    let concept = json!({ "text": "a" });
    let facts = [
        ("Encounter", json!({ "status": "entered-in-error", "class": { "code": "AMB" } })),
        ("Condition", json!({ "verificationStatus": in_error("condition-ver-status"), "code": concept })),
        ("AllergyIntolerance", json!({ "verificationStatus": in_error("allergyintolerance-verification"), "code": concept })),
        ("MedicationRequest", json!({ "status": "entered-in-error", "intent": "order", "medicationCodeableConcept": concept })),
        ("Immunization", json!({ "status": "entered-in-error", "vaccineCode": concept, "occurrenceDateTime": "2020", "isSubpotent": true })),
        ("Procedure", json!({ "status": "entered-in-error", "code": concept })),
        ("Device", json!({ "status": "entered-in-error", "type": concept })),
        ("FamilyMemberHistory", json!({ "status": "entered-in-error", "relationship": concept })),
        ("Observation", json!({ "status": "entered-in-error", "code": concept })),
    ];
    let kinds: std::collections::BTreeSet<&str> = facts.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, domain::records::FactKind::ALL.iter().map(|kind| kind.resource_type()).collect(), "every kind says it in its own way");
    let lines: Vec<String> = facts.iter().map(|(kind, fields)| fact(kind, "1", fields)).collect();
    // Nothing was stated during an encounter that was entered in error.
    let stated = observation("2", &json!({ "encounter": { "reference": "Encounter/1" } }));
    let report = import(&app, &Input::new().with("a.ndjson", &lines).with("b.ndjson", &[patient(1), stated]).0);
    assert_eq!((&report["notKept"], report["problems"].as_array().map(Vec::len)), (&json!({}), Some(1)), "{report}");
    let exported = export(&app);
    for (kind, stated) in facts {
        let said = |resource: &&&Value| resource.to_string().contains("entered-in-error");
        let found = of_type(&exported, kind).iter().find(said).copied().unwrap();
        stated.as_object().unwrap().iter().for_each(|(field, value)| assert_eq!(&found[field], value, "{kind}.{field}"));
    }
    if let Some(schema) = Schema::published() {
        exported.iter().for_each(|resource| schema.check(resource));
    }
}

#[tokio::test]
async fn conflicts_are_flagged_labels_are_kept_and_a_record_is_closed_last() {
    let app = App::serve().await;
    let penicillin = json!({ "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "70618" }] });
    let order = json!({ "status": "active", "intent": "order", "medicationCodeableConcept": penicillin });
    let security = |system: &str, code: &str| json!({ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code });
    let meta = json!({ "security": [security("v3-ActCode", "PSY"), security("v3-ActCode", "KEPT-AS-VERY-RESTRICTED")] });
    let lines = [
        fact("MedicationRequest", "1", &order),
        fact("MedicationRequest", "2", &order),
        fact("AllergyIntolerance", "1", &json!({ "code": penicillin, "criticality": "high" })),
        observation("1", &json!({ "meta": meta, "encounter": { "reference": "Encounter/1" } })),
        fact("Encounter", "1", &json!({ "status": "over", "class": { "code": "AMB" } })),
        patient(1).replace("{\"", "{\"active\":false,\""),
    ];
    let report = import(&app, &Input::new().with("a.ndjson", &lines).0);
    assert_eq!(["MedicationRequest", "AllergyIntolerance", "Patient"].map(|kind| counts(&report, kind).0), [2, 1, 1], "{report}");
    // An encounter that did not come in takes nothing with it.
    assert_eq!((counts(&report, "Encounter").4, counts(&report, "Observation").0), (1, 1), "{report}");
    assert_eq!(report["flagged"].as_object().unwrap().len(), 1);
    let exported = export(&app);
    let labels = &of_type(&exported, "Observation")[0]["meta"]["security"];
    assert_eq!(labels, &json!([security("v3-ActCode", "PSY"), security("v3-Confidentiality", "V")]));
    assert_eq!((&of_type(&exported, "Patient")[0]["active"], exported.len()), (&json!(false), 5));
}

#[tokio::test]
async fn everything_is_of_a_person_whichever_of_their_records_is_named() {
    let app = App::serve().await;
    let of = |id: &str, patient: &str| observation(id, &json!({ "subject": { "reference": format!("Patient/{patient}") } }));
    let lines = [patient(1), patient(2), patient(4), of("1", "p1"), of("2", "p2"), of("4", "p4")];
    import(&app, &Input::new().with("a.ndjson", &lines).0);
    let exported = export(&app);
    let record = |family: &str| of_type(&exported, "Patient").into_iter().find(|patient| patient["name"][0]["family"] == family).unwrap()["id"].clone();
    let (survivor, merged) = (record("Family1"), record("Family2"));
    let body = json!({ "survivor": survivor, "merged": merged, "reason": "the same person" });
    let position = app.accepted("/v1/patients/merge-patients", gate::Role::Administrator, body).await["position"].as_i64();
    let token = app.token(gate::Role::Clinician);
    for named in [&survivor, &merged] {
        let (_, _, bundle) = app.get(&format!("/fhir/Patient/{}/$everything", named.as_str().unwrap()), Some(&token), position).await;
        let resources: Vec<Value> = bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()).collect();
        assert_eq!((&resources[0]["id"], of_type(&resources, "Patient").len(), of_type(&resources, "Observation").len()), (named, 2, 2), "{bundle}");
    }
    let (_, _, gone) = app.get(&format!("/fhir/Patient/{}", merged.as_str().unwrap()), Some(&token), position).await;
    assert_eq!((&gone["active"], &gone["link"][0]["type"]), (&json!(false), &json!("replaced-by")));
    if let Some(schema) = Schema::published() {
        schema.check(&gone);
    }
}
