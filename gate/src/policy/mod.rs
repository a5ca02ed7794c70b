//! Who may do and see what: the questions that are put to the policies of `gate/policies`, and what their answers come to.

mod cedar;
mod facts;
mod fields;
#[cfg(test)]
mod permitted;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::access::{DecisionFact, Permit, PurposeOfUse};
use domain::{Permission, Role};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use cedar::{Action, Question, ask, read};
pub(crate) use facts::Facts;
pub use fields::{PROTECTED_FIELDS, ProtectedField};

/// Over whose records a permission holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The caller's own, and those of patients who granted them access.
    OwnPatients,
    /// What belongs to the facilities where the caller has a role that has it.
    Facilities,
    /// Everything of the tenant.
    Tenant,
}

/// The policies in force, as a digest of all that they say: an access record names it, so that what was decided by can be found again.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let digest: [u8; 32] = Sha256::digest([schema(), &text()].concat()).into();
        format!("{:016x}", digest[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    });
    &VERSION
}

/// What the policies in force are valid by.
pub(crate) fn schema() -> &'static str {
    cedar::SCHEMA
}

/// The policies in force, and which field is in which group.
pub(crate) fn text() -> String {
    format!("{}\n{}", cedar::POLICIES.join("\n"), fields::text())
}

/// Why someone with these roles asks who does not say.
pub fn usual_purpose(roles: &BTreeSet<Role>) -> PurposeOfUse {
    // Whoever works here asks for their work; what they are besides comes after.
    match roles.iter().find(|role| **role != Role::Patient).unwrap_or(&Role::Patient) {
        Role::Patient => PurposeOfUse::PatientRequest,
        Role::Clinician => PurposeOfUse::Treatment,
        Role::FrontDesk | Role::Administrator | Role::Analyst => PurposeOfUse::Operations,
        Role::ComplianceOfficer => PurposeOfUse::Compliance,
    }
}

fn rules(roles: &BTreeSet<Role>, purpose: PurposeOfUse, action: Action, facts: Facts) -> bool {
    ask(Question { roles: roles.clone(), purpose, action, facts }).allowed
}

/// Whether someone with these roles may ask for a purpose.
pub fn may_ask_for(roles: &BTreeSet<Role>, purpose: PurposeOfUse) -> bool {
    rules(roles, purpose, Action::Ask, Facts::default())
}

/// What gives someone with these roles a permission over what they are this to; `None` where no policy does. `rests_on` is the same in the terms of records.
pub(crate) fn permit(roles: &BTreeSet<Role>, permission: Permission, facts: Facts, rests_on: Vec<DecisionFact>) -> Option<Permit> {
    // Those whom a patient let in ask for the patient.
    let purpose = if facts.proxy { PurposeOfUse::FamilyRequest } else { usual_purpose(roles) };
    let ruling = ask(Question { roles: roles.clone(), purpose, action: Action::Use(permission), facts });
    ruling.allowed.then(|| Permit { action: permission.name().to_owned(), policies: ruling.policies.clone(), facts: rests_on })
}

/// What those to whom a patient granted access have over that patient's record, as the patient has it.
pub(crate) fn passed_on(permission: Permission) -> Option<Permit> {
    let proxy = Facts { proxy: true, covered: true, ..Facts::default() };
    permit(&BTreeSet::from([Role::Patient]), permission, proxy, vec![DecisionFact::Grant])
}

/// How far a permission reaches for someone with these roles; `None` where they do not have it.
pub fn reach(roles: &BTreeSet<Role>, permission: Permission) -> Option<Reach> {
    let action = Action::Use(permission);
    let purpose = usual_purpose(roles);
    if rules(roles, purpose, action, Facts::default()) {
        Some(Reach::Tenant)
    } else {
        rules(roles, purpose, action, Facts { own: true, ..Facts::default() }).then_some(Reach::OwnPatients)
    }
}

/// All that someone with these roles may do, and how far.
pub fn permissions(roles: &BTreeSet<Role>) -> BTreeMap<Permission, Reach> {
    Permission::ALL.into_iter().filter_map(|permission| Some((permission, reach(roles, permission)?))).collect()
}
