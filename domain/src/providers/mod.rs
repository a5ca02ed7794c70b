//! *Providers*: the people who give care (FHIR `Practitioner`), what they are qualified for, the roles they hold (`PractitionerRole`), and
//! when they can be booked: weekly hours at a facility, exceptions for a date, blocked time.

mod calendar;
mod events;

pub use calendar::{Calendar, PractitionerStanding};
pub use events::{
    AvailabilityExceptionSet, AvailabilitySet, PractitionerOnboarded, PractitionerRetired, ProvidersEvent, QualificationAdded, RoleAssigned, TimeBlocked,
    TimeUnblocked,
};
pub use values::{Hours, Weekday, WeeklyHours};

mod values;
