//! A clinic in Chicago with two patients and two practitioners, for the tests of this context.

use uuid::Uuid;

use crate::event::Event;
use crate::ids::{AppointmentId, PatientId, PractitionerId, RoomId};
use crate::organizations::RoomAdded;
use crate::patients::{Contact, Demographics, PatientMergeUndone, PatientRegistered, PatientsMerged};
pub use crate::providers::examples::*;
use crate::scheduling::{
    AppointmentBooked, AppointmentCancelled, AppointmentCheckedIn, AppointmentFulfilled, AppointmentNoShow, AppointmentRescheduled, Placement, PlacementWanted,
};
use crate::time::{IntendedTime, LocalTime};

pub const ADA: PatientId = PatientId(Uuid::from_u128(1));
pub const BOB: PatientId = PatientId(Uuid::from_u128(2));
pub const ROOM: RoomId = RoomId(Uuid::from_u128(6));
pub const APPOINTMENT: AppointmentId = AppointmentId(Uuid::from_u128(7));
pub const OTHER_APPOINTMENT: AppointmentId = AppointmentId(Uuid::from_u128(8));
pub const UNKNOWN_PATIENT: PatientId = PatientId(Uuid::from_u128(101));
pub const UNKNOWN_ROOM: RoomId = RoomId(Uuid::from_u128(104));

/// Where [`ada_booked`] is.
const ADAS_START: &str = "2027-01-05T09:00:00";
/// A little before it, then, and a little after.
pub const BEFORE: &str = "2027-01-05T14:59:59Z";
pub const START: &str = "2027-01-05T15:00:00Z";
pub const AFTER: &str = "2027-01-05T15:10:00Z";

/// Everyone is there, and both practitioners work from 08:00 to 17:00 every weekday.
pub fn clinic() -> impl Iterator<Item = Event> {
    let patients = [ADA, BOB].map(registered);
    let practitioners = [PRACTITIONER, OTHER_PRACTITIONER].into_iter().flat_map(|practitioner| [onboarded(practitioner), available(practitioner)]);
    let room = RoomAdded { room: ROOM, facility: FACILITY, name: "1".try_into().unwrap() };
    [opened(FACILITY, CHICAGO), room.into()].into_iter().chain(patients).chain(practitioners)
}

pub fn registered(patient: PatientId) -> Event {
    let (identifiers, demographics, contact) = (vec![].into(), Demographics::default().into(), Contact::default().into());
    PatientRegistered { patient, identifiers, demographics, contact, known_identifier_accepted: None }.into()
}

pub fn merged(survivor: PatientId, merged: PatientId) -> Event {
    PatientsMerged { survivor, merged, reason: reason("same person") }.into()
}

pub fn merge_undone(survivor: PatientId, merged: PatientId) -> Event {
    PatientMergeUndone { survivor, merged, reason: reason("not the same person") }.into()
}

pub fn wanted(start: &str) -> PlacementWanted {
    let start: LocalTime = start.parse().unwrap();
    PlacementWanted { practitioner: PRACTITIONER, facility: FACILITY, room: None, start: start.into(), repeated: None, minutes: minutes(30) }
}

pub fn placement(start: &str) -> Placement {
    let time = IntendedTime { start: start.parse().unwrap(), zone: CHICAGO, repeated: None, minutes: minutes(30) };
    Placement { practitioner: PRACTITIONER, facility: FACILITY, room: None, time: time.into() }
}

pub fn booked(appointment: AppointmentId, patient: PatientId, start: &str) -> Event {
    booked_with(appointment, patient, PRACTITIONER, start)
}

pub fn booked_with(appointment: AppointmentId, patient: PatientId, practitioner: PractitionerId, start: &str) -> Event {
    AppointmentBooked { appointment, patient, placement: Placement { practitioner, ..placement(start) }, reason: None, exception: None }.into()
}

pub fn booked_in(appointment: AppointmentId, patient: PatientId, practitioner: PractitionerId, room: RoomId, start: &str) -> Event {
    let placement = Placement { practitioner, room: Some(room), ..placement(start) };
    AppointmentBooked { appointment, patient, placement, reason: None, exception: None }.into()
}

/// [`ADA`] is booked at [`START`]; the events below are of that appointment.
pub fn ada_booked() -> Event {
    booked(APPOINTMENT, ADA, ADAS_START)
}

pub fn moved(from: &str, to: &str) -> Event {
    let (from, to) = (placement(from), placement(to));
    AppointmentRescheduled { appointment: APPOINTMENT, patient: ADA, from, to, reason: None, exception: None }.into()
}

pub fn cancelled() -> Event {
    AppointmentCancelled { appointment: APPOINTMENT, patient: ADA, placement: placement(ADAS_START), reason: reason("ill") }.into()
}

pub fn checked_in() -> Event {
    AppointmentCheckedIn { appointment: APPOINTMENT, patient: ADA, placement: placement(ADAS_START) }.into()
}

pub fn fulfilled() -> Event {
    AppointmentFulfilled { appointment: APPOINTMENT, patient: ADA, placement: placement(ADAS_START) }.into()
}

pub fn no_show() -> Event {
    AppointmentNoShow { appointment: APPOINTMENT, patient: ADA, placement: placement(ADAS_START) }.into()
}
