//! Whether a caller who may act only for some patients may act for this one, and what the log says of a person under every record of theirs.

use std::collections::BTreeSet;

use domain::patients::{LinkedPatients, PatientAccessGranted, PatientAccessRevoked, PatientsEvent, widen};
use domain::scheduling::{AppointmentBooked, AppointmentRescheduled, SchedulingEvent};
use domain::{Event, FacilityId, Named, PatientId, Query, Subject, Tag, TenantId};
use event_store::{EventStore, Position, ReadError, Recorded};

use crate::caller::Caller;

/// What a caller is to a patient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relation {
    /// The patient.
    Themself,
    /// Someone to whom the patient granted access.
    Grantee,
}

/// What the caller is to this patient as of `through`, under any record of the person: merged records are of one.
pub(crate) async fn relation(store: &EventStore, caller: &Caller, subject: Subject, through: Position) -> Result<Option<Relation>, ReadError> {
    let Subject::Patient(patient) = subject else { return Ok(None) };
    if caller.patient == Some(patient) {
        return Ok(Some(Relation::Themself));
    }
    let grants = Query::new().and(&[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE], Tag::patient(patient));
    let (linked, events) = read_person(store, caller.tenant, &grants, through).await?;
    let mut granted: BTreeSet<PatientId> = BTreeSet::new();
    if caller.patient.is_some_and(|own| linked.same_person(own, patient)) {
        return Ok(Some(Relation::Themself));
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
    Ok(granted.into_iter().any(|record| linked.same_person(record, patient)).then_some(Relation::Grantee))
}

/// Whether a person has had an appointment at one of these facilities, under any record of theirs.
pub(crate) async fn cared_for_at(store: &EventStore, tenant: TenantId, patient: PatientId, facilities: &BTreeSet<FacilityId>) -> Result<bool, ReadError> {
    if facilities.is_empty() {
        return Ok(false);
    }
    let placed = Query::new().and(&[AppointmentBooked::TYPE, AppointmentRescheduled::TYPE], Tag::patient(patient));
    let (linked, events) = read_person(store, tenant, &placed, store.head().await?).await?;
    let of_person = |record| linked.same_person(record, patient);
    Ok(events.iter().any(|recorded| match &recorded.event {
        Event::Scheduling(SchedulingEvent::AppointmentBooked(event)) => facilities.contains(&event.placement.facility) && of_person(event.patient),
        Event::Scheduling(SchedulingEvent::AppointmentRescheduled(event)) => facilities.contains(&event.to.facility) && of_person(event.patient),
        _ => false,
    }))
}

/// What a query that names a patient finds under every record of the person, with the merges in force as of `through`.
pub(crate) async fn read_person(store: &EventStore, tenant: TenantId, query: &Query, through: Position) -> Result<(LinkedPatients, Vec<Recorded>), ReadError> {
    let mut linked = LinkedPatients::default();
    loop {
        let widened = widen(query, &linked);
        let events = store.read(tenant, &widened, through).await?;
        linked = LinkedPatients::default();
        for recorded in &events {
            linked.apply(&recorded.event);
        }
        if widen(query, &linked) == widened {
            return Ok((linked, events));
        }
    }
}
