//! Who asks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::access::{Origin, PurposeOfUse};
use domain::{FacilityId, PatientId, Permission, Phi, PractitionerId, TenantId, UserId};
use event_store::Actor;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policy::{self, Reach};
use domain::Role;

/// Someone whose token was verified by [`crate::Gate::admit`], or the operator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The tenant whose data they see; there is no other for them.
    pub tenant: TenantId,
    /// Who they are.
    pub user: UserId,
    /// What they are to the tenant.
    pub roles: BTreeSet<Role>,
    /// What they are at single facilities. They have a role somewhere.
    #[serde(default)]
    pub facility_roles: BTreeMap<FacilityId, BTreeSet<Role>>,
    /// Their own record, where they are a patient.
    pub patient: Option<PatientId>,
    /// Their own calendar, where they are a practitioner.
    pub practitioner: Option<PractitionerId>,
    /// When the token was issued: ended sessions make void what was issued before.
    #[serde(default)]
    pub issued: DateTime<Utc>,
    /// When the token ends.
    pub expires: DateTime<Utc>,
    /// Why they ask.
    pub purpose: PurposeOfUse,
    /// Whether they are the operator, whose roles are in no token.
    #[serde(default)]
    pub operator: bool,
    /// From where they ask; that of the request itself, so it is not kept.
    #[serde(skip, default = "nowhere")]
    pub origin: Phi<Origin>,
}

fn nowhere() -> Phi<Origin> {
    Phi::Known(Origin::default())
}

/// The token does not say who asks. Deliberately without a reason: the log has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a valid bearer token is needed")]
pub struct Unauthenticated;

/// Why a request goes no further than its headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// The token does not say who asks.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// The purpose is none that is known, or none for which someone with these roles may ask.
    #[error("the purpose of use is not one for which you may ask")]
    Purpose,
}

impl Caller {
    /// The operator of this installation at its own console: whoever can run the binary with the vault's root key needs no token. A task is a user of its own, so
    /// that the log tells what it did, and doing it again gets the first answers.
    pub fn operator(tenant: TenantId, task: &str, roles: impl IntoIterator<Item = Role>) -> Self {
        let user = UserId(Uuid::new_v5(&tenant.0, format!("operator/{task}").as_bytes()));
        Self {
            tenant,
            user,
            roles: roles.into_iter().collect(),
            facility_roles: BTreeMap::new(),
            patient: None,
            practitioner: None,
            // Anew for each task: no ended session is of it.
            issued: DateTime::<Utc>::MAX_UTC,
            expires: DateTime::<Utc>::MAX_UTC,
            purpose: PurposeOfUse::SystemAdministration,
            operator: true,
            origin: Phi::Known(Origin { agent: Some(format!("carelog {task}")), ..Origin::default() }),
        }
    }

    /// How far a permission reaches for them; `None` where they do not have it.
    pub fn reach(&self, permission: Permission) -> Option<Reach> {
        let everywhere = policy::reach(&self.roles, permission);
        let somewhere = || policy::reach(&self.roles_at(|_| true), permission).map(|reach| reach.min(Reach::Facilities));
        match everywhere {
            Some(Reach::Tenant) => everywhere,
            _ => everywhere.max(somewhere()),
        }
    }

    /// All that they may do, and how far.
    pub fn permissions(&self) -> BTreeMap<Permission, Reach> {
        Permission::ALL.into_iter().filter_map(|permission| Some((permission, self.reach(permission)?))).collect()
    }

    /// Every role that they have, wherever.
    pub fn roles(&self) -> BTreeSet<Role> {
        self.roles_at(|_| true)
    }

    /// The roles that they have in the whole tenant and at some facilities.
    pub(crate) fn roles_at(&self, place: impl Fn(FacilityId) -> bool) -> BTreeSet<Role> {
        let there = self.facility_roles.iter().filter(|(facility, _)| place(**facility)).flat_map(|(_, roles)| roles);
        self.roles.iter().chain(there).copied().collect()
    }

    /// The facilities where they have a permission without having it everywhere.
    pub(crate) fn facilities_of(&self, permission: Permission) -> BTreeSet<FacilityId> {
        let has = |roles: &BTreeSet<Role>| policy::reach(roles, permission) == Some(Reach::Tenant);
        self.facility_roles.iter().filter(|(_, roles)| has(roles)).map(|(facility, _)| *facility).collect()
    }

    /// As the log names them.
    pub(crate) fn actor(&self) -> Actor {
        let names: Vec<&str> = self.roles().into_iter().map(Role::name).collect();
        Actor { user: self.user, role: names.join(",") }
    }
}
