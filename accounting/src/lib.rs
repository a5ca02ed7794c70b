//! The accounting of disclosures (45 CFR 164.528): what of a patient was disclosed to whom outside, in the six years before, for themself or for an officer who hands it out;
//! as JSON, CSV or PDF.
//!
//! It holds what a patient has a right to: not what was for treatment, payment or operations, not what went to them or was authorized by them, not wrong entries, and
//! not what an official has had suspended.

mod http;
mod pdf;
mod period;
mod read;
mod write;

use chrono::{DateTime, Utc};
use domain::access::{DataKind, PurposeOfUse};
use domain::disclosures::Basis;
use domain::fhir_values::Address;
use serde::Serialize;
use uuid::Uuid;

pub use http::{describe, router};
pub use period::{InvalidPeriod, Period};
pub use read::{NotShown, OPERATION, criteria, read};
pub use write::{Format, NotWritten};

/// The accounting of one patient, under every record of theirs.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accounting {
    /// The tenant.
    pub tenant: Uuid,
    /// The organizations of the tenant that are part of no other, as they are called.
    pub organizations: Vec<String>,
    /// The patient.
    pub patient: Uuid,
    /// What they are called; nothing of who is not identified, and once erased.
    pub name: Option<String>,
    /// The days that it covers.
    #[serde(flatten)]
    pub period: Period,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// What was disclosed, the oldest first.
    pub disclosures: Vec<Entry>,
}

/// One disclosure.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When.
    pub made_at: DateTime<Utc>,
    /// To whom.
    pub recipient: String,
    /// Where they are, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// What.
    pub what: String,
    /// What kinds of data.
    pub kinds: Vec<DataKind>,
    /// On what ground.
    pub basis: Basis,
    /// What for: as it was stated, or the ground in words.
    pub purpose: String,
    /// What for, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose_of_use: Option<PurposeOfUse>,
}

impl Entry {
    /// The address on one line.
    fn address_line(&self) -> Option<String> {
        let address = self.address.as_ref()?;
        let parts = address.line.iter().chain(&address.city).chain(&address.state).chain(&address.postal_code).chain(&address.country);
        let line = parts.map(domain::value::Line::as_str).collect::<Vec<_>>().join(", ");
        (!line.is_empty()).then_some(line)
    }
}
