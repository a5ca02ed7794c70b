//! A clinic in Chicago with two patients and two practitioners, for the tests of this context.

use uuid::Uuid;

use crate::event::Event;
use crate::ids::{AppointmentId, FacilityId, PatientId, PractitionerId};
use crate::organizations::FacilityOpened;
use crate::patients::{Contact, Demographics, PatientRegistered};
use crate::phi::Phi;
use crate::providers::{AvailabilitySet, Hours, PractitionerOnboarded, Weekday, WeeklyHours};
use crate::scheduling::{AppointmentBooked, BookAppointmentRejection, Busy, NotPlaceable, PlaceUnusable, Placement, PlacementWanted};
use crate::time::{IntendedTime, Zone};
use crate::value::{Minutes, Reason};

pub const ADA: PatientId = PatientId(Uuid::from_u128(1));
pub const BOB: PatientId = PatientId(Uuid::from_u128(2));
pub const PRACTITIONER: PractitionerId = PractitionerId(Uuid::from_u128(3));
pub const OTHER_PRACTITIONER: PractitionerId = PractitionerId(Uuid::from_u128(4));
pub const FACILITY: FacilityId = FacilityId(Uuid::from_u128(5));
pub const APPOINTMENT: AppointmentId = AppointmentId(Uuid::from_u128(6));
pub const OTHER_APPOINTMENT: AppointmentId = AppointmentId(Uuid::from_u128(7));
const CHICAGO: Zone = Zone(chrono_tz::America::Chicago);

/// Everyone is there, and both practitioners work from 08:00 to 17:00 every weekday.
pub fn clinic() -> impl Iterator<Item = Event> {
    let opened = FacilityOpened {
        facility: FACILITY,
        organization: None,
        name: "Main".try_into().unwrap(),
        time_zone: CHICAGO,
        identifiers: vec![],
        telecom: vec![],
        address: None,
    };
    let patients = [ADA, BOB].map(registered);
    let practitioners = [PRACTITIONER, OTHER_PRACTITIONER].into_iter().flat_map(|practitioner| [onboarded(practitioner), available(practitioner)]);
    [opened.into()].into_iter().chain(patients).chain(practitioners)
}

pub fn registered(patient: PatientId) -> Event {
    let (identifiers, demographics, contact) = (vec![].into(), Demographics::default().into(), Contact::default().into());
    PatientRegistered { patient, identifiers, demographics, contact, known_identifier_accepted: None }.into()
}

pub fn onboarded(practitioner: PractitionerId) -> Event {
    let (name, identifiers, telecom, address) = (vec![].into(), vec![].into(), vec![].into(), vec![].into());
    PractitionerOnboarded { practitioner, name, gender: None, identifiers, telecom, address, unverified_npi_accepted: None }.into()
}

pub fn available(practitioner: PractitionerId) -> Event {
    let hours = Hours::new("08:00:00".parse().unwrap(), "17:00:00".parse().unwrap()).unwrap();
    let weekly = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri].map(|day| WeeklyHours { day, hours });
    let (from, slot) = ("2026-01-01".parse().unwrap(), minutes(30));
    AvailabilitySet { practitioner, facility: FACILITY, zone: CHICAGO, from, until: None, weekly: weekly.to_vec(), slot }.into()
}

pub fn minutes(minutes: u16) -> Minutes {
    minutes.try_into().unwrap()
}

pub fn reason(text: &str) -> Phi<Reason> {
    Phi::Known(text.try_into().unwrap())
}

pub fn wanted(start: &str) -> PlacementWanted {
    PlacementWanted {
        practitioner: PRACTITIONER,
        facility: FACILITY,
        room: None,
        start: Phi::Known(start.parse().unwrap()),
        repeated: None,
        minutes: minutes(30),
    }
}

pub fn placement(start: &str) -> Placement {
    let time = IntendedTime { start: start.parse().unwrap(), zone: CHICAGO, repeated: None, minutes: minutes(30) };
    Placement { practitioner: PRACTITIONER, facility: FACILITY, room: None, time: Phi::Known(time) }
}

pub fn booked(appointment: AppointmentId, patient: PatientId, start: &str) -> Event {
    AppointmentBooked { appointment, patient, placement: placement(start), reason: None, exception: None }.into()
}

pub fn booked_with(appointment: AppointmentId, patient: PatientId, practitioner: PractitionerId, start: &str) -> Event {
    AppointmentBooked { appointment, patient, placement: Placement { practitioner, ..placement(start) }, reason: None, exception: None }.into()
}

impl From<Busy> for BookAppointmentRejection {
    fn from(busy: Busy) -> Self {
        NotPlaceable::from(busy).into()
    }
}

impl From<PlaceUnusable> for BookAppointmentRejection {
    fn from(place: PlaceUnusable) -> Self {
        NotPlaceable::from(place).into()
    }
}
