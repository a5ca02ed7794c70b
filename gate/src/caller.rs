//! Who asks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::access::{Origin, PurposeOfUse};
use domain::{PatientId, Permission, Phi, PractitionerId, TenantId, UserId};
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
    /// What they are to the tenant; at least one.
    pub roles: BTreeSet<Role>,
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
            patient: None,
            practitioner: None,
            // Anew for each task: no ended session is of it.
            issued: DateTime::<Utc>::MAX_UTC,
            expires: DateTime::<Utc>::MAX_UTC,
            purpose: PurposeOfUse::SystemAdministration,
            origin: Phi::Known(Origin { address: None, agent: Some(format!("carelog {task}")) }),
        }
    }

    /// How far a permission reaches for them; `None` where they do not have it.
    pub fn reach(&self, permission: Permission) -> Option<Reach> {
        policy::reach(&self.roles, permission)
    }

    /// All that they may do, and how far.
    pub fn permissions(&self) -> BTreeMap<Permission, Reach> {
        policy::permissions(&self.roles)
    }

    /// As the log names them.
    pub(crate) fn actor(&self) -> Actor {
        let names: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        Actor { user: self.user, role: names.join(",") }
    }
}
