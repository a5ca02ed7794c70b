//! What happened to an appointment.

use domain::scheduling::{Exception, Placement, SchedulingEvent};

use super::words::{Detail, detail, phi, reason, time};
use super::{Entry, Names};

/// Where the appointment is, or is and was.
pub(super) fn placements(event: &SchedulingEvent) -> Vec<&Placement> {
    match event {
        SchedulingEvent::AppointmentBooked(event) => vec![&event.placement],
        SchedulingEvent::AppointmentRescheduled(event) => vec![&event.to, &event.from],
        SchedulingEvent::AppointmentCancelled(event) => vec![&event.placement],
        SchedulingEvent::AppointmentCheckedIn(event) => vec![&event.placement],
        SchedulingEvent::AppointmentFulfilled(event) => vec![&event.placement],
        SchedulingEvent::AppointmentNoShow(event) => vec![&event.placement],
        SchedulingEvent::AppointmentStatusReverted(event) => vec![&event.placement],
    }
}

/// The patient's entry.
pub(super) fn entry(event: &SchedulingEvent, names: &Names) -> Entry {
    let (patient, summary, more) = match event {
        SchedulingEvent::AppointmentBooked(event) => {
            let summary = format!("Booked {}", with(&event.placement, names));
            let more = [reason("For", event.reason.as_ref()), exception(event.exception.as_ref())];
            (event.patient, summary, more)
        }
        SchedulingEvent::AppointmentRescheduled(event) => {
            let summary = format!("Moved from {} to {}", when(&event.from), with(&event.to, names));
            let more = [reason("Reason", event.reason.as_ref()), exception(event.exception.as_ref())];
            (event.patient, summary, more)
        }
        SchedulingEvent::AppointmentCancelled(event) => {
            (event.patient, format!("Cancelled: the appointment {}", with(&event.placement, names)), [reason("Reason", Some(&event.reason)), None])
        }
        SchedulingEvent::AppointmentCheckedIn(event) => {
            (event.patient, format!("Checked in for the appointment {}", with(&event.placement, names)), [None, None])
        }
        SchedulingEvent::AppointmentFulfilled(event) => (event.patient, format!("Fulfilled: the appointment {}", with(&event.placement, names)), [None, None]),
        SchedulingEvent::AppointmentNoShow(event) => {
            (event.patient, format!("Did not come to the appointment {}", with(&event.placement, names)), [None, None])
        }
        SchedulingEvent::AppointmentStatusReverted(event) => {
            let summary = format!("Set back from {} to {}: the appointment {}", event.from.code(), event.to.code(), with(&event.placement, names));
            (event.patient, summary, [reason("Reason", Some(&event.reason)), None])
        }
    };
    let placed = placements(event).first().map(|placement| details(placement, names)).unwrap_or_default();
    Entry { patient, summary, details: placed.into_iter().chain(more.into_iter().flatten()).collect() }
}

/// `with Dr. Ada Lovelace on 5 January 2027, 09:00 (America/Chicago)`.
fn with(placement: &Placement, names: &Names) -> String {
    format!("with {} on {}", names.of(placement.practitioner.0), when(placement))
}

fn when(placement: &Placement) -> String {
    phi(&placement.time, time)
}

fn details(placement: &Placement, names: &Names) -> Vec<Detail> {
    let mut details = vec![
        detail("Practitioner", names.of(placement.practitioner.0)),
        detail("Facility", names.of(placement.facility.0)),
        detail("Time", when(placement)),
        detail("Length", phi(&placement.time, |time| format!("{} minutes", time.minutes.get()))),
    ];
    details.extend(placement.room.map(|room| detail("Room", names.of(room.0))));
    details
}

fn exception(exception: Option<&Exception>) -> Option<Detail> {
    match exception? {
        Exception::Overbooked { reason: why } => reason("Overbooked because", Some(why)),
        Exception::BackEntered { reason: why } => reason("Entered afterwards because", Some(why)),
    }
}
