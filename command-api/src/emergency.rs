//! The commands of *emergency*.

use domain::emergency::{BreakGlass, EscalateBreakGlass, ReviewBreakGlass};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![Endpoint::of::<BreakGlass>(), Endpoint::of::<ReviewBreakGlass>(), Endpoint::of::<EscalateBreakGlass>()]
}
