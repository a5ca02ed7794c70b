//! FHIR in and out again: what was imported comes back from the read models, less what the import's report says was left out, and every resource is valid.

mod audit;
mod balp;
mod counted;
mod documents;
mod facts;
mod http;
mod same;
mod schema;
mod shapes;
mod validator;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::app::App;
use crate::import::{adds_up, counts, events, import, log, run_with};
use same::{Ids, Same};
use schema::Schema;

/// A folder of published test data, where it is; CI must have it.
fn data(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("CARELOG_TEST_DATA").map_or_else(beside, PathBuf::from).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", folder.display());
    eprintln!("SKIPPED: there is no {}; CARELOG_TEST_DATA names the folder that holds {name}", folder.display());
    None
}

/// The resources of a folder, of NDJSON or of one a file.
fn resources(folder: &Path) -> Vec<Value> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let whole = path.extension().is_some_and(|extension| extension == "json");
        let lines: Vec<Value> = if whole { vec![text.parse().unwrap()] } else { text.lines().map(|line| line.parse().unwrap()).collect() };
        lines
    };
    paths.iter().flat_map(read).collect()
}

/// What `carelog export fhir` writes.
fn export(app: &App) -> Vec<Value> {
    let folder = std::env::temp_dir().join(format!("carelog-export-{}", event_store::fresh_id().simple()));
    let output = app.command(&["export", "fhir", folder.to_str().unwrap(), "--tenant", &app.tenant.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let exported = resources(&folder);
    fs::remove_dir_all(folder).unwrap();
    exported
}

fn by_type(resources: &[Value]) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for resource in resources {
        *counts.entry(resource["resourceType"].as_str().unwrap_or("none")).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_bulk_export_goes_in_whole_once_and_comes_out_again() {
    let Some(folder) = data("synthea-10") else { return };
    let app = App::serve().await;
    let report = import(&app, &folder);
    assert_eq!((&report["items"], &report["noResource"]), (&json!(7164), &json!({ "no-resource-type": 4 })), "4 lines are the export's own log");
    assert_eq!((&report["notYet"], &report["leftOut"]), (&json!({}), &json!({})), "every reference resolves");
    let input: Vec<Value> = resources(&folder).into_iter().filter(|resource| resource["id"].is_string()).collect();
    assert_eq!((input.len() + 4, by_type(&input)["DocumentReference"]), (7164, 1215));
    for (resource_type, number) in by_type(&input) {
        assert_eq!(counts(&report, resource_type), (number, 0, 0, 0, 0), "{resource_type}");
    }
    let stored = documents::stored(&app.documents).len();
    eprintln!("{} resources in {:.1} seconds", input.len(), report["seconds"].as_f64().unwrap());

    let pool = log(&app).await;
    let before = events(&pool, app.tenant).await;
    let again = import(&app, &folder);
    for (resource_type, number) in by_type(&input) {
        assert_eq!(counts(&again, resource_type), (0, number, 0, 0, 0), "{resource_type}");
    }
    assert_eq!((events(&pool, app.tenant).await, &again["notKept"]), (before, &report["notKept"]), "a second run changes nothing");
    assert_eq!((stored, documents::stored(&app.documents).len()), (1215, 1215), "and stores nothing");

    let exported = export(&app);
    assert_eq!(by_type(&exported), by_type(&input));
    let shown = counted::shown(&app).await;
    assert_eq!(shown, by_type(&input).into_iter().map(|(name, count)| (name.to_owned(), count)).collect(), "GraphQL shows what the report counts");
    if let Some(schema) = Schema::published() {
        exported.iter().for_each(|resource| schema.check(resource));
        eprintln!("{} resources are valid", exported.len());
    }
    let same = Same::of(&input, &exported, &Ids::of(&app, &input).await);
    assert_eq!(same.missing, Vec::<String>::new());
    // Only the code of a concept of which nothing is kept was counted besides the concept itself.
    assert_eq!(same.unlike(&report), json!({ "Location.physicalType.coding.display": -1 }));
    let granted = json!({ "DocumentReference.content.attachment.size": 1215, "Location.mode": 43, "Patient.active": 13, "Practitioner.name.use": 43 });
    assert_eq!(same.added, granted, "what Carelog takes for granted");
    eprintln!("{} resources, {} values came back", same.resources, same.values);
    http::answers(&app, &exported).await;
}

#[tokio::test]
async fn the_observations_of_the_specification_come_back() {
    let Some(folder) = data("hl7-r4-observations") else { return };
    let app = App::serve().await;
    let (output, report) = run_with(&app, &folder, app.tenant, &["--register-missing-patients"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    adds_up(&report);
    assert_eq!(counts(&report, "Observation"), (32, 0, 0, 0, 0), "{report}");
    // Patient/example, infant, pat2, f001, f201, brcapat, 727127, PatientId-patientId, and one newborn of three scores.
    assert_eq!(report["registeredUnidentified"], 9);
    let (_, again) = run_with(&app, &folder, app.tenant, &["--register-missing-patients"]);
    assert_eq!((counts(&again, "Observation"), &again["registeredUnidentified"]), ((0, 32, 0, 0, 0), &json!(0)));

    let (input, exported) = (resources(&folder), export(&app));
    assert_eq!(by_type(&exported), BTreeMap::from([("Observation", 32), ("Patient", 9)]));
    if let Some(schema) = Schema::published() {
        exported.iter().for_each(|resource| schema.check(resource));
    }
    let observations: Vec<Value> = exported.into_iter().filter(|resource| resource["resourceType"] == "Observation").collect();
    assert_eq!(observations.iter().filter(|observation| observation["status"] == "entered-in-error").count(), 1);
    let same = Same::of(&input, &observations, &Ids::of(&app, &input).await);
    assert_eq!((same.missing.len(), &same.added), (0, &json!({})));
    // A contained newborn is a patient of their own.
    assert_eq!(same.unlike(&report), json!({ "Observation.subject.reference": 3 }));
    eprintln!("{} resources, {} values came back", same.resources, same.values);
}
