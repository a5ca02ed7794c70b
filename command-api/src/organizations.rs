//! The commands of *organizations*.

use crate::endpoint::Endpoints;

pub(crate) fn endpoints() -> Endpoints {
    vec![]
}
