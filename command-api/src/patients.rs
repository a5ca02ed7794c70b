//! The commands of *patients*.

use domain::patients::{
    AssignIdentifier, ChangeContactDetails, CorrectDemographics, DeactivatePatient, GrantAccess, MergePatients, RecordDeath, RegisterPatient, ReverseDeath,
    RevokeAccess, UndoMerge,
};

use crate::endpoint::{Endpoint, Endpoints};

pub(crate) fn endpoints() -> Endpoints {
    vec![
        Endpoint::of::<RegisterPatient>(),
        Endpoint::of::<AssignIdentifier>(),
        Endpoint::of::<CorrectDemographics>(),
        Endpoint::of::<ChangeContactDetails>(),
        Endpoint::of::<RecordDeath>(),
        Endpoint::of::<ReverseDeath>(),
        Endpoint::of::<DeactivatePatient>(),
        Endpoint::of::<MergePatients>(),
        Endpoint::of::<UndoMerge>(),
        Endpoint::of::<GrantAccess>(),
        Endpoint::of::<RevokeAccess>(),
    ]
}
