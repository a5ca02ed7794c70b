//! The commands of *scheduling*.

use domain::scheduling::{BookAppointment, CancelAppointment, CheckInAppointment, FulfilAppointment, MarkNoShow, RescheduleAppointment, UndoStatus};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![
        Endpoint::of::<BookAppointment>(),
        Endpoint::of::<RescheduleAppointment>(),
        Endpoint::of::<CancelAppointment>(),
        Endpoint::of::<CheckInAppointment>(),
        Endpoint::of::<FulfilAppointment>(),
        Endpoint::of::<MarkNoShow>(),
        Endpoint::of::<UndoStatus>(),
    ]
}
