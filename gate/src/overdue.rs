//! Broken glass whose review is overdue, in every tenant: followed in the log itself, so that no read model that is behind delays it. Nothing but ids comes out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::emergency::EmergencyEvent;
use domain::{BreakGlassId, Event, PatientId, TenantId};
use event_store::{Position, ReadError};

use crate::Gate;

/// How many positions are looked at at once.
const AT_ONCE: u32 = 10_000;

/// The reviews that are waited for, as far as the log was followed. Each process follows it from its beginning.
#[derive(Default)]
pub struct Reviews {
    through: Position,
    awaited: BTreeMap<(TenantId, BreakGlassId), (PatientId, DateTime<Utc>)>,
}

/// Broken glass that nobody reviewed in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overdue {
    /// In which tenant.
    pub tenant: TenantId,
    /// The time for which it was broken.
    pub break_glass: BreakGlassId,
    /// Whose record it opened.
    pub patient: PatientId,
}

impl Gate {
    /// Follows the log to its end; what is overdue by now, and not escalated yet.
    pub async fn overdue(&self, reviews: &mut Reviews) -> Result<Vec<Overdue>, ReadError> {
        loop {
            let page = self.store.page(reviews.through, AT_ONCE, Some(EmergencyEvent::TYPES)).await?;
            // One that does not open says nothing of a review: whoever mends it starts anew.
            for recorded in page.events.into_iter().flatten() {
                if let Event::Emergency(event) = recorded.event {
                    reviews.apply(recorded.tenant, &event);
                }
            }
            if page.through == reviews.through {
                break;
            }
            reviews.through = page.through;
        }
        let now = self.store.clock().now();
        let overdue = reviews.awaited.iter().filter(|(_, (_, due))| *due <= now);
        Ok(overdue.map(|((tenant, glass), (patient, _))| Overdue { tenant: *tenant, break_glass: *glass, patient: *patient }).collect())
    }
}

impl Reviews {
    /// There is nothing more to be done about this one.
    pub fn settle(&mut self, overdue: &Overdue) {
        self.awaited.remove(&(overdue.tenant, overdue.break_glass));
    }

    fn apply(&mut self, tenant: TenantId, event: &EmergencyEvent) {
        match event {
            EmergencyEvent::GlassBroken(event) => {
                self.awaited.insert((tenant, event.break_glass), (event.patient, event.review_due));
            }
            EmergencyEvent::BreakGlassReviewed(event) => {
                self.awaited.remove(&(tenant, event.break_glass));
            }
            EmergencyEvent::BreakGlassEscalated(event) => {
                self.awaited.remove(&(tenant, event.break_glass));
            }
        }
    }
}
