use domain::records::{
    AllergyIntolerance, Condition, Device, Encounter, Fact, FactAmended, FactEnteredInError, FactKind, FactRecorded, FamilyMemberHistory, Immunization,
    MedicationRequest, Observation, Procedure,
};
use domain::{Event, EventData};
use serde_json::{Value, json};

use super::{Example, PATIENT, facts, full, minimal};

/// The number of the encounters among the kinds.
const ENCOUNTERS: u8 = 3;

/// The encounter that the full examples were stated in: the fact of that kind.
pub fn encounter_id() -> String {
    fact(ENCOUNTERS)
}

/// The fact of the kind that has this number.
fn fact(number: u8) -> String {
    format!("01990000-0000-7000-8000-0000000001{number:02x}")
}

/// Contents of one kind of fact, as FHIR R4 writes the resource.
pub struct Content {
    /// The kind.
    pub kind: FactKind,
    /// Its number, by which its fact is called in all examples: a new kind takes the next one, and none is ever another's.
    number: u8,
    /// With every field.
    pub full: Value,
    /// With what must be.
    pub minimal: Value,
    /// With what came later than the full example, or cannot stand beside it.
    further: Option<Value>,
    examples: fn(&Content) -> Vec<Example>,
}

pub(super) fn examples() -> Vec<Example> {
    contents().iter().flat_map(|content| (content.examples)(content)).collect()
}

/// Contents of every kind of fact, each with its number.
pub fn contents() -> Vec<Content> {
    vec![
        content::<AllergyIntolerance>(0, facts::allergy_intolerance(), json!({})),
        content::<Condition>(1, facts::condition(), json!({})),
        content::<Device>(2, facts::device(), json!({})),
        content::<Encounter>(ENCOUNTERS, facts::encounter(), json!({ "status": "planned", "class": facts::coding("AMB") })),
        content::<FamilyMemberHistory>(4, facts::family_member_history(), json!({ "status": "partial", "relationship": { "text": "Mother" } })),
        content::<Immunization>(5, facts::immunization(), json!({ "status": "not-done", "vaccineCode": { "text": "Influenza" } })),
        content::<MedicationRequest>(
            6,
            facts::medication_request(),
            json!({ "status": "draft", "intent": "plan", "medicationCodeableConcept": { "text": "Amoxicillin" } }),
        ),
        content::<Observation>(7, facts::observation(), json!({ "status": "final", "code": { "text": "Smoking" } })),
        content::<Procedure>(8, facts::procedure(), json!({ "status": "completed" })),
    ]
}

fn content<F: Fact>(number: u8, full: Value, minimal: Value) -> Content
where
    FactRecorded<F>: EventData + Into<Event>,
    FactAmended<F>: EventData + Into<Event>,
    FactEnteredInError<F>: EventData + Into<Event>,
{
    Content { kind: F::KIND, number, full, minimal, further: facts::further(F::KIND), examples: events::<F> }
}

fn events<F: Fact>(content: &Content) -> Vec<Example>
where
    FactRecorded<F>: EventData + Into<Event>,
    FactAmended<F>: EventData + Into<Event>,
    FactEnteredInError<F>: EventData + Into<Event>,
{
    let with = |more: Value| {
        let mut event = json!({ "patient": PATIENT, "fact": fact(content.number) });
        event
            .as_object_mut()
            .into_iter()
            .for_each(|fields| fields.extend(more.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone()))));
        event
    };
    let conflict = json!({ "kind": "active-medication", "with": "01990000-0000-7000-8000-0000000001ff" });
    let screening = json!({ "checked": false, "conflicts": [conflict], "acknowledged": "Monitored on the ward" });
    let stated = vec![
        full::<FactRecorded<F>>(with(json!({ "content": content.full, "security": ["R", "PSY"], "screening": screening }))),
        minimal::<FactRecorded<F>>(with(json!({ "content": content.minimal, "security": [], "screening": null }))),
        full::<FactAmended<F>>(with(json!({ "content": content.full, "security": ["V"], "screening": screening, "reason": "The result was corrected" }))),
        minimal::<FactAmended<F>>(with(json!({ "content": content.minimal, "security": [], "screening": null, "reason": "The result was corrected" }))),
        full::<FactEnteredInError<F>>(with(json!({ "reason": "Was written into the wrong chart" }))),
    ];
    let more = content.further.iter().flat_map(|further| {
        let recorded = with(json!({ "content": further, "security": [], "screening": null }));
        let amended = with(json!({ "content": further, "security": [], "screening": null, "reason": "The result was corrected" }));
        [super::further::<FactRecorded<F>>(recorded), super::further::<FactAmended<F>>(amended)]
    });
    stated.into_iter().chain(more).collect()
}
