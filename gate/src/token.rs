//! What a token says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use domain::access::Origin;
use domain::{FacilityId, PatientId, Phi, PractitionerId, TenantId, UserId};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Unauthenticated};
use crate::policy;
use domain::Role;

/// The claims of a bearer token (RFC 7519), Carelog's own and an external issuer's alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For whom it is meant; one, or a list that names us too.
    pub aud: Audience,
    /// The user, a UUID.
    pub sub: UserId,
    /// The tenant.
    pub tenant: TenantId,
    /// What the user is to the whole tenant.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
    /// What the user is at single facilities, by the facility's id; there is at least one role somewhere. Nobody is a patient of one facility alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facility_roles: BTreeMap<FacilityId, BTreeSet<Role>>,
    /// The user's own patient record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientId>,
    /// The user's own practitioner record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practitioner: Option<PractitionerId>,
    /// Issued at, seconds since 1970.
    #[serde(deserialize_with = "numeric_date")]
    pub iat: i64,
    /// Ends at, seconds since 1970.
    #[serde(deserialize_with = "numeric_date")]
    pub exp: i64,
}

/// `aud` (RFC 7519, section 4.1.3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// The usual case.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl From<&str> for Audience {
    fn from(audience: &str) -> Self {
        Self::One(audience.to_owned())
    }
}

/// A `NumericDate` (RFC 7519, section 2) may have a fraction; it is cut off.
#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its end, which is no date")]
fn numeric_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(f64::deserialize(deserializer)?.floor() as i64)
}

impl TryFrom<Claims> for Caller {
    type Error = Unauthenticated;
    fn try_from(claims: Claims) -> Result<Self, Unauthenticated> {
        let expires = DateTime::from_timestamp(claims.exp, 0).ok_or(Unauthenticated)?;
        let issued = DateTime::from_timestamp(claims.iat, 0).ok_or(Unauthenticated)?;
        let mut at_facilities = claims.facility_roles.values();
        if (claims.roles.is_empty() && at_facilities.clone().all(BTreeSet::is_empty)) || at_facilities.any(|roles| roles.contains(&Role::Patient)) {
            return Err(Unauthenticated);
        }
        let roles = claims.roles.iter().chain(claims.facility_roles.values().flatten()).copied().collect();
        let purpose = policy::usual_purpose(&roles);
        Ok(Self {
            tenant: claims.tenant,
            user: claims.sub,
            roles: claims.roles,
            facility_roles: claims.facility_roles,
            patient: claims.patient,
            practitioner: claims.practitioner,
            issued,
            expires,
            purpose,
            operator: false,
            origin: Phi::Known(Origin::default()),
        })
    }
}
