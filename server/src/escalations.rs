//! Escalating broken glass that nobody reviewed in time. Any number of processes may do it: the command's id is the glass's own, so it is done once.

use std::time::Duration;

use domain::emergency::EscalateBreakGlass;
use event_store::{ReadError, fresh_id};
use gate::{Caller, Gate, Overdue, Request, Reviews, Role};
use uuid::Uuid;

use crate::shutdown::{self, Shutdown};

const EVERY: Duration = Duration::from_secs(10);

/// Until the process is to stop. What fails is tried again a little later.
pub async fn follow(gate: &Gate, shutdown: Shutdown) {
    let work = async {
        let mut reviews = Reviews::default();
        loop {
            if let Err(error) = escalate(gate, &mut reviews).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "overdue reviews of broken glass could not be looked for");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown::requested(shutdown) => {}
    }
}

async fn escalate(gate: &Gate, reviews: &mut Reviews) -> Result<(), ReadError> {
    for overdue in gate.overdue(reviews).await? {
        let Overdue { tenant, break_glass, patient } = overdue;
        let caller = Caller::operator(tenant, "escalations", [Role::ComplianceOfficer]);
        let command_id = Some(Uuid::new_v5(&break_glass.0, b"escalate-break-glass"));
        let request = Request { command_id, correlation: fresh_id(), causation: None, based_on: None };
        // What is in the way of one, such as a key of its tenant, is not in the way of the others.
        let escalated = gate.execute(&caller, EscalateBreakGlass { break_glass, patient }, request).await;
        if let Err(refusal) = &escalated {
            metrics::counter!("carelog_break_glass_not_escalated_total").increment(1);
            tracing::warn!(%tenant, %break_glass, error = refusal as &dyn std::error::Error, "broken glass could not be escalated");
        }
        reviews.tried(&overdue, &escalated);
    }
    Ok(())
}
