//! Broken glass whose review is overdue, in every tenant: found in the log itself, so that no read model that is behind delays it. What it takes is in clear there, so
//! no key is asked for, and none that fails is in the way of the others. Nothing but ids comes out.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::emergency::{EmergencyEvent, EscalateBreakGlassRejection, NotOverdue};
use domain::{BreakGlassId, Event, PatientId, TenantId};
use event_store::{AppendError, Position, ReadError, Stored};
use vault::VaultError;

use crate::Gate;
use crate::execute::{Accepted, Failure, Refusal};

/// How many events are looked at at once.
const AT_ONCE: u32 = 1_000;

/// The reviews that are waited for, as far as the log was followed. Each process begins with what the log's tags find, however long the log is.
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
            let stretch = self.store.stored_of_types(EmergencyEvent::TYPES, reviews.through, AT_ONCE).await?;
            stretch.events.iter().for_each(|stored| reviews.read(stored));
            if stretch.through == reviews.through {
                break;
            }
            reviews.through = stretch.through;
        }
        let now = self.store.clock().now();
        let overdue = reviews.awaited.iter().filter(|(_, (_, due))| *due <= now);
        Ok(overdue.map(|((tenant, glass), (patient, _))| Overdue { tenant: *tenant, break_glass: *glass, patient: *patient }).collect())
    }
}

impl Reviews {
    /// What came of escalating it. Where another attempt may do better it stays, and is overdue again.
    pub fn tried(&mut self, overdue: &Overdue, came_of_it: &Result<Accepted, Refusal<EscalateBreakGlassRejection>>) {
        if came_of_it.as_ref().map_or_else(is_settled, |_| true) {
            self.awaited.remove(&(overdue.tenant, overdue.break_glass));
        }
    }

    /// One that this build cannot read is told of and counted. A build that can finds it when it starts.
    fn read(&mut self, stored: &Stored) {
        match stored.without_protected() {
            Ok(Event::Emergency(event)) => self.apply(stored.tenant, &event),
            Ok(_) => {}
            Err(error) => {
                metrics::counter!("carelog_break_glass_unreadable_total").increment(1);
                let (tenant, position, event_type) = (stored.tenant, stored.position.0, &stored.event_type);
                tracing::error!(%tenant, position, event_type, %error, "an event of broken glass does not read, so its review may not be waited for");
            }
        }
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

/// Whether nothing will come of another attempt: it was reviewed meanwhile, is not known, or the patient was erased.
fn is_settled(refusal: &Refusal<EscalateBreakGlassRejection>) -> bool {
    match refusal {
        Refusal::Rejected(EscalateBreakGlassRejection::NotOverdue(NotOverdue::NotOverdue { .. })) => false,
        Refusal::Rejected(_) | Refusal::Unavailable(Failure::Vault(VaultError::Erased) | Failure::Append(AppendError::Vault(VaultError::Erased))) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use domain::emergency::BreakGlassUnknown;
    use uuid::Uuid;

    use super::*;

    const OVERDUE: Overdue = Overdue { tenant: TenantId(Uuid::nil()), break_glass: BreakGlassId(Uuid::nil()), patient: PatientId(Uuid::nil()) };

    /// Whether it is waited for yet after escalating it came to this.
    fn stays(refusal: Refusal<EscalateBreakGlassRejection>) -> bool {
        let mut reviews = Reviews::default();
        reviews.awaited.insert((OVERDUE.tenant, OVERDUE.break_glass), (OVERDUE.patient, DateTime::UNIX_EPOCH));
        reviews.tried(&OVERDUE, &Err(refusal));
        !reviews.awaited.is_empty()
    }

    #[test]
    fn what_another_attempt_may_escalate_stays() {
        let left = NotOverdue::NotOverdue { review_due: DateTime::UNIX_EPOCH };
        assert!(stays(Refusal::Rejected(left.into())), "the clock of whoever decided was behind");
        assert!(stays(Refusal::Contended) && stays(VaultError::Kms("away".to_owned()).into()));
        assert!(!stays(Refusal::Rejected(NotOverdue::ReviewedAlready.into())) && !stays(Refusal::Rejected(BreakGlassUnknown {}.into())));
        assert!(!stays(VaultError::Erased.into()));
    }
}
