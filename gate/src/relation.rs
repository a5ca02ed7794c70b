//! Whether a caller who may act only for some patients may act for this one.

use std::collections::BTreeSet;

use domain::patients::{LinkedPatients, PatientAccessGranted, PatientAccessRevoked, PatientsEvent, widen};
use domain::{Event, Named, PatientId, Query, Subject, Tag};
use event_store::{EventStore, Position, ReadError};

use crate::caller::Caller;

/// Whether the caller is this patient, under any record of theirs, or was granted access by them up to `through`. A grant is for the record that it names.
pub(crate) async fn acts_for(store: &EventStore, caller: &Caller, subject: Subject, through: Position) -> Result<bool, ReadError> {
    let Subject::Patient(patient) = subject else { return Ok(false) };
    if caller.patient == Some(patient) {
        return Ok(true);
    }
    let grants = Query::new().and(&[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE], Tag::patient(patient));
    let mut linked = LinkedPatients::default();
    let mut granted: BTreeSet<PatientId> = BTreeSet::new();
    let events = loop {
        let query = widen(&grants, &linked);
        let events = store.read(caller.tenant, &query, through).await?;
        let mut merges = LinkedPatients::default();
        for recorded in &events {
            merges.apply(&recorded.event);
        }
        linked = merges;
        if widen(&grants, &linked) == query {
            break events;
        }
    };
    if caller.patient.is_some_and(|own| linked.same_person(own, patient)) {
        return Ok(true);
    }
    for recorded in events {
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
