//! What other contexts must know of a practitioner.

use chrono::NaiveDate;

use crate::event::{Event, Named, Subject};
use crate::ids::PractitionerId;
use crate::providers::{Calendar, PractitionerOnboarded, ProvidersEvent};
use crate::query::{Query, Tag};

/// A practitioner as far as other contexts must know: that they are there, and their calendar.
pub struct PractitionerStanding {
    practitioner: PractitionerId,
    onboarded: bool,
    /// When they can be booked.
    pub calendar: Calendar,
}

impl PractitionerStanding {
    /// Before any event.
    pub fn of(practitioner: PractitionerId) -> Self {
        Self { practitioner, onboarded: false, calendar: Calendar::default() }
    }

    /// The events it is folded from, for these days.
    pub fn query(&self, days: &[NaiveDate]) -> Query {
        Calendar::query(self.practitioner, days).and(&[PractitionerOnboarded::TYPE], Tag::practitioner(self.practitioner))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        let Event::Providers(event) = event else { return };
        if event.subject() != Subject::Practitioner(self.practitioner) {
            return;
        }
        self.onboarded |= matches!(event, ProvidersEvent::PractitionerOnboarded(_));
        self.calendar.apply(event);
    }

    /// Whether the practitioner was onboarded.
    pub fn is_onboarded(&self) -> bool {
        self.onboarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::examples::*;

    #[test]
    fn another_practitioners_events_are_not_theirs() {
        let mut standing = PractitionerStanding::of(PRACTITIONER);
        for event in [onboarded(OTHER_PRACTITIONER), available(OTHER_PRACTITIONER)] {
            standing.apply(&event);
        }
        assert!(!standing.is_onboarded() && !standing.calendar.has_hours_at(FACILITY));
        standing.apply(&onboarded(PRACTITIONER));
        assert!(standing.is_onboarded());
    }
}
