//! *Scheduling*: appointments (FHIR `Appointment`) between a patient and a practitioner at a facility, perhaps in a room. Times are
//! half-open, and the local time that was agreed on is what counts.

mod actions;
#[cfg(test)]
mod arriving;
mod book;
mod bookings;
mod cancel;
mod check_in;
mod events;
#[cfg(test)]
pub(crate) mod examples;
mod fulfil;
mod mark_no_show;
#[cfg(test)]
mod never_double_booked;
mod placing;
mod reschedule;
mod undo_status;
mod values;

pub use actions::{Action, NotNow, OfferedAction, WhyNot, actions};
pub use book::{BookAppointment, BookAppointmentRejection};
pub use bookings::{AppointmentUnusable, Booking, Bookings, Busy};
pub use cancel::CancelAppointment;
pub use check_in::CheckInAppointment;
pub use events::{
    AppointmentBooked, AppointmentCancelled, AppointmentCheckedIn, AppointmentFulfilled, AppointmentNoShow, AppointmentRescheduled, AppointmentStatusReverted,
    SchedulingEvent,
};
pub use fulfil::FulfilAppointment;
pub use mark_no_show::MarkNoShow;
pub use placing::{NotPlaceable, PlacementWanted};
pub use reschedule::{RescheduleAppointment, RescheduleAppointmentRejection};
pub use undo_status::{UndoStatus, UndoStatusRejection};
pub use values::{AppointmentStatus, Exception, Placement};
