//! The commands of *disclosures*.

use domain::disclosures::{RecordDisclosure, RetractDisclosure};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![Endpoint::of::<RecordDisclosure>(), Endpoint::of::<RetractDisclosure>()]
}
