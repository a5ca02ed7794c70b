//! `/fhir` over HTTP, asked by those who may and those who may not.

use domain::{PatientId, TenantId, UserId};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::schema::Schema;
use crate::app::App;

fn id_of<'resource>(resources: &'resource [Value], kind: &str) -> &'resource str {
    resources.iter().find(|resource| resource["resourceType"] == kind).and_then(|resource| resource["id"].as_str()).unwrap()
}

fn issue(outcome: &Value) -> &str {
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    outcome["issue"][0]["code"].as_str().unwrap()
}

/// What the paths answer, and whom.
pub async fn answers(app: &App, exported: &[Value]) {
    let token = app.token(Role::Clinician);
    let schema = Schema::published();
    let check = |resource: &Value| schema.iter().for_each(|schema| schema.check(resource));

    // Every type by its id is what the export wrote.
    for kind in ["Organization", "Location", "Practitioner", "PractitionerRole", "Patient", "Encounter", "Condition", "MedicationRequest"] {
        let id = id_of(exported, kind);
        let (status, media, resource) = app.get(&format!("/fhir/{kind}/{id}"), Some(&token), None).await;
        assert_eq!((status, media.as_str()), (StatusCode::OK, "application/fhir+json"));
        assert!(exported.contains(&resource), "{resource}");
    }

    // All of one person, and nothing of others.
    let condition = exported.iter().find(|resource| resource["resourceType"] == "Condition").unwrap();
    let patient = condition["subject"]["reference"].as_str().and_then(|reference| reference.strip_prefix("Patient/")).unwrap();
    let of_patient = |resource: &&Value| {
        let whose = [&resource["subject"], &resource["patient"]].map(|reference| reference["reference"] == format!("Patient/{patient}"));
        resource["id"] == patient || whose.contains(&true)
    };
    let theirs: Vec<&Value> = exported.iter().filter(of_patient).collect();
    let (status, _, bundle) = app.get(&format!("/fhir/Patient/{patient}/$everything"), Some(&token), None).await;
    let entries = bundle["entry"].as_array().unwrap();
    assert_eq!((status, &bundle["total"], entries.len()), (StatusCode::OK, &json!(theirs.len()), theirs.len()));
    assert!(theirs.len() > 10 && entries[0]["resource"]["id"] == patient && entries.iter().all(|entry| theirs.contains(&&entry["resource"])));
    check(&bundle);

    let (status, _, capabilities) = app.get("/fhir/metadata", None, None).await;
    assert_eq!((status, &capabilities["fhirVersion"]), (StatusCode::OK, &json!("4.0.1")));
    check(&capabilities);

    refusals(app, exported, patient, check).await;
}

async fn refusals(app: &App, exported: &[Value], patient: &str, check: impl Fn(&Value)) {
    let encounter = id_of(exported, "Encounter");
    let theirs = exported.iter().find(|resource| resource["resourceType"] == "Condition" && resource["subject"]["reference"] == format!("Patient/{patient}"));
    let (own, foreign) = (theirs.unwrap()["id"].as_str().unwrap(), {
        let others = |resource: &&Value| resource["resourceType"] == "Condition" && resource["subject"]["reference"] != format!("Patient/{patient}");
        exported.iter().find(others).unwrap()["id"].as_str().unwrap()
    });
    let clinician = app.token(Role::Clinician);
    let elsewhere = app.token_for(TenantId(event_store::fresh_id()), Role::Clinician, UserId(event_store::fresh_id()), None);
    let themselves = app.token_with(&[Role::Patient], Some(PatientId(patient.parse().unwrap())));
    let desk = app.token(Role::FrontDesk);
    let nobody = event_store::fresh_id();
    let cases = [
        (format!("/fhir/Patient/{patient}"), None, StatusCode::UNAUTHORIZED, "login"),
        (format!("/fhir/Patient/{nobody}"), Some(&clinician), StatusCode::NOT_FOUND, "not-found"),
        (format!("/fhir/Patient/{patient}"), Some(&elsewhere), StatusCode::NOT_FOUND, "not-found"),
        (format!("/fhir/Patient/{patient}/$everything"), Some(&elsewhere), StatusCode::NOT_FOUND, "not-found"),
        (format!("/fhir/Patient/{encounter}"), Some(&clinician), StatusCode::NOT_FOUND, "not-found"),
        (format!("/fhir/Condition/{encounter}"), Some(&clinician), StatusCode::NOT_FOUND, "not-found"),
        ("/fhir/Patient/%ff".to_owned(), None, StatusCode::UNAUTHORIZED, "login"),
        ("/fhir/Patient/%ff".to_owned(), Some(&clinician), StatusCode::NOT_FOUND, "not-found"),
        ("/fhir/Patient/%ff/$everything".to_owned(), Some(&clinician), StatusCode::NOT_FOUND, "not-found"),
        ("/fhir/Patient/1".to_owned(), Some(&clinician), StatusCode::NOT_FOUND, "not-found"),
        (format!("/fhir/CarePlan/{nobody}"), Some(&clinician), StatusCode::NOT_FOUND, "not-supported"),
        ("/fhir/Patient".to_owned(), Some(&clinician), StatusCode::NOT_FOUND, "not-supported"),
        // The desk receives patients and does not read charts.
        (format!("/fhir/Encounter/{encounter}"), Some(&desk), StatusCode::FORBIDDEN, "forbidden"),
        (format!("/fhir/Encounter/{nobody}"), Some(&desk), StatusCode::FORBIDDEN, "forbidden"),
        (format!("/fhir/Patient/{patient}/$everything"), Some(&desk), StatusCode::FORBIDDEN, "forbidden"),
        // Others' facts are as if they were not there.
        (format!("/fhir/Condition/{foreign}"), Some(&themselves), StatusCode::NOT_FOUND, "not-found"),
    ];
    for (path, token, status, code) in cases {
        let (answered, media, outcome) = app.get(&path, token.map(String::as_str), None).await;
        assert_eq!((answered, media.as_str(), issue(&outcome)), (status, "application/fhir+json", code), "{path}");
        check(&outcome);
    }
    for path in [format!("/fhir/Condition/{own}"), format!("/fhir/Patient/{patient}"), format!("/fhir/Patient/{patient}/$everything")] {
        assert_eq!(app.get(&path, Some(&themselves), None).await.0, StatusCode::OK, "{path}");
    }
    assert_eq!(app.get(&format!("/fhir/Patient/{patient}"), Some(&desk), None).await.0, StatusCode::OK);
}
