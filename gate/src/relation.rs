//! Whether a caller who may act only for some patients may act for this one, and what the log says of a person under every record of theirs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::access::DataKind;
use domain::fhir_values::PartialDate;
use domain::patients::{
    AccessScope, DemographicsCorrected, LinkedPatients, PatientAccessGranted, PatientAccessRevoked, PatientRecord, PatientRegistered, widen,
};
use domain::scheduling::{AppointmentBooked, AppointmentRescheduled, SchedulingEvent};
use domain::{Event, EventType, FacilityId, Named, PatientId, Phi, Query, Subject, Tag, TenantId};
use event_store::{EventStore, Position, ReadError, Recorded};

use crate::caller::Caller;
use crate::decision_information::grant_covers;

/// What a caller is to a patient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relation {
    /// The patient.
    Themself,
    /// Someone to whom the patient granted access, to something of this kind.
    Grantee,
}

/// What says who was granted access to a record, and until when it holds.
const GRANTS: &[EventType] = &[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE, PatientRegistered::TYPE, DemographicsCorrected::TYPE];

/// What the caller is at a moment to this patient as of `through`, for data of a kind, under any record of the person: merged records are of one.
pub(crate) async fn relation(
    store: &EventStore,
    caller: &Caller,
    subject: Subject,
    kind: Option<DataKind>,
    through: Position,
    now: DateTime<Utc>,
) -> Result<Option<Relation>, ReadError> {
    let Subject::Patient(patient) = subject else { return Ok(None) };
    if caller.patient == Some(patient) {
        return Ok(Some(Relation::Themself));
    }
    let (linked, events) = read_person(store, caller.tenant, &Query::new().and(GRANTS, Tag::patient(patient)), through).await?;
    if caller.patient.is_some_and(|own| linked.same_person(own, patient)) {
        return Ok(Some(Relation::Themself));
    }
    let mut records: BTreeMap<PatientId, PatientRecord> = BTreeMap::new();
    for Recorded { event, .. } in &events {
        if let Event::Patients(change) = event {
            records.entry(change.record()).or_insert_with(|| PatientRecord::of(change.record())).apply(event);
        }
    }
    let theirs = records.values().filter(|record| linked.same_person(record.patient, patient));
    let granted = theirs.filter(|record| granted_in(record, caller, kind, now)).count() > 0;
    Ok(granted.then_some(Relation::Grantee))
}

/// Whether a record says that the caller has access to data of a kind at a moment. Of an erased person nobody has.
fn granted_in(record: &PatientRecord, caller: &Caller, kind: Option<DataKind>, now: DateTime<Utc>) -> bool {
    let scope = record.grantees.get(&caller.user).and_then(Phi::known).filter(|scope| grant_covers(&scope.kinds, kind));
    scope.map(AccessScope::term).is_some_and(|term| term.holds(record.birth_date().map(PartialDate::earliest), now))
}

/// Those of these facilities where a person has had an appointment, under any record of theirs.
pub(crate) async fn cared_for_at(
    store: &EventStore,
    tenant: TenantId,
    patient: PatientId,
    facilities: BTreeSet<FacilityId>,
) -> Result<BTreeSet<FacilityId>, ReadError> {
    if facilities.is_empty() {
        return Ok(facilities);
    }
    let appointments = Query::new().and(&[AppointmentBooked::TYPE, AppointmentRescheduled::TYPE], Tag::patient(patient));
    let (linked, events) = read_person(store, tenant, &appointments, store.head().await?).await?;
    let places = events.iter().filter_map(|recorded| match &recorded.event {
        Event::Scheduling(SchedulingEvent::AppointmentBooked(event)) => Some((event.patient, event.placement.facility)),
        Event::Scheduling(SchedulingEvent::AppointmentRescheduled(event)) => Some((event.patient, event.to.facility)),
        _ => None,
    });
    Ok(places.filter(|(record, place)| facilities.contains(place) && linked.same_person(*record, patient)).map(|(_, place)| place).collect())
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
