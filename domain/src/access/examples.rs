//! Access records, for the tests of this context.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::AccessRecorded;
use crate::ids::{PatientId, UserId};

pub const USER: UserId = UserId(Uuid::from_u128(50));
pub const OTHER_USER: UserId = UserId(Uuid::from_u128(51));

pub fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

/// Someone saw who these patients are.
pub fn saw(user: UserId, patients: &[PatientId]) -> AccessRecorded {
    let outcome = if patients.is_empty() { "nothing-found" } else { "shown" };
    let plain = json!({
        "user": user, "request": Uuid::nil(), "operation": "query patients", "purpose": "TREAT", "outcome": outcome, "kinds": ["demographics"], "refused": [],
        "fields": [], "patients": patients, "count": patients.len(), "origin": {}, "policy": "", "reflects": 0,
    });
    serde_json::from_value(plain).unwrap()
}
