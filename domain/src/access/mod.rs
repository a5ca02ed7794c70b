//! Who saw what of whom, and why. These facts have a log of their own, with its own head and retention (45 CFR 164.312(b)).
//!
//! An *access* is one operation that showed, or sought, something of a patient. Its *purpose of use* says why (HL7 v3), its *kinds of data* and *fields* what, its
//! *criteria* what was looked for, its *origin* from where. The record is committed before the first byte of the answer, so there may be one whose answer never
//! went out: the process that made it says which answers did. An *authority* is what permitted a change, and stands beside its events in the other log.

mod authority;
mod decision;
mod events;
#[cfg(test)]
mod examples;
mod period;
mod purpose;
mod relation;
mod seen;
mod serving;
mod volumes;
mod words;

pub use authority::{Authority, Permit, Permitted};
pub use decision::{AccessDecision, DecisionFact, DecisionOutcome};
pub use events::{AccessEvent, AccessOutcome, AccessRecorded, DataKind, Origin, PoliciesAdopted};
pub use period::Period;
pub use purpose::PurposeOfUse;
pub use relation::{CareRelation, CareRelations, CareWindow, Onlooker, Onlookers};
pub use seen::{Seen, SeenPatient};
pub use serving::{AccessAnswered, AnswersSent, NO_TENANT, NOBODY, NotSent, ServingEnded, ServingStarted};
pub use volumes::{Above, USUAL_DAYS, Unusual, Usual, Volume, Volumes};
