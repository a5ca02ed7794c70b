use domain::identity::SessionsEnded;
use serde_json::json;

use super::{Example, GRANTEE, full};

pub(super) fn examples() -> Vec<Example> {
    vec![full::<SessionsEnded>(json!({ "user": GRANTEE, "before": "2026-03-02T21:04:00Z", "reason": "The telephone was stolen" }))]
}
