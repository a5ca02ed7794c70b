//! The commands of *consents*.

use domain::consents::{AgreeToRestriction, DeclineRestriction, EndRestriction, GrantConsent, RequestRestriction, RevokeConsent};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![
        Endpoint::of::<GrantConsent>(),
        Endpoint::of::<RevokeConsent>(),
        Endpoint::of::<RequestRestriction>(),
        Endpoint::of::<AgreeToRestriction>(),
        Endpoint::of::<DeclineRestriction>(),
        Endpoint::of::<EndRestriction>(),
    ]
}
