//! The commands of *identity*.

use domain::identity::EndSessions;

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![Endpoint::of::<EndSessions>()]
}
