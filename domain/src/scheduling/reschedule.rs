//! Move an appointment.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{AppointmentId, PatientId};
use crate::patients::PatientUnusable;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::scheduling::actions::{Action, only_from};
use crate::scheduling::placing::Placing;
use crate::scheduling::{AppointmentRescheduled, AppointmentStatus, AppointmentUnusable, Exception, NotNow, NotPlaceable, PlacementWanted};
use crate::time::Interval;
use crate::value::Reason;

/// Moves an appointment to another time, place, room or practitioner. The same holds as for booking one.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RescheduleAppointment {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose it is.
    pub patient: PatientId,
    /// With whom, where and when it is to be.
    pub placement: PlacementWanted,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<Reason>>,
    /// What is to be let pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
}

/// Why it was not moved.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RescheduleAppointmentRejection {
    /// The appointment cannot be found, or not be moved.
    #[error(transparent)]
    Appointment(#[from] AppointmentUnusable),
    /// It cannot be there and then.
    #[error(transparent)]
    NotPlaceable(#[from] NotPlaceable),
}

impl Action for RescheduleAppointment {
    fn allowed(status: AppointmentStatus, _: Interval, _: DateTime<Utc>) -> Result<(), NotNow> {
        only_from(&[AppointmentStatus::Booked], status)
    }
}

impl Decision for RescheduleAppointment {
    type Model = Placing;
    type Event = AppointmentRescheduled;
    type Rejection = RescheduleAppointmentRejection;

    fn model(&self) -> (Placing, Query) {
        Placing::model(self.appointment, self.patient, &self.placement)
    }

    fn apply(placing: &mut Placing, event: &Event) {
        placing.apply(event);
    }

    fn decide(&self, placing: &Placing, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<AppointmentRescheduled>, RescheduleAppointmentRejection> {
        let Self { appointment, reason, exception, .. } = self.clone();
        let booking = placing.bookings.open_to::<Self>(appointment, self.patient, now)?;
        match placing.patient.usable() {
            // Nothing is added to the merged record: what it holds already is moved.
            Ok(()) | Err(PatientUnusable::PatientMerged { .. }) => {}
            Err(unusable) => return Err(NotPlaceable::from(unusable).into()),
        }
        let (patient, from) = (booking.patient, booking.placement.clone());
        let to = placing.place(appointment, patient, &self.placement, exception.as_ref(), now)?;
        if to == from {
            return Ok(Vec::new());
        }
        Ok(vec![AppointmentRescheduled { appointment, patient, from, to, reason, exception }])
    }
}

impl Command for RescheduleAppointment {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "reschedule-appointment";
    const PERMISSION: Permission = Permission::BookAppointments;

    fn also_needs(&self) -> Option<Permission> {
        self.exception.as_ref().map(Exception::permission)
    }

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::PatientDeactivated;
    use crate::scheduling::Busy;
    use crate::scheduling::examples::*;
    use crate::testing::{Given, given};

    fn to(start: &str) -> RescheduleAppointment {
        RescheduleAppointment { appointment: APPOINTMENT, patient: ADA, placement: wanted(start), reason: None, exception: None }
    }

    fn given_ada_booked(events: impl IntoIterator<Item = Event>) -> Given {
        given(clinic().chain([ada_booked()]).chain(events))
    }

    #[test]
    fn it_moves_from_where_it_is() {
        given_ada_booked([]).when(&to("2027-01-06T10:00:00")).then([moved("2027-01-05T09:00:00", "2027-01-06T10:00:00")]);
        let again = moved("2027-01-05T09:00:00", "2027-01-06T10:00:00");
        given_ada_booked([again]).when(&to("2027-01-07T11:00:00")).then([moved("2027-01-06T10:00:00", "2027-01-07T11:00:00")]);
    }

    #[test]
    fn it_does_not_stand_in_its_own_way() {
        given_ada_booked([]).when(&to("2027-01-05T09:15:00")).then([moved("2027-01-05T09:00:00", "2027-01-05T09:15:00")]);
    }

    #[test]
    fn to_where_it_is_already_it_is_not_moved() {
        given_ada_booked([]).when(&to("2027-01-05T09:00:00")).then([]);
    }

    #[test]
    fn it_is_placed_as_if_it_were_booked() {
        let practitioners = booked(OTHER_APPOINTMENT, BOB, "2027-01-06T10:00:00");
        let patients = booked_with(OTHER_APPOINTMENT, ADA, OTHER_PRACTITIONER, "2027-01-06T10:00:00");
        given_ada_booked([practitioners.clone()]).when(&to("2027-01-06T10:00:00")).then_rejected(Busy::PractitionerBusy);
        given_ada_booked([patients]).when(&to("2027-01-06T10:00:00")).then_rejected(Busy::PatientBusy);
        given_ada_booked([]).when(&to("2027-01-06T20:00:00")).then_rejected(NotPlaceable::PractitionerUnavailable);
        given_ada_booked([]).when(&to("2027-01-04T05:30:00")).then_rejected(NotPlaceable::StartInThePast);
        let overbook = RescheduleAppointment { exception: Some(Exception::Overbooked { reason: reason("urgent") }), ..to("2027-01-06T10:00:00") };
        assert!(overbook.also_needs() == Some(Permission::Overbook));
        given_ada_booked([practitioners]).when(&overbook).accepted();
    }

    #[test]
    fn what_is_moved_after_the_fact_keeps_its_own_date() {
        let back_entry = RescheduleAppointment { exception: Some(Exception::BackEntered { reason: reason("downtime") }), ..to("2027-01-04T05:30:00") };
        let events = given_ada_booked([]).when(&back_entry).accepted();
        assert_eq!(events[0].occurred(), Some("2027-01-04T11:30:00Z".parse().unwrap()));
    }

    #[test]
    fn only_what_is_booked_is_moved() {
        for (event, status) in [
            (checked_in(), AppointmentStatus::CheckedIn),
            (fulfilled(), AppointmentStatus::Fulfilled),
            (no_show(), AppointmentStatus::NoShow),
            (cancelled(), AppointmentStatus::Cancelled),
        ] {
            given_ada_booked([event]).when(&to("2027-01-06T10:00:00")).then_rejected(NotNow::StatusForbids { status });
        }
    }

    #[test]
    fn only_its_own_patient_names_it() {
        given(clinic()).when(&to("2027-01-06T10:00:00")).then_rejected(AppointmentUnusable::AppointmentUnknown);
        let of_bob = RescheduleAppointment { patient: BOB, ..to("2027-01-06T10:00:00") };
        given_ada_booked([]).when(&of_bob).then_rejected(AppointmentUnusable::AppointmentUnknown);
    }

    #[test]
    fn a_merged_records_appointments_are_moved_and_stay_on_it() {
        let events = || [merged(BOB, ADA)];
        let expected = || [moved("2027-01-05T09:00:00", "2027-01-06T10:00:00")];
        given_ada_booked(events()).when(&to("2027-01-06T10:00:00")).then(expected());
        let named_by_the_survivor = RescheduleAppointment { patient: BOB, ..to("2027-01-06T10:00:00") };
        given_ada_booked(events()).when(&named_by_the_survivor).then(expected());
    }

    #[test]
    fn a_deactivated_records_appointments_stay_where_they_are() {
        let deactivated = PatientDeactivated { patient: ADA, reason: reason("moved away") };
        given_ada_booked([deactivated.into()]).when(&to("2027-01-06T10:00:00")).then_rejected(PatientUnusable::PatientInactive);
    }
}
