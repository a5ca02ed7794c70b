//! *Records*: a patient's chart, made of clinical facts. A fact is recorded, amended, and perhaps taken back as entered in error; what it
//! says has the shape of its FHIR R4 resource, and is protected as a whole. A *kind* of fact is a file with its content, its two lines here, and a line in the list in `fact.rs`; what
//! it needs in other crates is in `docs/guides/contributing.md`.

pub mod element;
#[macro_use]
pub mod elements;

mod allergy_intolerance;
mod amend;
#[cfg(test)]
mod arriving;
mod changes;
mod chart;
mod condition;
mod device;
mod encounter;
mod enter_in_error;
mod events;
#[cfg(test)]
pub(crate) mod examples;
mod fact;
mod family_member_history;
mod immunization;
mod medication_request;
mod observation;
mod procedure;
mod record;
#[cfg(test)]
mod recording;
mod referral;
#[cfg(test)]
mod screened;
mod screening;

pub use allergy_intolerance::*;
pub use amend::{AmendFact, AmendFactRejection};
pub use changes::{ChartChange, ChartItem, FieldChange, Happened, changes};
pub use chart::{AllergyStatus, Chart, ChartEntry, Provenance};
pub use condition::Condition;
pub use device::*;
pub use element::ContentUnsound;
pub use encounter::*;
pub use enter_in_error::{EnterFactInError, EnterFactInErrorRejection};
pub use events::{Change, FactAmended, FactEnteredInError, FactRecorded, What};
pub use fact::*;
pub use family_member_history::*;
pub use immunization::*;
pub use medication_request::*;
pub use observation::*;
pub use procedure::*;
pub use record::{FactModel, NotRecordable, RecordFact, RecordFactRejection};
pub(crate) use referral::referrals;
pub use screening::{ChartScreening, Conflict, ConflictKind, Screening};
