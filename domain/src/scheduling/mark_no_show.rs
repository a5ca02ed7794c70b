//! Say that a patient did not come.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{AppointmentId, PatientId};
use crate::permission::Permission;
use crate::query::Query;
use crate::scheduling::actions::{Action, only_from, only_once_started};
use crate::scheduling::{AppointmentNoShow, AppointmentStatus, AppointmentUnusable, Bookings, NotNow};
use crate::time::Interval;

/// Says that the patient did not come; the time is free again.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarkNoShow {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose it is.
    pub patient: PatientId,
}

impl Action for MarkNoShow {
    fn allowed(status: AppointmentStatus, interval: Interval, now: DateTime<Utc>) -> Result<(), NotNow> {
        only_from(&[AppointmentStatus::Booked], status)?;
        only_once_started(interval, now)
    }
}

impl Decision for MarkNoShow {
    type Model = Bookings;
    type Event = AppointmentNoShow;
    type Rejection = AppointmentUnusable;

    fn model(&self) -> (Bookings, Query) {
        (Bookings::default(), Bookings::query(self.appointment, self.patient))
    }

    fn apply(bookings: &mut Bookings, event: &Event) {
        bookings.apply(event);
    }

    fn decide(&self, bookings: &Bookings, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<AppointmentNoShow>, AppointmentUnusable> {
        let booking = bookings.open_to::<Self>(self.appointment, self.patient, now)?;
        Ok(vec![AppointmentNoShow { appointment: self.appointment, patient: booking.patient, placement: booking.placement.clone() }])
    }
}

impl Command for MarkNoShow {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "mark-no-show";
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

    const MARK: MarkNoShow = MarkNoShow { appointment: APPOINTMENT, patient: ADA };

    #[test]
    fn who_was_booked_and_is_late_did_not_come() {
        given([ada_booked()]).when_at(BEFORE, &MARK).then_rejected(NotNow::NotStarted);
        given([ada_booked()]).when_at(START, &MARK).then([no_show()]);
    }

    #[test]
    fn who_came_is_no_no_show() {
        for (event, status) in [
            (checked_in(), AppointmentStatus::CheckedIn),
            (fulfilled(), AppointmentStatus::Fulfilled),
            (no_show(), AppointmentStatus::NoShow),
            (cancelled(), AppointmentStatus::Cancelled),
        ] {
            given([ada_booked(), event]).when_at(AFTER, &MARK).then_rejected(NotNow::StatusForbids { status });
        }
    }

    #[test]
    fn only_its_own_patient_names_it() {
        given([]).when(&MARK).then_rejected(AppointmentUnusable::AppointmentUnknown);
        given([ada_booked()]).when(&MarkNoShow { patient: BOB, ..MARK }).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }
}
