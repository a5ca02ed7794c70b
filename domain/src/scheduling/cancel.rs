//! Cancel an appointment.

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
use crate::scheduling::{AppointmentCancelled, AppointmentStatus, AppointmentUnusable, Bookings, NotNow};
use crate::time::Interval;
use crate::value::Reason;

/// Cancels an appointment that will not take place after all: nobody is needed, or the patient left before being seen.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelAppointment {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose it is.
    pub patient: PatientId,
    /// Why.
    pub reason: Phi<Reason>,
}

impl Action for CancelAppointment {
    fn allowed(status: AppointmentStatus, _: Interval, _: DateTime<Utc>) -> Result<(), NotNow> {
        only_from(&[AppointmentStatus::Booked, AppointmentStatus::CheckedIn], status)
    }
}

impl Decision for CancelAppointment {
    type Model = Bookings;
    type Event = AppointmentCancelled;
    type Rejection = AppointmentUnusable;

    fn model(&self) -> (Bookings, Query) {
        (Bookings::default(), Bookings::query(self.appointment, self.patient))
    }

    fn apply(bookings: &mut Bookings, event: &Event) {
        bookings.apply(event);
    }

    fn decide(&self, bookings: &Bookings, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<AppointmentCancelled>, AppointmentUnusable> {
        let booking = bookings.open_to::<Self>(self.appointment, self.patient, now)?;
        let placement = booking.placement.clone();
        Ok(vec![AppointmentCancelled { appointment: self.appointment, patient: booking.patient, placement, reason: self.reason.clone() }])
    }
}

impl Command for CancelAppointment {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "cancel-appointment";
    const PERMISSION: Permission = Permission::BookAppointments;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::examples::*;
    use crate::scheduling::{AppointmentBooked, Placement};
    use crate::testing::given;

    fn cancel(patient: PatientId) -> CancelAppointment {
        CancelAppointment { appointment: APPOINTMENT, patient, reason: reason("ill") }
    }

    #[test]
    fn it_can_be_cancelled_until_it_took_place() {
        given([ada_booked()]).when(&cancel(ADA)).then([cancelled()]);
        given([ada_booked(), checked_in()]).when(&cancel(ADA)).then([cancelled()]);
        for (event, status) in
            [(fulfilled(), AppointmentStatus::Fulfilled), (no_show(), AppointmentStatus::NoShow), (cancelled(), AppointmentStatus::Cancelled)]
        {
            given([ada_booked(), event]).when(&cancel(ADA)).then_rejected(NotNow::StatusForbids { status });
        }
    }

    #[test]
    fn only_its_own_patient_names_it() {
        given([]).when(&cancel(ADA)).then_rejected(AppointmentUnusable::AppointmentUnknown);
        given([ada_booked()]).when(&cancel(BOB)).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }

    #[test]
    fn what_was_erased_is_not_known() {
        let placement = Placement { time: Phi::Erased, ..placement("2027-01-05T09:00:00") };
        let erased = AppointmentBooked { appointment: APPOINTMENT, patient: ADA, placement, reason: None, exception: None };
        given([erased.into()]).when(&cancel(ADA)).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }

    #[test]
    fn after_a_merge_either_record_names_it_and_it_stays_on_its_own() {
        given([ada_booked(), merged(BOB, ADA)]).when(&cancel(BOB)).then([cancelled()]);
        given([ada_booked(), merged(BOB, ADA)]).when(&cancel(ADA)).then([cancelled()]);
        given([ada_booked(), merged(BOB, ADA), merge_undone(BOB, ADA)]).when(&cancel(BOB)).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }
}
