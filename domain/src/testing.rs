//! Tests that read as the specification: `given(events).when(command).then(events)`.
//!
//! `given` filters through the decision's own query, widened as execution widens it: a query that is too narrow fails its test.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::decision::{Boundary, Circumstances, Command, Decision};
use crate::event::Event;
use crate::ids::UserId;

/// Who asks, unless a test says otherwise.
pub const ACTOR: UserId = UserId(uuid::Uuid::from_u128(90));

/// What has happened.
pub struct Given(Vec<Event>);

/// What was asked for, and what was decided.
pub struct Decided<D: Decision>(Result<Vec<Event>, D::Rejection>);

/// Somebody asks who is neither a practitioner nor a patient.
pub fn circumstances(actor: UserId, now: &str) -> Circumstances {
    let now = now.parse().expect("a moment in RFC 3339");
    Circumstances { now, actor, practitioner: None, own_patient: None, causation: None, terminology: Arc::default() }
}

/// These events have happened, in this order.
pub fn given(events: impl IntoIterator<Item = Event>) -> Given {
    Given(events.into_iter().collect())
}

impl Given {
    /// Decides at 2027-01-04 12:00 UTC.
    pub fn when<D: Decision>(self, decision: &D) -> Decided<D> {
        self.when_at("2027-01-04T12:00:00Z", decision)
    }

    /// Decides at a moment.
    pub fn when_at<D: Decision>(self, now: &str, decision: &D) -> Decided<D> {
        self.when_by_at(ACTOR, now, decision)
    }

    /// Decides for somebody, at a moment.
    pub fn when_by_at<D: Decision>(self, actor: UserId, now: &str, decision: &D) -> Decided<D> {
        self.when_in(&circumstances(actor, now), decision)
    }

    /// Decides in circumstances.
    pub fn when_in<D: Decision>(self, circumstances: &Circumstances, decision: &D) -> Decided<D> {
        let mut boundary = Boundary::of(decision);
        loop {
            let query = boundary.query().clone();
            let seen = self.0.iter().filter(|event| query.matches(event.event_type(), &event.tags()));
            match boundary.fold(decision, seen) {
                Ok((model, _)) => return Decided(decision.decide(&model, circumstances).map(|events| events.into_iter().map(Into::into).collect())),
                Err(wider) => boundary = wider,
            }
        }
    }
}

impl<D: Decision> Decided<D> {
    /// It led to exactly these events.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = Event>) {
        let events = self.accepted();
        let expected: Vec<Event> = expected.into_iter().collect();
        let names = |events: &[Event]| events.iter().map(|event| event.event_type().to_string()).collect::<Vec<_>>();
        assert_eq!(names(&events), names(&expected), "other events than expected");
        assert!(events == expected, "the expected events, with other content");
    }

    /// It was accepted; the events, to look into.
    #[track_caller]
    pub fn accepted(self) -> Vec<Event> {
        match self.0 {
            Ok(events) => events,
            Err(rejection) => panic!("rejected: {rejection:?}"),
        }
    }

    /// It was rejected for this reason, as the caller sees it: which enums it is wrapped in does not matter.
    #[track_caller]
    pub fn then_rejected(self, expected: impl Serialize) {
        match self.0 {
            Ok(events) => panic!("accepted with {} events", events.len()),
            Err(rejection) => assert_eq!(serde_json::to_value(rejection).unwrap(), serde_json::to_value(expected).unwrap()),
        }
    }

    /// Either of the two, to look into.
    pub fn outcome(self) -> Result<Vec<Event>, D::Rejection> {
        self.0
    }
}

/// Reads a command's body, which is within bounds and has no field too many: with one more it is refused.
#[track_caller]
pub fn arriving<C: Command>(body: &Value) -> C {
    assert_bounded::<C>();
    let mut with_one_more = body.clone();
    with_one_more["shoeSize"] = 38.into();
    assert!(serde_json::from_value::<C>(with_one_more).is_err(), "a field that is not known is refused");
    serde_json::from_value(body.clone()).unwrap()
}

/// A command's schema bounds every list and every text, so that no body within it is endless.
#[track_caller]
pub fn assert_bounded<C: JsonSchema>() {
    if let Some(path) = unbounded(&schemars::schema_for!(C).to_value(), String::new()) {
        panic!("{path} has no bound in the schema of {}", C::schema_name());
    }
}

fn unbounded(schema: &Value, path: String) -> Option<String> {
    let is = |wanted: &str| match &schema["type"] {
        Value::Array(types) => types.iter().any(|kind| kind == wanted),
        kind => kind == wanted,
    };
    let says = |bounds: &[&str]| bounds.iter().any(|bound| schema.get(bound).is_some());
    if is("array") && !says(&["maxItems"]) || is("string") && !says(&["maxLength", "format", "pattern", "enum", "const"]) {
        return Some(path);
    }
    match schema {
        Value::Object(members) => members.iter().find_map(|(name, member)| unbounded(member, format!("{path}/{name}"))),
        Value::Array(members) => members.iter().find_map(|member| unbounded(member, path.clone())),
        _ => None,
    }
}
