//! *Scheduling*: appointments (FHIR `Appointment`) between a patient and a practitioner at a facility, perhaps in a room. Times are
//! half-open, and the local time that was agreed on is what counts.

mod book;
mod bookings;
mod events;
#[cfg(test)]
mod examples;
mod placing;
mod values;

pub use book::{AppointmentTaken, BookAppointment, BookAppointmentRejection};
pub use bookings::{Booking, Bookings, Busy};
pub use events::{
    AppointmentBooked, AppointmentCancelled, AppointmentCheckedIn, AppointmentFulfilled, AppointmentNoShow, AppointmentRescheduled, AppointmentStatusReverted,
    SchedulingEvent,
};
pub use placing::{ExceptionWanted, NotPlaceable, PlaceUnusable, PlacementWanted};
pub use values::{AppointmentStatus, ExceptionGranted, Placement};
