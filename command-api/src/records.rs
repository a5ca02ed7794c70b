//! The commands of *records*: three for each kind of fact.

use domain::records::{
    AllergyIntolerance, AmendFact, Condition, Device, Encounter, EnterFactInError, FamilyMemberHistory, Immunization, MedicationRequest, Observation,
    Procedure, RecordFact,
};

use crate::endpoint::{Endpoint, Endpoints};

macro_rules! of_each_kind {
    ($($kind:ident,)*) => {
        vec![$(Endpoint::of::<RecordFact<$kind>>(), Endpoint::of::<AmendFact<$kind>>(), Endpoint::of::<EnterFactInError<$kind>>(),)*]
    };
}

pub(crate) fn endpoints() -> Endpoints {
    of_each_kind![AllergyIntolerance, Condition, Device, Encounter, FamilyMemberHistory, Immunization, MedicationRequest, Observation, Procedure,]
}
