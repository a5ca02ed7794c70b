use domain::emergency::{BreakGlassEscalated, BreakGlassReviewed, GlassBroken};
use serde_json::json;

use super::{BROKEN_GLASS, DUPLICATE, Example, GRANTEE, PATIENT, PRACTITIONER, REVIEWER, full, further};

pub(super) fn examples() -> Vec<Example> {
    vec![
        full::<GlassBroken>(json!({
            "breakGlass": BROKEN_GLASS,
            "patient": PATIENT,
            "user": GRANTEE,
            "reason": "Unconscious in the emergency room, no relative to ask",
            "starts": "2026-03-02T21:04:00Z",
            "ends": "2026-03-02T21:34:00Z",
            "reviewDue": "2026-03-05T21:04:00Z",
        })),
        further::<GlassBroken>(json!({
            "breakGlass": BROKEN_GLASS,
            "patient": PATIENT,
            "user": GRANTEE,
            "practitioner": PRACTITIONER,
            "ownPatient": DUPLICATE,
            "reason": "Unconscious in the emergency room, no relative to ask",
            "starts": "2026-03-02T21:04:00Z",
            "ends": "2026-03-02T21:34:00Z",
            "reviewDue": "2026-03-05T21:04:00Z",
        })),
        full::<BreakGlassReviewed>(json!({
            "breakGlass": BROKEN_GLASS,
            "patient": PATIENT,
            "reviewer": REVIEWER,
            "finding": "justified",
            "note": "The admission confirms it",
        })),
        full::<BreakGlassEscalated>(json!({ "breakGlass": BROKEN_GLASS, "patient": PATIENT })),
    ]
}
