//! Tests that read as the specification: `given(events).when(command).then(events)`.
//!
//! `given` filters through the decision's own query, widened as execution widens it: a query that is too narrow fails its test.

use chrono::{DateTime, Utc};

use crate::decision::{Boundary, Decision};
use crate::event::Event;

/// What has happened.
pub struct Given(Vec<Event>);

/// What was asked for, and what was decided.
pub struct Decided<D: Decision>(Result<Vec<Event>, D::Rejection>);

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
        let now: DateTime<Utc> = now.parse().expect("a moment in RFC 3339");
        let mut boundary = Boundary::of(decision);
        loop {
            let query = boundary.query().clone();
            let seen = self.0.iter().filter(|event| query.matches(event.event_type(), &event.tags()));
            match boundary.fold(decision, seen) {
                Ok((model, _)) => return Decided(decision.decide(&model, now).map(|events| events.into_iter().map(Into::into).collect())),
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

    /// It was rejected for this reason.
    #[track_caller]
    pub fn then_rejected(self, expected: impl Into<D::Rejection>) {
        match self.0 {
            Ok(events) => panic!("accepted with {} events", events.len()),
            Err(rejection) => assert_eq!(format!("{rejection:?}"), format!("{:?}", expected.into())),
        }
    }
}
