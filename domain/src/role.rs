//! What people are to a tenant. What a role may do is the gate's policy.

named! {
    /// What a person is to the tenant, as their token says.
    Role name from_name {
        /// Someone who is cared for, or whom they let act for them.
        Patient "patient",
        /// Someone who gives care.
        Clinician "clinician",
        /// Someone who receives patients and keeps the calendar.
        FrontDesk "front-desk",
        /// Someone who runs the organization and its records.
        Administrator "administrator",
        /// Someone who answers for how the records are used.
        ComplianceOfficer "compliance-officer",
        /// Someone who works with streams without protected values.
        Analyst "analyst",
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::from_name(name).ok_or(UnknownRole)
    }
}

/// The name is no role's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be one of {}", Role::ALL.map(Role::name).join(", "))]
pub struct UnknownRole;
