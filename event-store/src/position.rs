//! Places in the log, and how its tenants are spread.

use domain::TenantId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A place in the log: dense from 1 in the order of commits; 0 is before the first event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Position(pub i64);

impl std::fmt::Display for Position {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How many partitions the log has on Kafka and in the cursors of projections. A change is a new topic.
pub const PARTITIONS: u16 = 8;

/// The partition of a tenant: order inside a tenant is total. Never to be changed, like [`PARTITIONS`].
pub fn partition_of(tenant: TenantId) -> u16 {
    let hash = Sha256::digest(tenant.0.as_bytes());
    u16::from_be_bytes([hash[0], hash[1]]) % PARTITIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_stays_in_its_partition() {
        let partitions = [1, 2, 3, u128::MAX].map(|id| partition_of(TenantId(uuid::Uuid::from_u128(id))));
        assert_eq!(partitions, [4, 0, 2, 6]);
    }
}
