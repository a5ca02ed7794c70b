//! *Patients*: who a person is (FHIR `Patient`): identifiers, demographics, contact details, whether they live, and which records are
//! of one person. A record is never deleted: it is deactivated, or merged into the record that survives.

mod access_scope;
mod assign_identifier;
mod change_contact_details;
mod correct_demographics;
mod deactivate;
mod events;
#[cfg(test)]
pub(crate) mod examples;
mod grant_access;
mod identifying;
mod linked;
mod merge;
mod person;
mod record;
mod record_death;
mod register;
mod reverse_death;
mod revoke_access;
#[cfg(test)]
mod round_trip;
mod standing;
mod undo_merge;
mod values;

pub use access_scope::{AGE_OF_MAJORITY, AccessScope, AccessTerm, Relationship};
pub use assign_identifier::{AssignIdentifier, AssignIdentifierRejection};
pub use change_contact_details::ChangeContactDetails;
pub use correct_demographics::{BirthImplausible, CorrectDemographics, CorrectDemographicsRejection};
pub use deactivate::DeactivatePatient;
pub use events::{
    ContactDetailsChanged, DeathRecorded, DeathReversed, DemographicsCorrected, IdentifierAssigned, PatientAccessGranted, PatientAccessRevoked,
    PatientDeactivated, PatientMergeUndone, PatientRegistered, PatientsEvent, PatientsMerged,
};
pub use grant_access::GrantAccess;
pub use identifying::{IdentifierClash, KnownIdentifiers};
pub use linked::{LinkedPatients, widen};
pub use merge::{MergePatients, MergePatientsRejection, NotMergeable};
pub use person::PersonRecords;
pub use record::PatientRecord;
pub use record_death::{DeathImplausible, RecordDeath, RecordDeathRejection};
pub use register::{NotRegistrable, RegisterPatient, RegisterPatientRejection};
pub use reverse_death::{NoDeath, ReverseDeath, ReverseDeathRejection};
pub use revoke_access::RevokeAccess;
pub use standing::{PatientStanding, PatientUnusable};
pub use undo_merge::{UndoMerge, UndoMergeRejection};
pub use values::{Contact, Correction, DeathTime, Demographics};
