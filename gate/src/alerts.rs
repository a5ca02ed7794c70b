//! What operators are told of at once: a warning with ids alone, and a counter.

use domain::emergency::EmergencyEvent;
use domain::{BreakGlassId, Event, PatientId, TenantId, UserId};
use event_store::Append;
use uuid::Uuid;

/// What there is to raise once some events are in the log.
pub(crate) struct Alerts {
    tenant: TenantId,
    request: Uuid,
    to_raise: Vec<Alert>,
}

enum Alert {
    Broken { glass: BreakGlassId, patient: PatientId, user: UserId },
    Escalated { glass: BreakGlassId, patient: PatientId },
}

impl Alerts {
    pub(crate) fn of(append: &Append) -> Self {
        let alerts = append.events.iter().filter_map(|event| match event {
            Event::Emergency(EmergencyEvent::GlassBroken(event)) => Some(Alert::Broken { glass: event.break_glass, patient: event.patient, user: event.user }),
            Event::Emergency(EmergencyEvent::BreakGlassEscalated(event)) => Some(Alert::Escalated { glass: event.break_glass, patient: event.patient }),
            _ => None,
        });
        Self { tenant: append.tenant, request: append.correlation, to_raise: alerts.collect() }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.to_raise.is_empty()
    }

    /// Raises them, unless this is the answer to a retry: then they were raised before.
    pub(crate) fn raise(self, repeated: bool) {
        let Self { tenant, request, to_raise } = self;
        for alert in to_raise.into_iter().filter(|_| !repeated) {
            match alert {
                Alert::Broken { glass, patient, user } => {
                    metrics::counter!("carelog_break_glass_total").increment(1);
                    tracing::warn!(%tenant, break_glass = %glass, %patient, %user, request_id = %request, "the glass was broken");
                }
                Alert::Escalated { glass, patient } => {
                    metrics::counter!("carelog_break_glass_escalated_total").increment(1);
                    tracing::warn!(%tenant, break_glass = %glass, %patient, request_id = %request, "broken glass was not reviewed in time");
                }
            }
        }
    }
}
