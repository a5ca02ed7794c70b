//! The commands of *providers*.

use crate::endpoint::Endpoints;

pub(crate) fn endpoints() -> Endpoints {
    vec![]
}
