//! Documents in and out again: what is refused, what is interrupted, and what belongs together.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::export;
use super::schema::Schema;
use crate::app::App;
use crate::import::{Input, command, counts, events, import, log, patient};

/// `Hello` in base64.
const HELLO: &str = "SGVsbG8=";

fn attachment(kind: &str, data: &str) -> Value {
    json!({ "attachment": { "contentType": kind, "data": data } })
}

fn document(id: &str, fields: &Value) -> String {
    let mut document = json!({
        "resourceType": "DocumentReference", "id": id, "status": "current", "subject": { "reference": "Patient/p1" },
        "content": [attachment("text/plain", HELLO)],
    });
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    document.to_string()
}

fn of(id: &str, kind: &str, data: &str) -> String {
    document(id, &json!({ "content": [attachment(kind, data)] }))
}

pub fn stored(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.flat_map(|entry| if entry.path().is_dir() { stored(&entry.path()) } else { vec![entry.path()] }).collect()
}

fn exported_documents(app: &App) -> Vec<Value> {
    let schema = Schema::published();
    let exported = export(app);
    exported.iter().for_each(|resource| schema.iter().for_each(|schema| schema.check(resource)));
    exported.into_iter().filter(|resource| resource["resourceType"] == "DocumentReference").collect()
}

#[tokio::test]
async fn what_an_upload_would_be_refused_for_is_refused_by_line_and_code_and_leaves_nothing() {
    let app = App::without_processes(&[("CARELOG_DOCUMENT_LIMIT", "1")]).await;
    let large = "QUFB".repeat(350_000);
    let lines = [
        of("0", "text/plain; charset=utf-8", HELLO),
        of("1", "application/pdf", HELLO),
        of("2", "text/plain", "JVBERi0xLjcK"),
        of("3", "text/html", "PGh0bWw+"),
        of("4", "text/plain", &large),
        of("5", "text/plain", "Needle!"),
        document("6", &json!({ "content": [{ "attachment": { "contentType": "text/plain", "url": "http://example.org/Needle" } }] })),
        document("7", &json!({ "subject": { "reference": "Patient/Needle" } })),
        document("8", &json!({ "context": { "encounter": [{ "reference": "Encounter/of-another" }], "related": [{ "reference": "Observation/Needle" }] } })),
        document("9", &json!({ "status": "Needle" })),
        document("10", &json!({ "modifierExtension": [{ "url": "http://example.org/Needle" }] })),
    ];
    let encounter = json!({
        "resourceType": "Encounter", "id": "of-another", "status": "finished", "class": { "code": "AMB" }, "subject": { "reference": "Patient/p2" },
    });
    let input = Input::new().with("a.ndjson", &lines).with("b.ndjson", &[patient(1), patient(2), encounter.to_string()]);
    let report = import(&app, &input.0);
    assert_eq!(counts(&report, "DocumentReference"), (1, 0, 0, 6, 4), "{report}");
    let said: Vec<String> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| ["item", "kind", "code", "path"].map(|name| problem[name].to_string().replace('"', "")).join(" "))
        .collect();
    let expected = [
        "2 refused content-type-mismatch null",
        "3 refused content-type-mismatch null",
        "4 refused content-type-not-allowed null",
        "5 refused document-too-large null",
        "6 not-understood value-broken DocumentReference.content.attachment.data",
        "7 not-understood value-missing DocumentReference.content.attachment.data",
        "8 refused patient-unknown null",
        "9 refused encounter-unknown null",
        "10 not-understood value-broken DocumentReference.status",
        "11 not-understood modifier-not-understood DocumentReference.modifierExtension",
    ];
    assert_eq!(said, expected);
    assert!(!report.to_string().contains("Needle"));
    assert_eq!(stored(&app.documents).len(), 1, "what was refused left nothing");
}

#[tokio::test]
async fn documents_that_an_import_was_killed_over_are_all_there_once_after_the_next() {
    const DOCUMENTS: usize = 300;
    let mut app = App::without_processes(&[]).await;
    let text = |number: usize| format!("{number} {}", "abc ".repeat(20_000));
    let data = |number: usize| base64(text(number).as_bytes());
    let lines: Vec<String> = (0..DOCUMENTS).map(|number| of(&number.to_string(), "text/plain", &data(number))).collect();
    let input = Input::new().with("Patient.ndjson", &[patient(1)]).with("DocumentReference.ndjson", &lines);
    let pool = log(&app).await;
    for killed_after in [2, 60, 150, 151, 230] {
        let mut child = command(&app, &input.0, app.tenant, Path::new("/dev/null")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while events(&pool, app.tenant).await < killed_after {
            assert!(child.try_wait().unwrap().is_none(), "it is not done before it is killed");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let report = import(&app, &input.0);
    let (taken, already_there, ..) = counts(&report, "DocumentReference");
    assert!(already_there >= 200 && usize::try_from(taken + already_there).unwrap() == DOCUMENTS, "{report}");
    assert_eq!(usize::try_from(events(&pool, app.tenant).await).unwrap(), 1 + DOCUMENTS, "each once");
    let before = stored(&app.documents);
    let again = import(&app, &input.0);
    assert_eq!((counts(&again, "DocumentReference"), stored(&app.documents).len()), ((0, DOCUMENTS as u64, 0, 0, 0), before.len()), "nothing is stored twice");

    // What a kill left between the bytes and their event is collected like any upload's.
    for path in &before {
        assert!(std::process::Command::new("touch").args(["-d", "2 days ago"]).arg(path).status().unwrap().success());
    }
    assert!(app.command(&["collect-documents"]).status().unwrap().success());
    assert_eq!(stored(&app.documents).len(), DOCUMENTS);
    app.start("serve").await;
    let mut whole: Vec<String> =
        exported_documents(&app).iter().map(|document| document["content"][0]["attachment"]["data"].as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<String> = (0..DOCUMENTS).map(data).collect();
    whole.sort();
    expected.sort();
    assert!(whole == expected, "every document opens and is what went in");
}

#[tokio::test]
async fn several_contents_supersession_removal_and_labels_come_out_as_they_went_in() {
    let app = App::serve().await;
    let coding = |code: &str| json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code });
    let lines = [
        patient(1),
        document("old", &json!({ "status": "superseded", "description": "old" })),
        document("new", &json!({ "description": "new", "relatesTo": [{ "code": "replaces", "target": { "reference": "DocumentReference/old" } }] })),
        document("two", &json!({ "description": "two", "content": [attachment("text/plain", HELLO), attachment("text/xml", "PGEvPg==")] })),
        document("wrong", &json!({ "description": "wrong", "status": "entered-in-error" })),
        document("secret", &json!({ "description": "secret", "securityLabel": [{ "coding": [coding("PSY")] }] })),
    ];
    let input = Input::new().with("a.ndjson", &lines);
    let report = import(&app, &input.0);
    assert_eq!((counts(&report, "DocumentReference"), &report["notKept"], &report["inPart"]), ((5, 0, 0, 0, 0), &json!({}), &json!({})), "{report}");
    assert_eq!(counts(&import(&app, &input.0), "DocumentReference"), (0, 5, 0, 0, 0));
    let exported = exported_documents(&app);
    let described = |description: &str| exported.iter().filter(|document| document["description"] == description).collect::<Vec<_>>();
    let (old, new) = (described("old")[0], described("new")[0]);
    let target = json!([{ "code": "replaces", "target": { "reference": format!("DocumentReference/{}", old["id"].as_str().unwrap()) } }]);
    assert_eq!((&old["status"], &new["status"], &new["relatesTo"]), (&json!("superseded"), &json!("current"), &target));
    let kinds: std::collections::BTreeSet<&str> =
        described("two").iter().map(|document| document["content"][0]["attachment"]["contentType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text/plain", "text/xml"].into());
    let wrong = described("wrong")[0];
    assert_eq!((&wrong["status"], wrong["content"][0]["attachment"].get("data")), (&json!("entered-in-error"), None), "it is not handed out");
    assert_eq!(described("secret")[0]["securityLabel"], json!([{ "coding": [coding("PSY")] }]));
}

/// Base64, written a second time.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().chain([&0, &0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        (0..4).map(move |place| if place <= group.len() { char::from(DIGITS[bits >> (18 - 6 * place) & 63]) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}
