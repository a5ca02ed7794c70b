//! The commands of *scheduling*.

use domain::scheduling::BookAppointment;

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![Endpoint::of::<BookAppointment>()]
}
