//! Access records as `AuditEvent`, over HTTP and at the console: valid as FHIR and as IHE's patterns, and only for those who may read them.

use std::collections::BTreeSet;

use domain::{PatientId, TenantId, UserId};
use event_store::fresh_id;
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::balp::{PROFILE, breaks_fhir, broken, violations};
use super::schema::Schema;
use super::shapes;
use super::validator::Validator;
use crate::app::App;
use crate::clinic::Clinic;

/// The resources of a search, page by page.
async fn found(app: &App, token: &str, query: &str) -> Vec<Value> {
    let (mut found, mut path) = (Vec::new(), format!("/fhir/AuditEvent?{query}"));
    loop {
        let (status, _, bundle) = app.get(&path, Some(token), None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {bundle}");
        if let Some(schema) = Schema::published() {
            schema.check(&bundle);
        }
        found.extend(bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()));
        let next = bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
        let Some(next) = next else { return found };
        path = next["url"].as_str().unwrap().strip_prefix(&app.at(0, "")).unwrap().to_owned();
    }
}

fn profiles(audits: &[Value]) -> BTreeSet<&str> {
    audits.iter().filter_map(|audit| audit["meta"]["profile"][0].as_str()?.strip_prefix(PROFILE)).collect()
}

fn check(audits: &[Value]) {
    let schema = Schema::published();
    for audit in audits {
        schema.iter().for_each(|schema| schema.check(audit));
        assert_eq!((violations(audit), breaks_fhir(audit)), (Vec::new(), Vec::new()), "{audit:#}");
        assert_eq!(audit["outcome"] == "0", audit["meta"].get("profile").is_some(), "a pattern is of what succeeded: {audit:#}");
    }
}

/// Looks of every sort at two patients; the first of them.
async fn looks(app: &App) -> Uuid {
    let clinic = Clinic::open(app).await;
    let (ada, _) = (clinic.patient(app, "Lovelace").await, clinic.patient(app, "Babbage").await);
    let practitioner = app.token_for(app.tenant, Role::Clinician, UserId(Uuid::from_u128(31)), None);
    let head = app
        .accepted("/v1/records/record-condition", Role::Clinician, json!({ "fact": fresh_id(), "patient": ada, "content": { "code": { "text": "Cough" } } }))
        .await;
    let position = head["position"].as_i64();
    assert_eq!(app.get(&format!("/fhir/Patient/{ada}"), Some(&practitioner), position).await.0, StatusCode::OK);
    assert_eq!(app.get(&format!("/fhir/Patient/{ada}/$everything"), Some(&practitioner), None).await.0, StatusCode::OK);
    assert_eq!(app.get(&format!("/fhir/Patient/{}", fresh_id()), Some(&practitioner), None).await.0, StatusCode::NOT_FOUND);
    for query in ["{ patients { nodes { displayName } } }", "{ patients(search: { name: \"nobodysname\" }) { nodes { displayName } } }"] {
        let answer = app.graphql(&practitioner, query, position).await;
        assert!(answer.get("errors").is_none(), "{answer}");
    }
    assert_eq!(app.get(&format!("/fhir/Patient/{ada}"), Some(&app.token(Role::Analyst)), None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(app.get(&format!("/fhir/Patient/{ada}"), Some(&app.token_with(&[Role::Patient], Some(PatientId(ada)))), None).await.0, StatusCode::OK);
    ada
}

#[tokio::test]
async fn every_access_goes_out_as_a_valid_audit_event() {
    let app = App::serve().await;
    let ada = looks(&app).await;
    let officer = app.token(Role::ComplianceOfficer);

    let all = found(&app, &officer, "_count=3").await;
    check(&all);
    assert_eq!(profiles(&all), BTreeSet::from(["PatientRead", "PatientQuery", "Query"]), "each pattern is met");
    assert!(all.iter().any(|audit| audit["outcome"] == "4"), "and a refusal");
    let ids: BTreeSet<&str> = all.iter().map(|audit| audit["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), all.len(), "each once");
    for audit in &all {
        for broken in broken(audit).iter().filter(|_| audit["outcome"] == "0") {
            let patients = |audit: &Value| audit["entity"].as_array().unwrap().iter().filter(|entity| entity["type"]["code"] == "1").count();
            // Another patient breaks only the patterns of one.
            let may = patients(broken) > patients(audit) && profiles(std::slice::from_ref(audit)) == BTreeSet::from(["Query"]);
            assert!(may || !violations(broken).is_empty(), "{broken:#}");
        }
    }

    // What one of them says.
    let read =
        all.iter().find(|audit| audit["meta"]["profile"][0] == format!("{PROFILE}PatientRead") && audit["agent"][2]["role"][0]["text"] == "clinician").unwrap();
    let of_type = |code: &str| read["entity"].as_array().unwrap().iter().find(|entity| entity["type"]["code"] == code).unwrap();
    assert_eq!((&of_type("1")["what"]["reference"], &of_type("2")["what"]["reference"]), (&json!(format!("Patient/{ada}")), &json!(format!("Patient/{ada}"))));
    assert_eq!(read["agent"][2]["who"]["identifier"]["value"], format!("urn:uuid:{}", Uuid::from_u128(31)));
    assert_eq!(read["agent"][2]["purposeOfUse"][0]["coding"][0], json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT" }));
    assert_eq!(read["agent"][0]["network"], json!({ "address": "127.0.0.1", "type": "2" }));
    assert_eq!(read["outcomeDesc"], "Someone (clinician) saw who they are and how to reach them, to treat them.");

    // By its id it is the same, and its version is its place in the log.
    let path = format!("/fhir/AuditEvent/{}", read["id"].as_str().unwrap());
    let (status, _, same) = app.get(&path, Some(&officer), None).await;
    assert_eq!((status, &same), (StatusCode::OK, read));
    assert_eq!(app.get(&format!("/fhir/AuditEvent/{}", fresh_id()), Some(&officer), None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.get(&format!("/fhir/AuditEvent/{}", Uuid::from_u128(1)), Some(&officer), None).await.0, StatusCode::NOT_FOUND);

    // The console writes the same.
    let printed = app.command(&["access", "--tenant", &app.tenant.to_string(), "--patient", &ada.to_string(), "--format", "fhir"]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let lines: Vec<Value> = String::from_utf8(printed.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    check(&lines);
    assert!(lines.contains(read) && lines.iter().all(|line| line.to_string().contains(&ada.to_string())));
    let (_, _, capabilities) = app.get("/fhir/metadata", None, None).await;
    assert!(capabilities["rest"][0]["resource"].as_array().unwrap().iter().any(|resource| resource["type"] == "AuditEvent"));
}

#[test]
fn what_asks_for_nothing_claims_no_pattern() {
    let questions = shapes::questions();
    check(&questions);
    assert_eq!(profiles(&questions), BTreeSet::from(["PatientRead", "Read", "PatientQuery", "Query"]), "each pattern is met");
    for audit in shapes::without_question() {
        Schema::published().iter().for_each(|schema| schema.check(&audit));
        assert_eq!((breaks_fhir(&audit), audit["meta"].get("profile"), &audit["subtype"][0]["code"]), (Vec::new(), None, &json!("operation")), "{audit:#}");
    }
}

#[test]
fn who_downloads_a_document_reads_it() {
    let of_a_document = |audit: &Value| audit["entity"].as_array().unwrap().iter().any(|entity| entity["what"]["type"] == "DocumentReference");
    let downloads: Vec<Value> = shapes::questions().into_iter().filter(of_a_document).collect();
    assert!(downloads.iter().any(|audit| audit.to_string().contains("\"DocumentReference/")));
    assert!(downloads.iter().all(|audit| audit["action"] == "R" && audit["subtype"][0]["code"] == "read"), "{downloads:#?}");
}

#[tokio::test]
async fn every_shape_passes_the_validator_of_hl7_and_what_is_broken_does_not() {
    let Some(validator) = Validator::installed() else { return };
    let app = App::serve().await;
    looks(&app).await;
    let mut sound = found(&app, &app.token(Role::ComplianceOfficer), "").await;
    sound.extend(shapes::questions());
    sound.extend(shapes::without_question());

    let mut unsound = Vec::new();
    for profile in profiles(&sound) {
        let one = sound.iter().find(|audit| audit["meta"]["profile"][0] == format!("{PROFILE}{profile}")).unwrap();
        // A further patient breaks the patterns of one patient alone.
        unsound.extend(broken(one).into_iter().filter(|audit| !violations(audit).is_empty()));
    }
    assert!(unsound.len() > 40);

    let all: Vec<Value> = sound.iter().chain(&unsound).cloned().collect();
    let errors = validator.errors(&all);
    for (audit, errors) in sound.iter().zip(&errors) {
        assert!(errors.is_empty(), "{errors:#?} {audit:#}");
    }
    for (audit, errors) in unsound.iter().zip(&errors[sound.len()..]) {
        assert!(!errors.is_empty(), "{:?} {audit:#}", violations(audit));
    }
    eprintln!("{} resources are sound, {} are not", sound.len(), unsound.len());
}

#[tokio::test]
async fn a_search_finds_what_it_names_and_is_for_officers_and_of_oneself() {
    let app = App::serve().await;
    let ada = looks(&app).await;
    let officer = app.token(Role::ComplianceOfficer);
    let user = Uuid::from_u128(31);
    let count = async |query: &str| found(&app, &officer, query).await.len();
    let of_ada = count(&format!("patient={ada}&agent={user}")).await;
    assert_eq!(of_ada, 3, "a read, everything, a list");
    assert_eq!(count(&format!("entity=Patient/{ada}&agent=urn:uuid:{user}&_count=1")).await, of_ada, "page by page");
    assert_eq!(count(&format!("agent={user}&outcome=4")).await, 0);
    assert_eq!(count("outcome=4").await, 1);
    assert_eq!(count(&format!("agent={user}&outcome=0")).await, 5);
    assert_eq!(count(&format!("agent={user}&address=127.0.0.1")).await, 5);
    assert_eq!(count(&format!("agent={user}&address=192.0.2.1")).await, 0);
    assert_eq!(count(&format!("agent={user}&date=ge2026-01-01&date=lt9000-01-01")).await, 5);
    assert_eq!(count(&format!("agent={user}&date=lt2026-01-01")).await, 0);
    let one = found(&app, &officer, &format!("patient={ada}&agent={user}")).await.remove(0);
    let request =
        one["entity"].as_array().unwrap().iter().find(|entity| entity["type"]["code"] == "XrequestId").unwrap()["what"]["identifier"]["value"].clone();
    assert_eq!(found(&app, &officer, &format!("entity:identifier={}", request.as_str().unwrap())).await, std::slice::from_ref(&one));
    assert_eq!(found(&app, &officer, &format!("agent={user}&date={}", one["recorded"].as_str().unwrap())).await, [one]);

    for wrong in [
        "patient=Needle",
        "agent=Needle",
        "entity=Needle",
        "entity:identifier=Needle",
        "date=Needle",
        "date=ge",
        "date=99999-01-01",
        "outcome=Needle",
        "outcome=0&outcome=4",
        "_count=0",
        "_count=501",
        "_count=Needle",
        "_before=Needle",
        "_before=0",
        "needle=1",
        "patient:missing=true",
    ] {
        let (status, _, outcome) = app.get(&format!("/fhir/AuditEvent?{wrong}"), Some(&officer), None).await;
        assert_eq!((status, &outcome["issue"][0]["code"]), (StatusCode::BAD_REQUEST, &json!("value")), "{wrong}: {outcome}");
        assert!(!outcome.to_string().contains("Needle"));
    }

    // A patient finds who looked at them, without what was looked for and from where.
    let themself = app.token_with(&[Role::Patient], Some(PatientId(ada)));
    let own = found(&app, &themself, "").await;
    check(&own);
    assert!(own.len() >= 4 && own.iter().all(|audit| !audit.to_string().contains("127.0.0.1") && !audit.to_string().contains("nobodysname")), "{own:#?}");
    let patients = own.iter().flat_map(|audit| audit["entity"].as_array().unwrap()).filter(|entity| entity["type"]["code"] == "1");
    assert!(patients.into_iter().all(|entity| entity["what"]["reference"] == format!("Patient/{ada}")));
    let all = found(&app, &officer, "").await;
    let of_others = all.iter().find(|audit| !audit.to_string().contains(&ada.to_string())).unwrap();
    let path = format!("/fhir/AuditEvent/{}", of_others["id"].as_str().unwrap());
    assert_eq!(app.get(&path, Some(&officer), None).await.0, StatusCode::OK);
    assert_eq!(app.get(&path, Some(&themself), None).await.0, StatusCode::NOT_FOUND);
    let elsewhere = app.token_for(TenantId(fresh_id()), Role::ComplianceOfficer, UserId(fresh_id()), None);
    assert_eq!(found(&app, &elsewhere, "").await.len(), 0);
    assert_eq!(app.get(&path, Some(&elsewhere), None).await.0, StatusCode::NOT_FOUND);
    for role in [Role::Clinician, Role::FrontDesk, Role::Administrator, Role::Analyst] {
        for path in [path.as_str(), "/fhir/AuditEvent"] {
            assert_eq!(app.get(path, Some(&app.token(role)), None).await.0, StatusCode::FORBIDDEN, "{role:?} {path}");
        }
    }
    assert_eq!(app.get(&path, None, None).await.0, StatusCode::UNAUTHORIZED);
}
