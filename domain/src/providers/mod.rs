//! *Providers*: the people who give care (FHIR `Practitioner`), what they are qualified for, the roles they hold (`PractitionerRole`), and
//! when they can be booked: weekly hours at a facility, exceptions for a date, blocked time.

mod add_qualification;
#[cfg(test)]
mod arriving;
mod assign_role;
mod block_time;
mod calendar;
#[cfg(test)]
mod calendar_model;
mod events;
#[cfg(test)]
pub(crate) mod examples;
mod onboard;
mod retire;
mod set_availability;
mod set_availability_exception;
mod standing;
mod unblock_time;
mod values;

pub use add_qualification::{AddQualification, AddQualificationRejection};
pub use assign_role::{AssignRole, AssignRoleRejection};
pub use block_time::{BlockTime, BlockTimeRejection};
pub use calendar::Calendar;
pub use events::{
    AvailabilityExceptionSet, AvailabilitySet, PractitionerOnboarded, PractitionerRetired, ProvidersEvent, QualificationAdded, RoleAssigned, TimeBlocked,
    TimeUnblocked,
};
pub use onboard::{OnboardPractitioner, OnboardPractitionerRejection};
pub use retire::{RetirePractitioner, RetirePractitionerRejection};
pub use set_availability::{SetAvailability, SetAvailabilityRejection};
pub use set_availability_exception::{SetAvailabilityException, SetAvailabilityExceptionRejection};
pub use standing::PractitionerStanding;
pub use unblock_time::{UnblockTime, UnblockTimeRejection};
pub use values::{Hours, SlotLength, Weekday, WeeklyHours};
