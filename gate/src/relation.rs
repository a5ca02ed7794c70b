//! Whether a caller who may act only for some patients may act for this one.

use std::collections::BTreeSet;

use domain::patients::{PatientAccessGranted, PatientAccessRevoked, PatientsEvent};
use domain::{Event, Named, PatientId, Query, Subject, Tag};
use event_store::{EventStore, Position, ReadError};

use crate::caller::Caller;

/// Whether the caller is this patient, or was granted access by them up to `through`.
pub(crate) async fn acts_for(store: &EventStore, caller: &Caller, subject: Subject, through: Position) -> Result<bool, ReadError> {
    let Subject::Patient(patient) = subject else { return Ok(false) };
    if caller.patient == Some(patient) {
        return Ok(true);
    }
    let query = Query::new().and(&[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE], Tag::patient(patient));
    let mut granted: BTreeSet<PatientId> = BTreeSet::new();
    for recorded in store.read(caller.tenant, &query, through).await? {
        match recorded.event {
            Event::Patients(PatientsEvent::PatientAccessGranted(event)) if event.grantee == caller.user => {
                granted.insert(event.patient);
            }
            Event::Patients(PatientsEvent::PatientAccessRevoked(event)) if event.grantee == caller.user => {
                granted.remove(&event.patient);
            }
            _ => {}
        }
    }
    Ok(granted.contains(&patient))
}
