//! What a read has disclosed, gathered while it runs.

use std::collections::BTreeSet;

use domain::{PatientId, Permission};
use event_store::Position;
use uuid::Uuid;

use crate::caller::Caller;

/// Who saw what of whom: the content of an access record.
#[derive(Clone, Debug)]
pub struct Disclosure {
    /// The operation, as the client named it in the API's own terms.
    pub operation: String,
    /// The request, as traces and answers name it.
    pub correlation: Uuid,
    /// Every patient of whom something was shown.
    pub patients: BTreeSet<PatientId>,
    /// What was asked for under which permissions.
    pub permissions: BTreeSet<Permission>,
    /// The position that was seen.
    pub reflects: Position,
}

/// The one place through which every answer passes after it was made and before its first byte is sent. Today it leaves a line in the application's log;
/// an access record that is committed here, or the answer withheld, takes its place without any resolver changing.
pub(crate) fn settle(caller: &Caller, disclosure: &Disclosure) {
    tracing::info!(
        operation = disclosure.operation,
        request_id = %disclosure.correlation,
        user = %caller.user,
        patients = disclosure.patients.len(),
        position = disclosure.reflects.0,
        "read"
    );
}
