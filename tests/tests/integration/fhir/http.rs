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

    download(app, exported, &token).await;

    // All of one person, and nothing of others.
    let condition = exported.iter().find(|resource| resource["resourceType"] == "Condition").unwrap();
    let patient = condition["subject"]["reference"].as_str().and_then(|reference| reference.strip_prefix("Patient/")).unwrap();
    let of_patient = |resource: &&Value| {
        let whose = [&resource["subject"], &resource["patient"]].map(|reference| reference["reference"] == format!("Patient/{patient}"));
        resource["id"] == patient || whose.contains(&true)
    };
    let theirs: Vec<&Value> = exported.iter().filter(of_patient).collect();
    let entries = everything(app, &token, &format!("/fhir/Patient/{patient}/$everything?_count=1000"), check).await;
    assert_eq!(entries.len(), theirs.len());
    assert!(
        theirs.len() > 10
            && entries[0]["resource"]["id"] == patient
            && entries.iter().all(|entry| theirs.iter().any(|known| said(known) == said(&entry["resource"])))
    );
    assert!(entries.iter().any(|entry| entry["resource"]["resourceType"] == "DocumentReference"));
    assert_eq!(everything(app, &token, &format!("/fhir/Patient/{patient}/$everything?_count=7"), check).await, entries, "page by page it is the same");

    let (status, _, capabilities) = app.get("/fhir/metadata", None, None).await;
    assert_eq!((status, &capabilities["fhirVersion"]), (StatusCode::OK, &json!("4.0.1")));
    check(&capabilities);

    refusals(app, exported, patient, check).await;
}

/// The entries of every page from a path on; each says where it is, and what it is not the whole of.
async fn everything(app: &App, token: &str, path: &str, check: impl Fn(&Value)) -> Vec<Value> {
    let most: usize = path.rsplit('=').next().unwrap().parse().unwrap();
    let (mut entries, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (status, _, bundle) = app.get(&path, Some(token), None).await;
        assert_eq!(status, StatusCode::OK, "{bundle}");
        check(&bundle);
        let link = |relation: &str| bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == relation).map(|link| link["url"].clone());
        next = link("next").map(|url| url.as_str().unwrap().strip_prefix(&app.at(0, "")).unwrap().to_owned());
        let page = bundle["entry"].as_array().unwrap();
        assert!(page.len() == most || page.len() < most && next.is_none(), "a page that is not the last is full");
        let whole = next.is_none() && entries.is_empty();
        assert_eq!(bundle.get("total").cloned(), whole.then(|| json!(page.len())));
        assert!(link("self").is_some());
        entries.extend(page.clone());
    }
    entries
}

/// A resource without the bytes of a document, and without where they are.
fn said(resource: &Value) -> Value {
    let mut resource = resource.clone();
    if let Some(attachment) = resource.pointer_mut("/content/0/attachment").and_then(Value::as_object_mut) {
        attachment.retain(|field, _| !matches!(field.as_str(), "data" | "url"));
    }
    resource
}

/// A document is what the export wrote, and its URL leads to its bytes.
async fn download(app: &App, exported: &[Value], token: &str) {
    let document = exported.iter().find(|resource| resource["resourceType"] == "DocumentReference").unwrap();
    let id = document["id"].as_str().unwrap();
    let (status, _, resource) = app.get(&format!("/fhir/DocumentReference/{id}"), Some(token), None).await;
    assert_eq!((status, said(&resource)), (StatusCode::OK, said(document)));
    let attachment = &resource["content"][0]["attachment"];
    assert_eq!((attachment["url"].as_str().unwrap(), attachment.get("data")), (app.at(0, &format!("/v1/documents/{id}")).as_str(), None));
    let answer = reqwest::Client::new().get(attachment["url"].as_str().unwrap()).bearer_auth(token).send().await.unwrap();
    assert_eq!((answer.status(), answer.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, attachment["contentType"].as_str().unwrap()));
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(attachment["size"], bytes.len());
    assert_eq!(document["content"][0]["attachment"]["data"], super::documents::base64(&bytes));
}

async fn refusals(app: &App, exported: &[Value], patient: &str, check: impl Fn(&Value)) {
    let encounter = id_of(exported, "Encounter");
    let theirs = exported.iter().find(|resource| resource["resourceType"] == "Condition" && resource["subject"]["reference"] == format!("Patient/{patient}"));
    let (own, foreign) = (theirs.unwrap()["id"].as_str().unwrap(), {
        let others = |resource: &&Value| resource["resourceType"] == "Condition" && resource["subject"]["reference"] != format!("Patient/{patient}");
        exported.iter().find(others).unwrap()["id"].as_str().unwrap()
    });
    let of_others = |resource: &&Value| resource["resourceType"] == "DocumentReference" && resource["subject"]["reference"] != format!("Patient/{patient}");
    let foreign_document = exported.iter().find(of_others).unwrap()["id"].as_str().unwrap();
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
        (format!("/fhir/Patient/{patient}/$everything?_count=0"), Some(&clinician), StatusCode::BAD_REQUEST, "value"),
        (format!("/fhir/Patient/{patient}/$everything?_since=2026"), Some(&clinician), StatusCode::BAD_REQUEST, "value"),
        (format!("/fhir/Patient/{patient}/$everything?_after=Condition/{own}"), Some(&elsewhere), StatusCode::NOT_FOUND, "not-found"),
        (format!("/fhir/DocumentReference/{nobody}"), Some(&desk), StatusCode::FORBIDDEN, "forbidden"),
        (format!("/fhir/DocumentReference/{foreign_document}"), Some(&themselves), StatusCode::NOT_FOUND, "not-found"),
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
