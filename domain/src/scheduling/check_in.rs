//! Check a patient in.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{AppointmentId, PatientId};
use crate::permission::Permission;
use crate::query::Query;
use crate::scheduling::actions::{Action, only_from};
use crate::scheduling::{AppointmentCheckedIn, AppointmentStatus, AppointmentUnusable, Bookings, NotNow};
use crate::time::Interval;

/// Says that the patient is there. They may be early.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckInAppointment {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose it is.
    pub patient: PatientId,
}

impl Action for CheckInAppointment {
    fn allowed(status: AppointmentStatus, _: Interval, _: DateTime<Utc>) -> Result<(), NotNow> {
        only_from(&[AppointmentStatus::Booked], status)
    }
}

impl Decision for CheckInAppointment {
    type Model = Bookings;
    type Event = AppointmentCheckedIn;
    type Rejection = AppointmentUnusable;

    fn model(&self) -> (Bookings, Query) {
        (Bookings::default(), Bookings::query(self.appointment, self.patient))
    }

    fn apply(bookings: &mut Bookings, event: &Event) {
        bookings.apply(event);
    }

    fn decide(&self, bookings: &Bookings, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<AppointmentCheckedIn>, AppointmentUnusable> {
        let booking = bookings.open_to::<Self>(self.appointment, self.patient, now)?;
        Ok(vec![AppointmentCheckedIn { appointment: self.appointment, patient: booking.patient, placement: booking.placement.clone() }])
    }
}

impl Command for CheckInAppointment {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "check-in-appointment";
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

    const CHECK_IN: CheckInAppointment = CheckInAppointment { appointment: APPOINTMENT, patient: ADA };

    #[test]
    fn who_is_booked_is_checked_in_and_may_be_early() {
        given([ada_booked()]).when_at(BEFORE, &CHECK_IN).then([checked_in()]);
        given([ada_booked()]).when_at(AFTER, &CHECK_IN).then([checked_in()]);
    }

    #[test]
    fn nobody_is_checked_in_twice_or_after_the_end() {
        for (event, status) in [
            (checked_in(), AppointmentStatus::CheckedIn),
            (fulfilled(), AppointmentStatus::Fulfilled),
            (no_show(), AppointmentStatus::NoShow),
            (cancelled(), AppointmentStatus::Cancelled),
        ] {
            given([ada_booked(), event]).when(&CHECK_IN).then_rejected(NotNow::StatusForbids { status });
        }
    }

    #[test]
    fn a_moved_appointment_is_checked_in_where_it_is_now() {
        let event = AppointmentCheckedIn { appointment: APPOINTMENT, patient: ADA, placement: placement("2027-01-06T10:00:00") };
        given([ada_booked(), moved("2027-01-05T09:00:00", "2027-01-06T10:00:00")]).when(&CHECK_IN).then([event.into()]);
    }

    #[test]
    fn only_its_own_patient_names_it() {
        given([]).when(&CHECK_IN).then_rejected(AppointmentUnusable::AppointmentUnknown);
        let of_bob = CheckInAppointment { patient: BOB, ..CHECK_IN };
        given([ada_booked()]).when(&of_bob).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }
}
