//! Book an appointment.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{AppointmentId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::scheduling::AppointmentBooked;
use crate::scheduling::placing::{ExceptionWanted, NotPlaceable, PlacementWanted, Placing};
use crate::value::Reason;

/// Books an appointment of a patient with a practitioner, at a facility, perhaps in a room.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BookAppointment {
    /// The appointment, named by the caller.
    pub appointment: AppointmentId,
    /// Who comes.
    pub patient: PatientId,
    /// With whom, where and when.
    pub placement: PlacementWanted,
    /// What for, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<Reason>>,
    /// What is to be let pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionWanted>,
}

/// Why it was not booked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum BookAppointmentRejection {
    /// It cannot be there and then.
    #[error(transparent)]
    NotPlaceable(#[from] NotPlaceable),
    /// The id is taken.
    #[error(transparent)]
    Taken(#[from] AppointmentTaken),
}

/// Why the id cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AppointmentTaken {
    /// Another appointment has it.
    #[error("an appointment of this id exists")]
    AppointmentExists,
}

impl Decision for BookAppointment {
    type Model = Placing;
    type Event = AppointmentBooked;
    type Rejection = BookAppointmentRejection;

    fn model(&self) -> (Placing, Query) {
        let placing = Placing::of(self.appointment, self.patient, &self.placement);
        let query = placing.query();
        (placing, query)
    }

    fn apply(model: &mut Placing, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &Placing, now: DateTime<Utc>) -> Result<Vec<AppointmentBooked>, BookAppointmentRejection> {
        if model.bookings.get(self.appointment).is_some() {
            return Err(AppointmentTaken::AppointmentExists.into());
        }
        let placement = model.place(&self.placement, self.exception.as_ref(), now)?;
        let exception = self.exception.as_ref().map(ExceptionWanted::granted);
        Ok(vec![AppointmentBooked { appointment: self.appointment, patient: self.patient, placement, reason: self.reason.clone(), exception }])
    }
}

impl Command for BookAppointment {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "book-appointment";
    const PERMISSION: Permission = Permission::BookAppointments;

    fn also_needs(&self) -> Option<Permission> {
        self.exception.as_ref().map(ExceptionWanted::permission)
    }

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::{PatientUnusable, PatientsMerged};
    use crate::scheduling::examples::*;
    use crate::scheduling::{AppointmentCancelled, Busy, PlaceUnusable};
    use crate::testing::given;
    use crate::time::{NoSuchTime, Repeated};

    fn book(start: &str) -> BookAppointment {
        BookAppointment { appointment: APPOINTMENT, patient: ADA, placement: wanted(start), reason: None, exception: None }
    }

    #[test]
    fn an_open_slot_is_booked() {
        given(clinic()).when(&book("2027-01-05T09:00:00")).then([booked(APPOINTMENT, ADA, "2027-01-05T09:00:00")]);
    }

    #[test]
    fn a_practitioner_has_one_appointment_at_a_time() {
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:15:00");
        given(clinic().chain([other])).when(&book("2027-01-05T09:00:00")).then_rejected(Busy::PractitionerBusy);
    }

    #[test]
    fn appointments_may_touch() {
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:30:00");
        given(clinic().chain([other])).when(&book("2027-01-05T09:00:00")).accepted();
    }

    #[test]
    fn a_cancelled_appointment_frees_its_time() {
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:00:00");
        let cancelled =
            AppointmentCancelled { appointment: OTHER_APPOINTMENT, patient: BOB, placement: placement("2027-01-05T09:00:00"), reason: reason("ill") };
        given(clinic().chain([other, cancelled.into()])).when(&book("2027-01-05T09:00:00")).accepted();
    }

    #[test]
    fn outside_of_the_hours_it_takes_an_exception() {
        given(clinic()).when(&book("2027-01-05T20:00:00")).then_rejected(PlaceUnusable::PractitionerUnavailable);
        let overbook = BookAppointment { exception: Some(ExceptionWanted::Overbook { reason: reason("urgent") }), ..book("2027-01-05T20:00:00") };
        assert!(overbook.also_needs() == Some(Permission::Overbook));
        given(clinic()).when(&overbook).accepted();
    }

    #[test]
    fn the_past_is_entered_only_as_a_back_entry_and_keeps_its_own_date() {
        given(clinic()).when(&book("2027-01-04T05:30:00")).then_rejected(PlaceUnusable::StartInThePast);
        let back_entry = BookAppointment { exception: Some(ExceptionWanted::BackEntry { reason: reason("walk-in") }), ..book("2027-01-04T05:30:00") };
        let events = given(clinic()).when(&back_entry).accepted();
        assert_eq!(events[0].occurred(), Some("2027-01-04T11:30:00Z".parse().unwrap()));
    }

    #[test]
    fn a_local_time_that_the_clocks_skip_is_refused_and_one_shown_twice_must_be_chosen() {
        given(clinic()).when(&book("2027-03-14T02:30:00")).then_rejected(PlaceUnusable::NoSuchTime { problem: NoSuchTime::Skipped });
        given(clinic()).when(&book("2027-11-07T01:30:00")).then_rejected(PlaceUnusable::NoSuchTime { problem: NoSuchTime::Ambiguous });
        let mut chosen = book("2027-11-07T01:30:00");
        chosen.placement.repeated = Some(Repeated::Later);
        chosen.exception = Some(ExceptionWanted::Overbook { reason: reason("night shift") });
        given(clinic()).when(&chosen).accepted();
    }

    #[test]
    fn after_a_merge_the_survivor_is_busy_when_either_record_is() {
        let merged = PatientsMerged { survivor: ADA, merged: BOB, reason: reason("same person") };
        let elsewhere = booked_with(OTHER_APPOINTMENT, BOB, OTHER_PRACTITIONER, "2027-01-05T09:00:00");
        let events = || clinic().chain([elsewhere.clone(), merged.clone().into()]);
        given(events()).when(&book("2027-01-05T09:00:00")).then_rejected(Busy::PatientBusy);
        let on_the_merged = BookAppointment { patient: BOB, ..book("2027-01-05T10:00:00") };
        given(events()).when(&on_the_merged).then_rejected(NotPlaceable::from(PatientUnusable::PatientMerged { survivor: ADA }));
    }
}
