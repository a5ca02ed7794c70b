use domain::records::{
    AllergyIntolerance, Condition, Device, Encounter, Fact, FactAmended, FactEnteredInError, FactKind, FactRecorded, FamilyMemberHistory, Immunization,
    MedicationRequest, Observation, Procedure,
};
use domain::{Event, EventData};
use serde_json::{Value, json};

use super::{Example, PATIENT, facts, full, minimal};

/// The encounter that the full examples were stated in: the fact of that kind.
pub const ENCOUNTER: &str = "01990000-0000-7000-8000-000000000103";

/// Contents of one kind of fact, as FHIR R4 writes the resource.
pub struct Content {
    /// The kind.
    pub kind: FactKind,
    /// With every field.
    pub full: Value,
    /// With what must be.
    pub minimal: Value,
    examples: fn(&Content) -> Vec<Example>,
}

pub(super) fn examples() -> Vec<Example> {
    contents().iter().flat_map(|content| (content.examples)(content)).collect()
}

/// Contents of every kind of fact.
pub fn contents() -> Vec<Content> {
    vec![
        content::<AllergyIntolerance>(facts::allergy_intolerance(), json!({})),
        content::<Condition>(facts::condition(), json!({})),
        content::<Device>(facts::device(), json!({})),
        content::<Encounter>(facts::encounter(), json!({ "status": "planned", "class": facts::coding("AMB") })),
        content::<FamilyMemberHistory>(facts::family_member_history(), json!({ "status": "partial", "relationship": { "text": "Mother" } })),
        content::<Immunization>(facts::immunization(), json!({ "status": "not-done", "vaccineCode": { "text": "Influenza" } })),
        content::<MedicationRequest>(
            facts::medication_request(),
            json!({ "status": "draft", "intent": "plan", "medicationCodeableConcept": { "text": "Amoxicillin" } }),
        ),
        content::<Observation>(facts::observation(), json!({ "status": "final", "code": { "text": "Smoking" } })),
        content::<Procedure>(facts::procedure(), json!({ "status": "completed" })),
    ]
}

fn content<F: Fact>(full: Value, minimal: Value) -> Content
where
    FactRecorded<F>: EventData + Into<Event>,
    FactAmended<F>: EventData + Into<Event>,
    FactEnteredInError<F>: EventData + Into<Event>,
{
    Content { kind: F::KIND, full, minimal, examples: events::<F> }
}

fn events<F: Fact>(content: &Content) -> Vec<Example>
where
    FactRecorded<F>: EventData + Into<Event>,
    FactAmended<F>: EventData + Into<Event>,
    FactEnteredInError<F>: EventData + Into<Event>,
{
    let number = FactKind::ALL.iter().position(|kind| *kind == F::KIND).unwrap_or_default();
    let with = |more: Value| {
        let mut event = json!({ "patient": PATIENT, "fact": format!("01990000-0000-7000-8000-0000000001{number:02x}") });
        event
            .as_object_mut()
            .into_iter()
            .for_each(|fields| fields.extend(more.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone()))));
        event
    };
    let conflict = json!({ "kind": "active-medication", "with": "01990000-0000-7000-8000-0000000001ff" });
    let screening = json!({ "checked": false, "conflicts": [conflict], "acknowledged": "Monitored on the ward" });
    vec![
        full::<FactRecorded<F>>(with(json!({ "content": content.full, "security": ["R", "PSY"], "screening": screening }))),
        minimal::<FactRecorded<F>>(with(json!({ "content": content.minimal, "security": [], "screening": null }))),
        full::<FactAmended<F>>(with(json!({ "content": content.full, "security": ["V"], "screening": screening, "reason": "The result was corrected" }))),
        minimal::<FactAmended<F>>(with(json!({ "content": content.minimal, "security": [], "screening": null, "reason": "The result was corrected" }))),
        full::<FactEnteredInError<F>>(with(json!({ "reason": "Was written into the wrong chart" }))),
    ]
}
