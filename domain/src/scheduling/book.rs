//! Book an appointment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{AppointmentId, FacilityId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::scheduling::placing::Placing;
use crate::scheduling::{AppointmentBooked, Exception, NotPlaceable, PlacementWanted};
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
    pub exception: Option<Exception>,
}

/// Why it was not booked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BookAppointmentRejection {
    /// Another appointment has the id.
    #[error("an appointment of this id exists")]
    AppointmentExists,
    /// It cannot be there and then.
    #[error(transparent)]
    #[serde(untagged)]
    NotPlaceable(#[from] NotPlaceable),
}

impl Decision for BookAppointment {
    type Model = Placing;
    type Event = AppointmentBooked;
    type Rejection = BookAppointmentRejection;

    fn model(&self) -> (Placing, Query) {
        Placing::model(self.appointment, self.patient, &self.placement)
    }

    fn apply(placing: &mut Placing, event: &Event) {
        placing.apply(event);
    }

    fn decide(&self, placing: &Placing, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<AppointmentBooked>, BookAppointmentRejection> {
        let Self { appointment, patient, reason, exception, .. } = self.clone();
        if placing.bookings.get(appointment).is_some() {
            return Err(BookAppointmentRejection::AppointmentExists);
        }
        placing.patient.usable().map_err(NotPlaceable::from)?;
        let placement = placing.place(appointment, patient, &self.placement, exception.as_ref(), now)?;
        Ok(vec![AppointmentBooked { appointment, patient, placement, reason, exception }])
    }
}

impl Command for BookAppointment {
    const CONTEXT: &'static str = "scheduling";
    const NAME: &'static str = "book-appointment";
    const PERMISSION: Permission = Permission::BookAppointments;

    fn also_needs(&self) -> Option<Permission> {
        self.exception.as_ref().map(Exception::permission)
    }

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }

    fn facility(&self) -> Option<FacilityId> {
        Some(self.placement.facility)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::PatientUnusable;
    use crate::providers::{AvailabilityExceptionSet, Hours, PractitionerStanding};
    use crate::scheduling::Busy;
    use crate::scheduling::examples::*;
    use crate::testing::given;
    use crate::time::{Interval, NoSuchTime, Repeated};

    fn book(start: &str) -> BookAppointment {
        BookAppointment { appointment: APPOINTMENT, patient: ADA, placement: wanted(start), reason: None, exception: None }
    }

    fn over(command: BookAppointment) -> BookAppointment {
        BookAppointment { exception: Some(Exception::Overbooked { reason: reason("urgent") }), ..command }
    }

    fn after_the_fact(command: BookAppointment) -> BookAppointment {
        BookAppointment { exception: Some(Exception::BackEntered { reason: reason("walk-in") }), ..command }
    }

    #[test]
    fn an_open_slot_is_booked() {
        given(clinic()).when(&book("2027-01-05T09:00:00")).then([ada_booked()]);
    }

    #[test]
    fn an_id_names_one_appointment() {
        let elsewhere = booked_with(APPOINTMENT, BOB, OTHER_PRACTITIONER, "2027-02-01T09:00:00");
        given(clinic().chain([elsewhere])).when(&book("2027-01-05T09:00:00")).then_rejected(BookAppointmentRejection::AppointmentExists);
    }

    #[test]
    fn a_practitioner_has_one_appointment_at_a_time() {
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:15:00");
        given(clinic().chain([other])).when(&book("2027-01-05T09:00:00")).then_rejected(Busy::PractitionerBusy);
    }

    #[test]
    fn a_patient_has_one_appointment_at_a_time() {
        let other = booked_with(OTHER_APPOINTMENT, ADA, OTHER_PRACTITIONER, "2027-01-05T09:15:00");
        given(clinic().chain([other])).when(&book("2027-01-05T09:00:00")).then_rejected(Busy::PatientBusy);
    }

    #[test]
    fn a_room_has_one_appointment_at_a_time() {
        let in_the_room = |command: BookAppointment| BookAppointment { placement: PlacementWanted { room: Some(ROOM), ..command.placement }, ..command };
        let other = booked_in(OTHER_APPOINTMENT, BOB, OTHER_PRACTITIONER, ROOM, "2027-01-05T09:15:00");
        given(clinic().chain([other.clone()])).when(&in_the_room(book("2027-01-05T09:00:00"))).then_rejected(Busy::RoomBusy);
        given(clinic().chain([other])).when(&book("2027-01-05T09:00:00")).accepted();
    }

    #[test]
    fn a_free_slot_can_be_booked_and_a_taken_one_cannot() {
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:15:00");
        let taken = placement("2027-01-05T09:15:00").interval().unwrap();
        let mut practitioner = PractitionerStanding::of(PRACTITIONER);
        clinic().for_each(|event| practitioner.apply(&event));
        let day = Interval { start: "2027-01-05T06:00:00Z".parse().unwrap(), end: "2027-01-06T06:00:00Z".parse().unwrap() };
        let free = practitioner.calendar.free_slots(FACILITY, day, &[taken]);
        assert_eq!(free.len(), 16);
        for slot in practitioner.calendar.slots(FACILITY, day) {
            let start = slot.start.with_timezone(&CHICAGO.0).format("%FT%T").to_string();
            let outcome = given(clinic().chain([other.clone()])).when(&book(&start)).outcome();
            assert_eq!(outcome.is_ok(), free.contains(&slot), "{start}");
        }
    }

    #[test]
    fn appointments_may_touch() {
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:30:00");
        given(clinic().chain([other])).when(&book("2027-01-05T09:00:00")).accepted();
    }

    #[test]
    fn a_cancelled_or_missed_appointment_frees_its_time_and_a_moved_one_its_old_time() {
        let freed = [cancelled(), no_show(), moved("2027-01-05T09:00:00", "2027-01-06T09:00:00")];
        let another = BookAppointment { appointment: OTHER_APPOINTMENT, patient: BOB, ..book("2027-01-05T09:00:00") };
        for event in freed {
            given(clinic().chain([ada_booked(), event])).when(&another).accepted();
        }
        for event in [checked_in(), fulfilled(), moved("2027-01-05T09:00:00", "2027-01-05T09:15:00")] {
            given(clinic().chain([ada_booked(), event])).when(&another).then_rejected(Busy::PractitionerBusy);
        }
    }

    #[test]
    fn what_a_placement_names_must_be_there() {
        let command = book("2027-01-05T09:00:00");
        let elsewhere = |facility, practitioner, room| {
            let placement = PlacementWanted { practitioner, facility, room, ..command.placement.clone() };
            BookAppointment { placement, ..command.clone() }
        };
        given(clinic()).when(&elsewhere(UNKNOWN_FACILITY, PRACTITIONER, None)).then_rejected(NotPlaceable::FacilityUnknown);
        given(clinic()).when(&elsewhere(FACILITY, UNKNOWN_PRACTITIONER, None)).then_rejected(NotPlaceable::PractitionerUnknown);
        given(clinic()).when(&elsewhere(FACILITY, PRACTITIONER, Some(UNKNOWN_ROOM))).then_rejected(NotPlaceable::RoomUnknown);
        let of_nobody = BookAppointment { patient: UNKNOWN_PATIENT, ..command };
        given(clinic()).when(&of_nobody).then_rejected(PatientUnusable::PatientUnknown);
    }

    #[test]
    fn outside_of_the_hours_it_takes_an_exception() {
        given(clinic()).when(&book("2027-01-05T20:00:00")).then_rejected(NotPlaceable::PractitionerUnavailable);
        let overbook = over(book("2027-01-05T20:00:00"));
        assert!(overbook.also_needs() == Some(Permission::Overbook));
        given(clinic()).when(&overbook).accepted();
    }

    #[test]
    fn over_another_appointment_it_takes_an_exception() {
        let other = booked(OTHER_APPOINTMENT, BOB, "2027-01-05T09:15:00");
        given(clinic().chain([other])).when(&over(book("2027-01-05T09:00:00"))).accepted();
        given(clinic()).when(&over(book("2027-01-04T05:30:00"))).then_rejected(NotPlaceable::StartInThePast);
    }

    #[test]
    fn in_blocked_time_and_after_retiring_nobody_is_available() {
        let blocked = blocked("2027-01-05T08:00:00", "2027-01-05T09:10:00");
        given(clinic().chain([blocked])).when(&book("2027-01-05T09:00:00")).then_rejected(NotPlaceable::PractitionerUnavailable);
        given(clinic().chain([retired("2027-01-06")])).when(&book("2027-01-05T09:00:00")).accepted();
        given(clinic().chain([retired("2027-01-05")])).when(&book("2027-01-05T09:00:00")).then_rejected(NotPlaceable::PractitionerUnavailable);
    }

    #[test]
    fn on_a_date_with_other_hours_those_count() {
        let date = |hours: &[Hours]| {
            let (date, hours) = ("2027-01-05".parse().unwrap(), hours.to_vec());
            clinic().chain([AvailabilityExceptionSet { practitioner: PRACTITIONER, facility: FACILITY, date, hours }.into()])
        };
        given(date(&[])).when(&book("2027-01-05T09:00:00")).then_rejected(NotPlaceable::PractitionerUnavailable);
        given(date(&[])).when(&book("2027-01-06T09:00:00")).accepted();
        given(date(&[hours("18:00:00", "21:00:00")])).when(&book("2027-01-05T20:00:00")).accepted();
    }

    #[test]
    fn the_past_is_entered_only_as_a_back_entry_and_keeps_its_own_date() {
        given(clinic()).when(&book("2027-01-04T05:30:00")).then_rejected(NotPlaceable::StartInThePast);
        let back_entry = after_the_fact(book("2027-01-04T05:30:00"));
        assert!(back_entry.also_needs() == Some(Permission::BackEnter));
        let events = given(clinic()).when(&back_entry).accepted();
        assert_eq!(events[0].occurred(), Some("2027-01-04T11:30:00Z".parse().unwrap()));
        given(clinic()).when(&after_the_fact(book("2027-01-05T09:00:00"))).then_rejected(NotPlaceable::StartInTheFuture);
    }

    #[test]
    fn a_local_time_that_the_clocks_skip_is_refused_and_one_shown_twice_must_be_chosen() {
        given(clinic()).when(&book("2027-03-14T02:30:00")).then_rejected(NotPlaceable::NoSuchTime { problem: NoSuchTime::Skipped });
        given(clinic()).when(&book("2027-11-07T01:30:00")).then_rejected(NotPlaceable::NoSuchTime { problem: NoSuchTime::Ambiguous });
        let mut chosen = over(book("2027-11-07T01:30:00"));
        chosen.placement.repeated = Some(Repeated::Later);
        given(clinic()).when(&chosen).accepted();
    }

    #[test]
    fn after_a_merge_the_survivor_is_busy_when_either_record_is() {
        let elsewhere = booked_with(OTHER_APPOINTMENT, BOB, OTHER_PRACTITIONER, "2027-01-05T09:00:00");
        let events = || clinic().chain([elsewhere.clone(), merged(ADA, BOB)]);
        given(events()).when(&book("2027-01-05T09:00:00")).then_rejected(Busy::PatientBusy);
        let on_the_merged = BookAppointment { patient: BOB, ..book("2027-01-05T10:00:00") };
        given(events()).when(&on_the_merged).then_rejected(PatientUnusable::PatientMerged { survivor: ADA });
    }
}
