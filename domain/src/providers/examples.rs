//! A facility in Chicago and two practitioners, for the tests of this context and of those that book them.

use uuid::Uuid;

use crate::event::Event;
use crate::ids::{BlockId, FacilityId, PractitionerId};
use crate::organizations::FacilityOpened;
use crate::phi::Phi;
use crate::providers::{AvailabilitySet, Hours, PractitionerOnboarded, PractitionerRetired, TimeBlocked, Weekday, WeeklyHours};
use crate::time::{LocalStretch, Zone};
use crate::value::{Minutes, Reason};

pub const PRACTITIONER: PractitionerId = PractitionerId(Uuid::from_u128(3));
pub const OTHER_PRACTITIONER: PractitionerId = PractitionerId(Uuid::from_u128(4));
pub const FACILITY: FacilityId = FacilityId(Uuid::from_u128(5));
pub const BLOCK: BlockId = BlockId(Uuid::from_u128(9));
pub const UNKNOWN_PRACTITIONER: PractitionerId = PractitionerId(Uuid::from_u128(102));
pub const UNKNOWN_FACILITY: FacilityId = FacilityId(Uuid::from_u128(103));
pub const CHICAGO: Zone = Zone(chrono_tz::America::Chicago);

pub fn minutes(minutes: u16) -> Minutes {
    minutes.try_into().unwrap()
}

pub fn reason(text: &str) -> Phi<Reason> {
    Phi::Known(text.try_into().unwrap())
}

pub fn hours(start: &str, end: &str) -> Hours {
    Hours::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
}

pub fn opened(facility: FacilityId, time_zone: Zone) -> Event {
    let name = "Main".try_into().unwrap();
    FacilityOpened { facility, organization: None, name, time_zone, identifiers: vec![], telecom: vec![], address: None }.into()
}

pub fn onboarded(practitioner: PractitionerId) -> Event {
    let (name, identifiers, telecom, address) = (vec![].into(), vec![].into(), vec![].into(), vec![].into());
    PractitionerOnboarded { practitioner, name, gender: None, identifiers, telecom, address, unverified_npi_accepted: None }.into()
}

/// From 08:00 to 17:00 every weekday of 2026 and later.
pub fn available(practitioner: PractitionerId) -> Event {
    let hours = hours("08:00:00", "17:00:00");
    let weekly = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri].map(|day| WeeklyHours { day, hours });
    let (from, slot) = ("2026-01-01".parse().unwrap(), minutes(30));
    AvailabilitySet { practitioner, facility: FACILITY, zone: CHICAGO, from, until: None, weekly: weekly.to_vec(), slot }.into()
}

pub fn blocked(start: &str, end: &str) -> Event {
    let time = LocalStretch { start: start.parse().unwrap(), end: end.parse().unwrap(), zone: CHICAGO };
    TimeBlocked { practitioner: PRACTITIONER, block: BLOCK, time, reason: None }.into()
}

pub fn retired(from: &str) -> Event {
    PractitionerRetired { practitioner: PRACTITIONER, from: from.parse().unwrap(), reason: None }.into()
}
