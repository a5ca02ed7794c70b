//! Say that an appointment took place.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{AppointmentId, PatientId};
use crate::permission::Permission;
use crate::query::Query;
use crate::scheduling::actions::{Action, only_from, only_once_started};
use crate::scheduling::{AppointmentFulfilled, AppointmentStatus, AppointmentUnusable, Bookings, NotNow};
use crate::time::Interval;

/// Says that the appointment took place.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FulfilAppointment {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose it is.
    pub patient: PatientId,
}

impl Action for FulfilAppointment {
    /// A patient who is there may be seen, and be done, before the time agreed on. Without a check-in nobody has said that they are there, so the
    /// time itself must have come: else a slip on tomorrow's list would record a visit.
    fn allowed(status: AppointmentStatus, interval: Interval, now: DateTime<Utc>) -> Result<(), NotNow> {
        only_from(&[AppointmentStatus::Booked, AppointmentStatus::CheckedIn], status)?;
        if status == AppointmentStatus::CheckedIn { Ok(()) } else { only_once_started(interval, now) }
    }
}

impl Decision for FulfilAppointment {
    type Model = Bookings;
    type Event = AppointmentFulfilled;
    type Rejection = AppointmentUnusable;

    fn model(&self) -> (Bookings, Query) {
        (Bookings::default(), Bookings::query(self.appointment, self.patient))
    }

    fn apply(bookings: &mut Bookings, event: &Event) {
        bookings.apply(event);
    }

    fn decide(&self, bookings: &Bookings, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<AppointmentFulfilled>, AppointmentUnusable> {
        let booking = bookings.open_to::<Self>(self.appointment, self.patient, now)?;
        Ok(vec![AppointmentFulfilled { appointment: self.appointment, patient: booking.patient, placement: booking.placement.clone() }])
    }
}

impl Command for FulfilAppointment {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "fulfil-appointment";
    const PERMISSION: Permission = Permission::ConductAppointments;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::examples::*;
    use crate::testing::given;

    const FULFIL: FulfilAppointment = FulfilAppointment { appointment: APPOINTMENT, patient: ADA };

    #[test]
    fn who_is_checked_in_may_be_seen_early() {
        given([ada_booked(), checked_in()]).when_at(BEFORE, &FULFIL).then([fulfilled()]);
    }

    #[test]
    fn without_a_check_in_it_must_have_started() {
        given([ada_booked()]).when_at(BEFORE, &FULFIL).then_rejected(NotNow::NotStarted);
        given([ada_booked()]).when_at(START, &FULFIL).then([fulfilled()]);
    }

    #[test]
    fn what_is_over_is_not_fulfilled() {
        for (event, status) in
            [(fulfilled(), AppointmentStatus::Fulfilled), (no_show(), AppointmentStatus::NoShow), (cancelled(), AppointmentStatus::Cancelled)]
        {
            given([ada_booked(), event]).when_at(AFTER, &FULFIL).then_rejected(NotNow::StatusForbids { status });
        }
    }

    #[test]
    fn only_its_own_patient_names_it() {
        given([]).when(&FULFIL).then_rejected(AppointmentUnusable::AppointmentUnknown);
        let of_bob = FulfilAppointment { patient: BOB, ..FULFIL };
        given([ada_booked()]).when(&of_bob).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }
}
