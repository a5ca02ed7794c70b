//! The commands of *organizations*.

use domain::organizations::{AddRoom, OpenFacility, RegisterOrganization};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![Endpoint::of::<RegisterOrganization>(), Endpoint::of::<OpenFacility>(), Endpoint::of::<AddRoom>()]
}
