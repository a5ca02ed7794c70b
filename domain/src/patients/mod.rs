//! *Patients*: who a person is (FHIR `Patient`): identifiers, demographics, contact details, whether they live, and which records are
//! of one person. A record is never deleted: it is deactivated, or merged into the record that survives.

mod events;
mod linked;
mod standing;
mod values;

pub use events::{
    ContactDetailsChanged, DeathRecorded, DeathReversed, DemographicsCorrected, IdentifierAssigned, PatientAccessGranted, PatientAccessRevoked,
    PatientDeactivated, PatientMergeUndone, PatientRegistered, PatientsEvent, PatientsMerged,
};
pub use linked::{LinkedPatients, widen};
pub use standing::{PatientStanding, PatientUnusable};
pub use values::{Contact, Correction, DeathTime, Demographics};
