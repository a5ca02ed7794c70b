//! What a token says.

use std::collections::BTreeSet;

use chrono::DateTime;
use domain::{PatientId, PractitionerId, TenantId, UserId};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Unauthenticated};
use crate::policy::Role;

/// The claims of a bearer token (RFC 7519), Carelog's own and an external issuer's alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For whom it is meant.
    pub aud: String,
    /// The user, a UUID.
    pub sub: UserId,
    /// The tenant.
    pub tenant: TenantId,
    /// At least one.
    pub roles: BTreeSet<Role>,
    /// The user's own patient record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientId>,
    /// The user's own practitioner record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practitioner: Option<PractitionerId>,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Ends at, seconds since 1970.
    pub exp: i64,
}

impl TryFrom<Claims> for Caller {
    type Error = Unauthenticated;
    fn try_from(claims: Claims) -> Result<Self, Unauthenticated> {
        let expires = DateTime::from_timestamp(claims.exp, 0).ok_or(Unauthenticated)?;
        if claims.roles.is_empty() {
            return Err(Unauthenticated);
        }
        Ok(Self { tenant: claims.tenant, user: claims.sub, roles: claims.roles, patient: claims.patient, practitioner: claims.practitioner, expires })
    }
}
