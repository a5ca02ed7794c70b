//! What can be done with an appointment as it is: asked by each decision, and by the reads that show a person what they may do.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::decision::Command;
use crate::permission::Permission;
use crate::scheduling::{AppointmentStatus, CancelAppointment, CheckInAppointment, FulfilAppointment, MarkNoShow, RescheduleAppointment, UndoStatus};
use crate::time::Interval;

/// A command about an appointment, as far as the appointment's own state allows it.
pub trait Action: Command {
    /// Whether an appointment of this status, at this time, allows it. The decision gives no other answer.
    fn allowed(status: AppointmentStatus, interval: Interval, now: DateTime<Utc>) -> Result<(), NotNow>;
}

/// Why an appointment's state does not allow an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum NotNow {
    /// Not from this status.
    #[error("an appointment of this status does not allow it")]
    StatusForbids {
        /// The status it has.
        status: AppointmentStatus,
    },
    /// Not before its start.
    #[error("the appointment has not started")]
    NotStarted,
}

/// Refuses every status but these.
pub(super) fn only_from(statuses: &[AppointmentStatus], status: AppointmentStatus) -> Result<(), NotNow> {
    if statuses.contains(&status) { Ok(()) } else { Err(NotNow::StatusForbids { status }) }
}

/// Refuses a time that has not come.
pub(super) fn only_once_started(interval: Interval, now: DateTime<Utc>) -> Result<(), NotNow> {
    if interval.start <= now { Ok(()) } else { Err(NotNow::NotStarted) }
}

/// An action as it is offered to a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfferedAction {
    /// The command's name.
    pub name: &'static str,
    /// Why they cannot take it now; none if they can.
    pub why_not: Option<WhyNot>,
}

impl OfferedAction {
    /// Whether they can take it now.
    pub fn allowed(&self) -> bool {
        self.why_not.is_none()
    }
}

/// Why a person cannot take an action now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum WhyNot {
    /// They lack the permission.
    #[error("it takes a permission that the caller does not have")]
    PermissionMissing {
        /// The permission.
        permission: Permission,
    },
    /// The appointment's state does not allow it.
    #[error(transparent)]
    #[serde(untagged)]
    NotNow(#[from] NotNow),
}

impl WhyNot {
    /// The stable code, the same as in a rejection.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PermissionMissing { .. } => "permission-missing",
            Self::NotNow(NotNow::StatusForbids { .. }) => "status-forbids",
            Self::NotNow(NotNow::NotStarted) => "not-started",
        }
    }
}

/// What someone with these permissions can do with an appointment now, and why not the rest. Whether a new time is free, or one given up still is,
/// shows only when it is tried.
pub fn actions(status: AppointmentStatus, interval: Interval, now: DateTime<Utc>, permissions: &BTreeSet<Permission>) -> Vec<OfferedAction> {
    fn offer<A: Action>(status: AppointmentStatus, interval: Interval, now: DateTime<Utc>, permissions: &BTreeSet<Permission>) -> OfferedAction {
        let permitted = if permissions.contains(&A::PERMISSION) { Ok(()) } else { Err(WhyNot::PermissionMissing { permission: A::PERMISSION }) };
        let why_not = permitted.and_then(|()| Ok(A::allowed(status, interval, now)?)).err();
        OfferedAction { name: A::NAME, why_not }
    }
    let offers = [
        offer::<CheckInAppointment>,
        offer::<FulfilAppointment>,
        offer::<MarkNoShow>,
        offer::<RescheduleAppointment>,
        offer::<CancelAppointment>,
        offer::<UndoStatus>,
    ];
    offers.iter().map(|offer| offer(status, interval, now, permissions)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::scheduling::examples::*;
    use crate::testing::given;

    const EVERYTHING: [Permission; 2] = [Permission::BookAppointments, Permission::ConductAppointments];

    fn interval() -> Interval {
        placement("2027-01-05T09:00:00").interval().unwrap()
    }

    fn offered(status: AppointmentStatus, now: &str, permissions: &[Permission]) -> Vec<OfferedAction> {
        actions(status, interval(), now.parse().unwrap(), &permissions.iter().copied().collect())
    }

    fn allowed(status: AppointmentStatus, now: &str, permissions: &[Permission]) -> Vec<&'static str> {
        offered(status, now, permissions).into_iter().filter(OfferedAction::allowed).map(|action| action.name).collect()
    }

    /// The events that lead to each status.
    fn histories() -> [(AppointmentStatus, Vec<Event>); 5] {
        [
            (AppointmentStatus::Booked, vec![ada_booked()]),
            (AppointmentStatus::CheckedIn, vec![ada_booked(), checked_in()]),
            (AppointmentStatus::Fulfilled, vec![ada_booked(), fulfilled()]),
            (AppointmentStatus::Cancelled, vec![ada_booked(), cancelled()]),
            (AppointmentStatus::NoShow, vec![ada_booked(), no_show()]),
        ]
    }

    #[test]
    fn what_can_be_done_follows_from_the_status_and_the_time() {
        use AppointmentStatus::{Booked, Cancelled, CheckedIn, Fulfilled, NoShow};
        assert_eq!(allowed(Booked, BEFORE, &EVERYTHING), ["check-in-appointment", "reschedule-appointment", "cancel-appointment"]);
        let once_started = ["check-in-appointment", "fulfil-appointment", "mark-no-show", "reschedule-appointment", "cancel-appointment"];
        assert_eq!(allowed(Booked, START, &EVERYTHING), once_started);
        for now in [BEFORE, START] {
            assert_eq!(allowed(CheckedIn, now, &EVERYTHING), ["fulfil-appointment", "cancel-appointment", "undo-status"]);
            assert_eq!(allowed(Fulfilled, now, &EVERYTHING), ["undo-status"]);
            assert_eq!(allowed(NoShow, now, &EVERYTHING), ["undo-status"]);
            assert!(allowed(Cancelled, now, &EVERYTHING).is_empty());
        }
    }

    #[test]
    fn a_caller_without_the_permission_is_told_so() {
        assert_eq!(allowed(AppointmentStatus::Booked, START, &[Permission::BookAppointments]), ["reschedule-appointment", "cancel-appointment"]);
        let none = offered(AppointmentStatus::Cancelled, START, &[]);
        assert!(none.iter().all(|action| matches!(action.why_not, Some(WhyNot::PermissionMissing { .. }))), "before anything of the appointment's state");
    }

    #[test]
    fn a_code_is_the_one_that_is_serialised() {
        let permission = Permission::BookAppointments;
        let state = [NotNow::StatusForbids { status: AppointmentStatus::Booked }, NotNow::NotStarted].map(WhyNot::NotNow);
        for why_not in [WhyNot::PermissionMissing { permission }].into_iter().chain(state) {
            assert_eq!(serde_json::to_value(why_not).unwrap()["code"], why_not.code());
        }
    }

    /// Tries the command on every status, before and after the start, beside what is offered.
    fn agrees<A: Action>(command: &A) {
        for (status, history) in histories() {
            for now in [BEFORE, START, AFTER] {
                let offer = offered(status, now, &EVERYTHING).into_iter().find(|offer| offer.name == A::NAME).unwrap();
                let decided = given(clinic().chain(history.clone())).when_at(now, command).outcome().err();
                let decided = decided.map(|rejection| serde_json::to_value(rejection).unwrap()["code"].clone());
                assert_eq!(decided, offer.why_not.map(|why_not| why_not.code().into()), "{} from {status:?} at {now}", A::NAME);
            }
        }
    }

    #[test]
    fn no_offer_and_no_decision_disagree() {
        let (appointment, patient) = (APPOINTMENT, ADA);
        agrees(&CheckInAppointment { appointment, patient });
        agrees(&FulfilAppointment { appointment, patient });
        agrees(&MarkNoShow { appointment, patient });
        agrees(&RescheduleAppointment { appointment, patient, placement: wanted("2027-01-06T10:00:00"), reason: None, exception: None });
        agrees(&CancelAppointment { appointment, patient, reason: reason("ill") });
        agrees(&UndoStatus { appointment, patient, reason: reason("wrong line") });
    }
}
