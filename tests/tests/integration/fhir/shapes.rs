//! Access records of every shape that there is, as `AuditEvent`.

use domain::access::{AccessAnswered, PurposeOfUse};
use fhir::export::AuditRow;
use serde_json::{Value, json};
use uuid::Uuid;

/// Operations that ask, in their APIs' own terms.
const ASK: [&str; 8] = [
    "fhir read Patient",
    "fhir read Practitioner",
    "fhir search AuditEvent",
    "fhir everything",
    "fhir export",
    "query patients",
    "download document",
    "link document",
];

/// Operations that do not.
const ASK_NOTHING: [&str; 3] = ["command scheduling.book-appointment", "import fhir", "token for clinician and administrator"];

/// What those come to who ask for nothing.
pub fn without_question() -> Vec<Value> {
    of(&ASK_NOTHING)
}

/// What all others come to.
pub fn questions() -> Vec<Value> {
    of(&ASK)
}

fn of(operations: &[&str]) -> Vec<Value> {
    let mut shapes = Vec::new();
    for operation in operations {
        for outcome in ["shown", "nothing-found", "refused"] {
            for patients in 0..3 {
                for told in [true, false] {
                    shapes.push(shape(shapes.len(), operation, outcome, patients, told));
                }
            }
        }
    }
    shapes
}

/// One of them; who looked, in which roles and what for, goes by its number.
fn shape(number: usize, operation: &str, outcome: &str, patients: usize, told: bool) -> Value {
    let id = |last: usize| Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + last as u128);
    let purpose = PurposeOfUse::ALL[number % PurposeOfUse::ALL.len()].code();
    let seen: Vec<Uuid> = (0..patients).map(|patient| id(10 + patient)).collect();
    let mut access = json!({
        "user": id(1), "request": id(2), "operation": operation, "purpose": purpose, "outcome": outcome, "kinds": ["demographics"], "refused": [],
        "fields": [], "patients": seen, "count": patients, "origin": {}, "policy": "0f1e2d", "reflects": 7,
    });
    if told {
        let agent = ["curl/8.5.0", "", " "][number / 2 % 3];
        access["origin"] = json!({ "address": "2001:db8::7", "agent": agent });
        let name = if operation.starts_with("download") { "document" } else { "id" };
        access["criteria"] = json!({ name: id(3) }).to_string().into();
    }
    match number % 4 {
        0 => access["practitioner"] = json!(id(4)),
        1 => access["ownPatient"] = json!(id(5)),
        _ => {}
    }
    let role = ["clinician", "", "administrator,compliance-officer"][number % 3];
    let access = serde_json::from_value(access).unwrap();
    let answered = [None, Some(AccessAnswered::Yes), Some(AccessAnswered::No), Some(AccessAnswered::Unknown)][number % 4];
    AuditRow { id: id(100 + number), position: 1, recorded: "2026-11-21T08:30:00.123456Z".parse().unwrap(), role, access: &access, answered }.resource()
}
