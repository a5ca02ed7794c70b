//! Undo a mis-click.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{AppointmentId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::scheduling::actions::{Action, only_from};
use crate::scheduling::{AppointmentStatus, AppointmentStatusReverted, AppointmentUnusable, Bookings, Busy, NotNow};
use crate::time::{IntendedTime, Interval};
use crate::value::Reason;

/// Takes back a check-in, a fulfilment or a no-show that was a mis-click: the appointment has the status again that it had before. A cancellation
/// is no mis-click: it is told to the patient, so it is booked anew.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UndoStatus {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose it is.
    pub patient: PatientId,
    /// How it came about.
    pub reason: Phi<Reason>,
}

/// Why it was not undone.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum UndoStatusRejection {
    /// The appointment cannot be found, or there is nothing to undo.
    #[error(transparent)]
    Appointment(#[from] AppointmentUnusable),
    /// The time that the no-show gave up was taken since.
    #[error(transparent)]
    Busy(#[from] Busy),
}

impl Action for UndoStatus {
    fn allowed(status: AppointmentStatus, _: Interval, _: DateTime<Utc>) -> Result<(), NotNow> {
        only_from(&[AppointmentStatus::CheckedIn, AppointmentStatus::Fulfilled, AppointmentStatus::NoShow], status)
    }
}

impl Decision for UndoStatus {
    type Model = Bookings;
    type Event = AppointmentStatusReverted;
    type Rejection = UndoStatusRejection;

    fn model(&self) -> (Bookings, Query) {
        (Bookings::default(), Bookings::query(self.appointment, self.patient))
    }

    /// A no-show gave its time up, so whoever may have taken it since must be seen.
    fn depends_also_on(&self, bookings: &Bookings) -> Query {
        let given_up = bookings.get(self.appointment).filter(|booking| !booking.status.is_active());
        let Some((booking, time)) = given_up.and_then(|booking| Some((booking, booking.placement.time.known()?))) else { return Query::new() };
        let days = IntendedTime::days_around(time.start, time.minutes);
        Bookings::query_days(booking.placement.practitioner, booking.patient, booking.placement.room, &days)
    }

    fn apply(bookings: &mut Bookings, event: &Event) {
        bookings.apply(event);
    }

    fn decide(&self, bookings: &Bookings, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<AppointmentStatusReverted>, UndoStatusRejection> {
        let booking = bookings.open_to::<Self>(self.appointment, self.patient, now)?;
        let (from, patient, placement) = (booking.status, booking.patient, booking.placement.clone());
        let to = *booking.earlier.last().ok_or(AppointmentUnusable::from(NotNow::StatusForbids { status: from }))?;
        // What was let pass over others once is let pass again: the permission and the reason were for that very place and time.
        if !from.is_active() && !booking.excepted {
            let interval = placement.interval().ok_or(AppointmentUnusable::AppointmentUnknown)?;
            bookings.free(self.appointment, patient, &placement, interval)?;
        }
        Ok(vec![AppointmentStatusReverted { appointment: self.appointment, patient, placement, from, to, reason: self.reason.clone() }])
    }
}

impl Command for UndoStatus {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "undo-status";
    const PERMISSION: Permission = Permission::ConductAppointments;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::examples::*;
    use crate::scheduling::{AppointmentBooked, AppointmentNoShow, Exception, Placement};
    use crate::testing::given;

    const BOOKED: AppointmentStatus = AppointmentStatus::Booked;
    const CHECKED_IN: AppointmentStatus = AppointmentStatus::CheckedIn;
    const FULFILLED: AppointmentStatus = AppointmentStatus::Fulfilled;
    const NO_SHOW: AppointmentStatus = AppointmentStatus::NoShow;

    fn undo(patient: PatientId) -> UndoStatus {
        UndoStatus { appointment: APPOINTMENT, patient, reason: reason("wrong line") }
    }

    fn reverted(from: AppointmentStatus, to: AppointmentStatus) -> Event {
        let placement = placement("2027-01-05T09:00:00");
        AppointmentStatusReverted { appointment: APPOINTMENT, patient: ADA, placement, from, to, reason: reason("wrong line") }.into()
    }

    #[test]
    fn a_mis_click_goes_back_to_the_status_before() {
        given([ada_booked(), checked_in()]).when(&undo(ADA)).then([reverted(CHECKED_IN, BOOKED)]);
        given([ada_booked(), no_show()]).when(&undo(ADA)).then([reverted(NO_SHOW, BOOKED)]);
        given([ada_booked(), fulfilled()]).when(&undo(ADA)).then([reverted(FULFILLED, BOOKED)]);
        given([ada_booked(), checked_in(), fulfilled()]).when(&undo(ADA)).then([reverted(FULFILLED, CHECKED_IN)]);
        given([ada_booked(), checked_in(), fulfilled(), reverted(FULFILLED, CHECKED_IN)]).when(&undo(ADA)).then([reverted(CHECKED_IN, BOOKED)]);
    }

    #[test]
    fn where_nothing_can_be_undone_nothing_is() {
        given([ada_booked()]).when(&undo(ADA)).then_rejected(NotNow::StatusForbids { status: BOOKED });
        given([ada_booked(), no_show(), reverted(NO_SHOW, BOOKED)]).when(&undo(ADA)).then_rejected(NotNow::StatusForbids { status: BOOKED });
        given([ada_booked(), checked_in(), cancelled()]).when(&undo(ADA)).then_rejected(NotNow::StatusForbids { status: AppointmentStatus::Cancelled });
    }

    #[test]
    fn only_its_own_patient_names_it() {
        given([]).when(&undo(ADA)).then_rejected(AppointmentUnusable::AppointmentUnknown);
        given([ada_booked(), no_show()]).when(&undo(BOB)).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }

    #[test]
    fn a_no_show_is_not_undone_once_its_time_is_taken() {
        let practitioners = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:15:00");
        let patients = booked_with(OTHER_APPOINTMENT, ADA, OTHER_PRACTITIONER, "2027-01-05T09:15:00");
        given([ada_booked(), no_show(), practitioners.clone()]).when(&undo(ADA)).then_rejected(Busy::PractitionerBusy);
        given([ada_booked(), no_show(), patients]).when(&undo(ADA)).then_rejected(Busy::PatientBusy);
        given([ada_booked(), checked_in(), practitioners]).when(&undo(ADA)).then([reverted(CHECKED_IN, BOOKED)]);
        let later = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:30:00");
        given([ada_booked(), no_show(), later]).when(&undo(ADA)).then([reverted(NO_SHOW, BOOKED)]);
    }

    #[test]
    fn a_no_show_is_not_undone_once_its_room_is_taken() {
        let in_the_room = booked_in(APPOINTMENT, ADA, PRACTITIONER, ROOM, "2027-01-05T09:00:00");
        let placement = Placement { room: Some(ROOM), ..placement("2027-01-05T09:00:00") };
        let no_show = AppointmentNoShow { appointment: APPOINTMENT, patient: ADA, placement };
        let other = booked_in(OTHER_APPOINTMENT, BOB, OTHER_PRACTITIONER, ROOM, "2027-01-05T09:15:00");
        given([in_the_room, no_show.into(), other]).when(&undo(ADA)).then_rejected(Busy::RoomBusy);
    }

    #[test]
    fn after_a_merge_the_time_is_taken_when_either_record_took_it() {
        let elsewhere = booked_with(OTHER_APPOINTMENT, BOB, OTHER_PRACTITIONER, "2027-01-05T09:00:00");
        given([ada_booked(), no_show(), elsewhere, merged(BOB, ADA)]).when(&undo(BOB)).then_rejected(Busy::PatientBusy);
    }

    #[test]
    fn what_was_let_pass_over_others_is_let_pass_again() {
        let (placement, exception) = (placement("2027-01-05T09:00:00"), Some(Exception::Overbooked { reason: reason("urgent") }));
        let overbooked = AppointmentBooked { appointment: APPOINTMENT, patient: ADA, placement, reason: None, exception };
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:00:00");
        given([overbooked.into(), no_show(), other]).when(&undo(ADA)).then([reverted(NO_SHOW, BOOKED)]);
    }
}
