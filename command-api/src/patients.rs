//! The commands of *patients*.

use crate::endpoint::Endpoints;

pub(crate) fn endpoints() -> Endpoints {
    vec![]
}
