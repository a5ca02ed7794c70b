//! Escalating broken glass that nobody reviewed in time. Any number of processes may do it: the command's id is the glass's own, so it is done once.

use std::time::Duration;

use domain::emergency::EscalateBreakGlass;
use event_store::{AppendError, ReadError, fresh_id};
use gate::{Caller, Failure, Gate, Overdue, Refusal, Request, Reviews, Role};
use uuid::Uuid;
use vault::VaultError;

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
        match gate.execute(&caller, EscalateBreakGlass { break_glass, patient }, request).await {
            Ok(_) => reviews.settle(&overdue),
            Err(refusal) => {
                tracing::warn!(%tenant, %break_glass, error = &refusal as &dyn std::error::Error, "broken glass could not be escalated");
                if is_settled(&refusal) {
                    reviews.settle(&overdue);
                }
            }
        }
    }
    Ok(())
}

/// Whether nothing will come of another attempt: it was reviewed meanwhile, or the patient was erased.
fn is_settled<R: std::error::Error>(refusal: &Refusal<R>) -> bool {
    matches!(refusal, Refusal::Rejected(_) | Refusal::Unavailable(Failure::Vault(VaultError::Erased) | Failure::Append(AppendError::Vault(VaultError::Erased))))
}
