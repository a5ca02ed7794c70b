//! What people are to a tenant. What a role may do is the gate's policy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a person is to the tenant, as their token says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Someone who is cared for, or whom they let act for them.
    Patient,
    /// Someone who gives care.
    Clinician,
    /// Someone who receives patients and keeps the calendar.
    FrontDesk,
    /// Someone who runs the organization and its records.
    Administrator,
    /// Someone who answers for how the records are used.
    ComplianceOfficer,
    /// Someone who works with streams without protected values.
    Analyst,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [Self::Patient, Self::Clinician, Self::FrontDesk, Self::Administrator, Self::ComplianceOfficer, Self::Analyst];

    /// The name in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Clinician => "clinician",
            Self::FrontDesk => "front-desk",
            Self::Administrator => "administrator",
            Self::ComplianceOfficer => "compliance-officer",
            Self::Analyst => "analyst",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}

/// The name is no role's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be one of patient, clinician, front-desk, administrator, compliance-officer, analyst")]
pub struct UnknownRole;
