//! The commands of *providers*.

use domain::providers::{
    AddQualification, AssignRole, BlockTime, OnboardPractitioner, RetirePractitioner, SetAvailability, SetAvailabilityException, UnblockTime,
};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![
        Endpoint::of::<OnboardPractitioner>(),
        Endpoint::of::<AddQualification>(),
        Endpoint::of::<AssignRole>(),
        Endpoint::of::<SetAvailability>(),
        Endpoint::of::<SetAvailabilityException>(),
        Endpoint::of::<BlockTime>(),
        Endpoint::of::<UnblockTime>(),
        Endpoint::of::<RetirePractitioner>(),
    ]
}
