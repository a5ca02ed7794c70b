//! `carelog import fhir`, as an operator runs it: the real binary on real databases. What comes in comes in once, whatever interrupts it, and every line is accounted for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use domain::TenantId;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::app::App;

/// A folder of input that goes away.
pub struct Input(pub PathBuf);

impl Input {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("carelog-import-{}", event_store::fresh_id().simple()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub fn with(self, name: &str, lines: &[String]) -> Self {
        fs::write(self.0.join(name), lines.join("\n")).unwrap();
        self
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

pub fn command(app: &App, path: &Path, tenant: TenantId, report: &Path) -> std::process::Command {
    command_from(app, path, tenant, "clinic", report)
}

fn command_from(app: &App, path: &Path, tenant: TenantId, source: &str, report: &Path) -> std::process::Command {
    let (tenant, path, report) = (tenant.to_string(), path.to_str().unwrap(), report.to_str().unwrap());
    app.command(&["import", "fhir", path, "--tenant", &tenant, "--source", source, "--time-zone", "America/Chicago", "--report", report])
}

pub fn run(app: &App, path: &Path, tenant: TenantId) -> (Output, Value) {
    run_with(app, path, tenant, &[])
}

pub fn run_with(app: &App, path: &Path, tenant: TenantId, options: &[&str]) -> (Output, Value) {
    run_from(app, path, tenant, "clinic", options)
}

fn run_from(app: &App, path: &Path, tenant: TenantId, source: &str, options: &[&str]) -> (Output, Value) {
    let report = std::env::temp_dir().join(format!("carelog-report-{}.json", event_store::fresh_id().simple()));
    let output = command_from(app, path, tenant, source, &report).args(options).output().unwrap();
    let json = fs::read(&report).map(|json| serde_json::from_slice(&json).unwrap()).unwrap_or_default();
    fs::remove_file(report).ok();
    (output, json)
}

pub fn import(app: &App, path: &Path) -> Value {
    let (output, report) = run(app, path, app.tenant);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    adds_up(&report);
    report
}

/// Every item is in exactly one count.
pub fn adds_up(report: &Value) {
    let sum = |counts: &Value| counts.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    let count = |counts: &Value, name: &str| counts[name].as_u64().unwrap();
    let resources: Vec<&Value> = report["resources"].as_object().unwrap().values().collect();
    for counts in &resources {
        assert_eq!(sum(counts), 2 * count(counts, "read"), "{counts}");
    }
    let read: u64 = resources.iter().map(|counts| count(counts, "read")).sum();
    assert_eq!(count(report, "blank") + sum(&report["noResource"]) + sum(&report["notYet"]) + read, count(report, "items"));
}

pub fn counts(report: &Value, resource: &str) -> (u64, u64, u64, u64, u64) {
    let of = |name: &str| report["resources"][resource][name].as_u64().unwrap_or_default();
    (of("taken"), of("alreadyThere"), of("changed"), of("refused"), of("notUnderstood"))
}

pub fn problems(report: &Value) -> Vec<(u64, &str, &str)> {
    report["problems"].as_array().unwrap().iter().map(problem).collect()
}

fn problem(problem: &Value) -> (u64, &str, &str) {
    (problem["item"].as_u64().unwrap(), problem["kind"].as_str().unwrap(), problem["code"].as_str().unwrap_or_default())
}

pub async fn log(app: &App) -> PgPool {
    PgPool::connect(&app.url(0)).await.unwrap()
}

pub async fn events(pool: &PgPool, tenant: TenantId) -> i64 {
    sqlx::query_scalar("select count(*) from clinical.event where tenant = $1").bind(tenant.0).fetch_one(pool).await.unwrap()
}

pub fn record_number(value: &str) -> Value {
    json!({ "system": "urn:mrn", "value": value, "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }] } })
}

pub fn patient(number: usize) -> String {
    let identifier = [record_number(&number.to_string())];
    let mut patient =
        json!({ "resourceType": "Patient", "id": format!("p{number}"), "identifier": identifier, "name": [{ "family": format!("Family{number}") }] });
    if number.is_multiple_of(3) {
        patient["deceasedDateTime"] = json!("2001-02-03");
    }
    patient.to_string()
}

fn observation(number: usize) -> String {
    let status = if number.is_multiple_of(5) { "entered-in-error" } else { "final" };
    let subject = json!({ "reference": format!("Patient/p{number}") });
    json!({ "resourceType": "Observation", "id": format!("o{number}"), "status": status, "code": { "text": "pulse" }, "subject": subject }).to_string()
}

fn patients(number: usize) -> Input {
    Input::new().with("Patient.ndjson", &(0..number).map(patient).collect::<Vec<_>>())
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_where_it_was_when_it_is_run_again() {
    const PATIENTS: usize = 400;
    let app = App::without_processes(&[]).await;
    let input = patients(PATIENTS).with("Observation.ndjson", &(0..PATIENTS).map(observation).collect::<Vec<_>>());
    let pool = log(&app).await;
    let deaths = (0..PATIENTS).filter(|number| number % 3 == 0).count();
    let facts_begin = i64::try_from(PATIENTS + deaths).unwrap();
    for killed_after in [1, 100, 300, facts_begin + 50, facts_begin + 200] {
        let mut child = command(&app, &input.0, app.tenant, Path::new("/dev/null")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while events(&pool, app.tenant).await < killed_after {
            assert!(child.try_wait().unwrap().is_none(), "it is not done before it is killed");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let report = import(&app, &input.0);
    let (taken, already_there, ..) = counts(&report, "Patient");
    assert!(already_there >= 150, "it did not begin anew: {already_there}");
    assert_eq!(usize::try_from(taken + already_there).unwrap(), PATIENTS);
    let (taken, already_there, ..) = counts(&report, "Observation");
    assert!(already_there >= 150 && usize::try_from(taken + already_there).unwrap() == PATIENTS, "{already_there}");
    let in_error = (0..PATIENTS).filter(|number| number % 5 == 0).count();
    assert_eq!(usize::try_from(events(&pool, app.tenant).await).unwrap(), 2 * PATIENTS + deaths + in_error, "each once");
    let again = import(&app, &input.0);
    assert_eq!(["Patient", "Observation"].map(|resource| counts(&again, resource)), [(0, PATIENTS as u64, 0, 0, 0); 2]);
}

#[tokio::test]
async fn an_import_that_is_interrupted_stops_in_good_order() {
    let app = App::without_processes(&[]).await;
    let (input, pool) = (patients(1000), log(&app).await);
    let report = input.0.join("report");
    let mut child = command(&app, &input.0, app.tenant, &report).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while events(&pool, app.tenant).await < 20 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let interrupted: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    adds_up(&interrupted);
    assert_eq!(interrupted["interrupted"], true);
    let (done, not_reached) = (counts(&interrupted, "Patient").0, interrupted["resources"]["Patient"]["notReached"].as_u64().unwrap());
    assert!(done >= 10 && done + not_reached == 1000, "{done} and {not_reached}");
    fs::remove_file(report).unwrap();
    let after = import(&app, &input.0);
    assert_eq!((counts(&after, "Patient").0, counts(&after, "Patient").1), (not_reached, done), "what it said was taken is what was taken");
}

/// An export that is still being written while it is imported.
#[tokio::test]
async fn what_comes_into_the_input_while_it_is_read_is_counted_and_taken_the_next_time() {
    let app = App::without_processes(&[]).await;
    let (input, pool) = (patients(600).with("Observation.ndjson", &[observation(1), String::new()]), log(&app).await);
    let report = input.0.join("report");
    let mut child = command(&app, &input.0, app.tenant, &report).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while events(&pool, app.tenant).await == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let more = format!("{}\n{}", fs::read_to_string(input.0.join("Observation.ndjson")).unwrap(), observation(2));
    fs::write(input.0.join("Observation.ndjson"), more).unwrap();
    assert!(child.wait().unwrap().success());
    let grown: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    fs::remove_file(report).unwrap();
    adds_up(&grown);
    assert_eq!((counts(&grown, "Observation"), &grown["notSurveyed"]), ((1, 0, 0, 0, 0), &json!(1)));
    let after = import(&app, &input.0);
    assert_eq!((counts(&after, "Observation"), &after["notSurveyed"]), ((1, 1, 0, 0, 0), &json!(0)));
}

#[tokio::test]
async fn a_broken_line_is_reported_by_its_number_and_the_rest_goes_in() {
    let app = App::without_processes(&[]).await;
    let lines = [
        patient(1),
        "{ Needle".to_owned(),
        String::new(),
        r#"{"id":"Needle"}"#.to_owned(),
        r#"{"resourceType":"Needle","id":"Needle"}"#.to_owned(),
        r#"{"resourceType":"Patient","name":[{"family":"Needle"}]}"#.to_owned(),
        r#"["Needle"]"#.to_owned(),
        r#"{"resourceType":"Patient","id":"Needle2","birthDate":"Needle","gender":{},"name":"Needle","Needle":1}"#.to_owned(),
        r#"{"resourceType":"Patient","id":"Needle3","modifierExtension":[{"url":"http://example.org/Needle"}]}"#.to_owned(),
        // The same medical record number as the first.
        patient(1).replace("\"p1\"", "\"Needle4\""),
        r#"{"resourceType":"Patient","id":"Needle5","birthDate":"2000","deceasedDateTime":"1999","name":[{"family":"Needle"}]}"#.to_owned(),
        r#"{"resourceType":"Encounter","id":"Needle"}"#.to_owned(),
        patient(2),
    ];
    let input = Input::new().with("Needle_Smith_1950.ndjson", &lines);
    let (output, report) = run(&app, &input.0, app.tenant);
    assert!(output.status.success());
    adds_up(&report);
    assert_eq!(counts(&report, "Patient"), (4, 0, 0, 1, 2));
    assert_eq!((report["items"].as_u64(), report["blank"].as_u64()), (Some(13), Some(1)));
    let expected = [
        (2, "not-a-fhir-resource", "not-json"),
        (4, "not-a-fhir-resource", "no-resource-type"),
        (5, "not-a-fhir-resource", "unknown-resource-type"),
        (6, "not-understood", "value-missing"),
        (7, "not-a-fhir-resource", "not-an-object"),
        (8, "left-out", ""),
        (8, "left-out", ""),
        (8, "left-out", ""),
        (9, "not-understood", "modifier-not-understood"),
        (10, "refused", "medical-record-number-taken"),
        (11, "refused", "death-before-birth"),
        (12, "not-understood", "value-missing"),
    ];
    assert_eq!(problems(&report), expected);
    assert_eq!(report["inPart"], json!({ "record-death refused death-before-birth": 1 }));
    let said = [report.to_string(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap()].concat();
    assert!(!said.replace("\"Patient.Needle\"", "").replace("Patient.Needle\n", "").contains("Needle"), "a value is repeated: {said}");
}

#[tokio::test]
async fn what_has_changed_since_is_said_and_what_is_new_is_taken() {
    let app = App::without_processes(&[]).await;
    let alive = |number: usize| {
        let mut patient: Value = serde_json::from_str(&patient(number)).unwrap();
        patient.as_object_mut().unwrap().remove("deceasedDateTime");
        patient.to_string()
    };
    import(&app, &Input::new().with("Patient.ndjson", &[alive(1), alive(2), alive(3)]).0);
    let second = Input::new().with("Patient.ndjson", &[patient(1).replace("Family1", "Married"), patient(2), patient(3), patient(2)]);
    let report = import(&app, &second.0);
    assert_eq!(counts(&report, "Patient"), (1, 2, 1, 0, 0), "a death is new, a name is changed, and a line that is repeated is there: {report}");
    assert_eq!(problems(&report), [(1, "changed", "")]);
    assert_eq!(events(&log(&app).await, app.tenant).await, 4);
}

/// Who amended it since, here or there, an import cannot tell: so it amends nothing, and says which line is another one.
#[tokio::test]
async fn a_fact_that_has_changed_in_the_source_is_named_and_not_amended() {
    let app = App::without_processes(&[]).await;
    let facts = |text: &str| {
        let facts = [observation(1), observation(2).replace("pulse", text), observation(3), observation(1)];
        Input::new().with("Observation.ndjson", &facts).with("Patient.ndjson", &[patient(1), patient(2), patient(3)])
    };
    assert_eq!(counts(&import(&app, &facts("pulse").0), "Observation"), (3, 1, 0, 0, 0));
    let before = events(&log(&app).await, app.tenant).await;
    for _ in 0..2 {
        let (output, report) = run(&app, &facts("Needle").0, app.tenant);
        adds_up(&report);
        assert_eq!(counts(&report, "Observation"), (0, 3, 1, 0, 0), "{report}");
        assert_eq!(problems(&report), [(2, "changed", "")], "the line");
        let resource = report["problems"][0]["resource"].as_str().unwrap();
        assert!(resource.starts_with("Observation/") && report["problems"][0]["file"] == "Observation.ndjson", "{report}");
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains("1 differ from what was imported of them before, and were not amended"), "{told}");
        assert!(told.contains(&format!("Observation.ndjson 2: {resource} changed")) && !told.contains("Needle"), "{told}");
    }
    assert_eq!(events(&log(&app).await, app.tenant).await, before);
}

#[tokio::test]
async fn a_bundle_goes_in_like_lines_and_refers_to_its_own_entries() {
    let app = App::without_processes(&[]).await;
    let entry = |url: &str, resource: Value| json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": "x" } });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        entry("urn:uuid:4", json!({ "resourceType": "PractitionerRole", "practitioner": { "reference": "Practitioner?identifier=urn:s|3" }, "organization": { "reference": "urn:uuid:1" } })),
        entry("urn:uuid:2", json!({ "resourceType": "Organization", "name": "Part", "partOf": { "reference": "urn:uuid:1" } })),
        entry("urn:uuid:1", json!({ "resourceType": "Organization", "name": "Whole" })),
        entry("urn:uuid:3", json!({ "resourceType": "Practitioner", "identifier": [{ "system": "urn:s", "value": "3" }] })),
        json!({ "fullUrl": "urn:uuid:5", "request": { "method": "DELETE", "url": "Patient/5" } }),
    ]});
    let input = Input::new().with("bundle.json", &[bundle.to_string()]).with("notes.txt", &[]);
    let report = import(&app, &input.0);
    let taken = ["Organization", "Practitioner", "PractitionerRole"].map(|resource| counts(&report, resource));
    assert_eq!(taken, [(2, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0)], "{report}");
    assert_eq!((&report["noResource"], &report["otherFiles"]), (&json!({ "no-resource-to-create": 1 }), &json!(1)));
    assert_eq!(problems(&report), [(5, "not-a-fhir-resource", "no-resource-to-create")]);
}

/// Ids are names within a source: what two sources call `Patient/p1` are two patients.
#[tokio::test]
async fn two_sources_of_one_tenant_do_not_share_charts() {
    let app = App::without_processes(&[]).await;
    let (allergy, pool) = (observation(1), log(&app).await);
    let second =
        Input::new().with("Patient.ndjson", &[patient(1).replace("\"1\"", "\"north-1\"").replace("Family1", "Other")]).with("Observation.ndjson", &[allergy]);
    import(&app, &Input::new().with("Patient.ndjson", &[patient(1)]).0);
    let (output, report) = run_from(&app, &second.0, app.tenant, "north", &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((counts(&report, "Patient"), counts(&report, "Observation")), ((1, 0, 0, 0, 0), (1, 0, 0, 0, 0)), "{report}");
    let people: i64 =
        sqlx::query_scalar("select count(distinct subject) from clinical.event where tenant = $1").bind(app.tenant.0).fetch_one(&pool).await.unwrap();
    assert_eq!(people, 2);
    let without =
        app.command(&["import", "fhir", second.0.to_str().unwrap(), "--tenant", &app.tenant.to_string(), "--time-zone", "America/Chicago"]).output().unwrap();
    assert!(!without.status.success() && String::from_utf8_lossy(&without.stderr).contains("--source"), "nobody forgets it");
}

/// Two servers in one bundle: neither patient is the other, and no fact is anyone's unless it says whose.
#[tokio::test]
async fn two_servers_in_one_bundle_do_not_share_charts() {
    let app = App::without_processes(&[]).await;
    let entry = |url: &str, resource: Value| json!({ "fullUrl": url, "resource": resource });
    let patient = |family: &str| json!({ "resourceType": "Patient", "id": "1", "name": [{ "family": family }] });
    let observation = |id: &str, reference: &str| json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" }, "subject": { "reference": reference } });
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        entry("https://a.example/fhir/Patient/1", patient("A")),
        entry("https://b.example/fhir/Patient/1", patient("B")),
        entry("https://b.example/fhir/Observation/1", observation("1", "https://b.example/fhir/Patient/1")),
        entry("https://b.example/fhir/Observation/2", observation("2", "Patient/1")),
    ]});
    let input = Input::new().with("bundle.json", &[bundle.to_string()]);
    let report = import(&app, &input.0);
    let not_unique = |entry| (entry, "not-understood", "id-not-unique");
    let unresolved = |entry| (entry, "not-understood", "reference-unresolved");
    assert_eq!(problems(&report), [not_unique(1), not_unique(2), unresolved(3), unresolved(4)]);
    assert_eq!(events(&log(&app).await, app.tenant).await, 0);
    let (_, report) = run_with(&app, &input.0, app.tenant, &["--base", "https://a.example/fhir"]);
    assert_eq!((counts(&report, "Patient"), counts(&report, "Observation")), ((2, 0, 0, 0, 0), (2, 0, 0, 0, 0)), "{report}");
    let of_each = "select count(*) from clinical.event where tenant = $1 group by subject order by 1";
    let of_each: Vec<i64> = sqlx::query_scalar(of_each).bind(app.tenant.0).fetch_all(&log(&app).await).await.unwrap();
    assert_eq!(of_each, [1, 3], "both are the second one's");
}

/// Any line, good or bad; few ids, so that lines repeat and contradict each other.
fn line() -> impl Strategy<Value = String> {
    let resource_type = prop_oneof![
        Just("Organization"),
        Just("Location"),
        Just("Practitioner"),
        Just("PractitionerRole"),
        Just("Patient"),
        Just("Observation"),
        Just("CarePlan"),
        Just("Nonsense")
    ];
    let reference = (0..4_u8).prop_map(|id| json!({ "reference": format!("Organization/{id}") }));
    let resource = (resource_type, 0..6_u8, "[A-Z]?[a-z]{0,3}", proptest::option::of(reference), 0..4_u8).prop_map(|(kind, id, name, whole, value)| {
        let name = if matches!(kind, "Patient" | "Practitioner") { json!([{ "family": name }]) } else { json!(name) };
        let mut resource = json!({
            "resourceType": kind, "id": id.to_string(), "name": name, "identifier": [record_number(&value.to_string())],
            "status": "final", "code": { "text": name }, "subject": { "reference": format!("Patient/{value}") },
            "practitioner": { "reference": format!("Practitioner/{id}") }, "organization": { "reference": format!("Organization/{value}") },
        });
        if let Some(whole) = whole {
            resource["partOf"] = whole;
        }
        resource.to_string()
    });
    prop_oneof![8 => resource, 1 => Just(String::new()), 1 => "[^\n\r]{0,20}"]
}

#[tokio::test]
async fn any_mixture_of_lines_adds_up_and_comes_out_the_same_every_time() {
    let app = App::without_processes(&[]).await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..6 {
        let lines = proptest::collection::vec(line(), 0..120).new_tree(&mut runner).unwrap().current();
        let input = Input::new().with("a.ndjson", &lines).with("b.ndjson", &lines[lines.len() / 2..]);
        let mut first = None;
        for _ in 0..3 {
            let (output, mut report) = run(&app, &input.0, TenantId(event_store::fresh_id()));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            adds_up(&report);
            // Ids are the tenant's own.
            report["tenant"].take();
            report["seconds"].take();
            for problem in report["problems"].as_array_mut().unwrap() {
                problem["resource"].take();
            }
            assert_eq!(first.get_or_insert_with(|| report.clone()), &report);
        }
    }
}
