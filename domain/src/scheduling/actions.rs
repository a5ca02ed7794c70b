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
