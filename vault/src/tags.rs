//! Tags made opaque: what would say something about a person enters the log only as a keyed hash or a random surrogate.

use std::collections::HashMap;

use chrono::NaiveDate;
use domain::query::{TagKind, TagValue};
use domain::{Tag, TenantId};
use uuid::Uuid;

use crate::secret::{Secret, random_id};
use crate::{Vault, VaultError};

/// A business identifier's HMAC, under which its surrogate is claimed.
pub(crate) type IdentifierMac = [u8; 32];

/// The stored form of [`Tag::TENANT`], which takes no key.
pub fn tag_of_tenant(tenant: TenantId) -> String {
    format!("{}:{tenant}", Tag::TENANT.kind().name())
}

impl Vault {
    /// The stored form of tags: ids as they are, days as keyed hashes, identifiers as random surrogates (claimed when new).
    pub async fn tags(&self, tenant: TenantId, tags: &[Tag]) -> Result<Vec<String>, VaultError> {
        let key = self.keys.tenants.tagging(tenant).await?;
        let identifiers: Vec<_> = tags.iter().filter_map(|tag| identifier_mac(&key, tag.value())).collect();
        let surrogates = self.surrogates(tenant, &identifiers).await?;
        let stored = tags.iter().map(|tag| {
            let kind = tag.kind().name();
            Ok(match tag.value() {
                TagValue::OwnTenant => tag_of_tenant(tenant),
                TagValue::Id(id) => format!("{kind}:{id}"),
                TagValue::Day(id, day) => format!("{kind}-day:{}", keyed_day(&key, tag.kind(), *id, *day)),
                TagValue::Identifier(_) => {
                    let mac = identifier_mac(&key, tag.value()).ok_or(VaultError::Erased)?;
                    format!("{kind}:{}", surrogates[&mac])
                }
            })
        });
        stored.collect()
    }

    /// The surrogates of identifiers; those that are not in memory are read, and claimed where they are new, in one statement.
    async fn surrogates(&self, tenant: TenantId, identifiers: &[IdentifierMac]) -> Result<HashMap<IdentifierMac, Uuid>, VaultError> {
        let mut surrogates: HashMap<_, _> = identifiers.iter().filter_map(|mac| Some((*mac, self.claims.get(&(tenant, *mac))?))).collect();
        // In one order for everyone, so that two claims of several identifiers never wait for each other in a circle.
        let mut missing: Vec<&IdentifierMac> = identifiers.iter().filter(|mac| !surrogates.contains_key(*mac)).collect();
        missing.sort_unstable();
        missing.dedup();
        // Where another process claims between the two halves of the statement, neither gives its row; the next try reads it.
        while !missing.is_empty() {
            let offered: Vec<Uuid> = missing.iter().map(|_| random_id()).collect();
            let rows: Vec<(Vec<u8>, Uuid)> = sqlx::query_as(
                "with made as (
                    insert into vault.claim (tenant, identifier_mac, surrogate) select $1, mac, surrogate from unnest($2::bytea[], $3::uuid[]) as offered (mac, surrogate)
                    on conflict do nothing returning identifier_mac, surrogate)
                select identifier_mac, surrogate from made
                union all select identifier_mac, surrogate from vault.claim where tenant = $1 and identifier_mac = any($2)",
            )
            .bind(tenant.0)
            .bind(missing.iter().map(|mac| mac.as_slice()).collect::<Vec<_>>())
            .bind(&offered)
            .fetch_all(&self.pool)
            .await?;
            for (mac, surrogate) in rows {
                let mac = IdentifierMac::try_from(mac).map_err(|_| VaultError::NotAuthentic)?;
                self.claims.insert((tenant, mac), surrogate);
                surrogates.insert(mac, surrogate);
            }
            missing.retain(|mac| !surrogates.contains_key(*mac));
        }
        Ok(surrogates)
    }
}

fn identifier_mac(key: &Secret, value: &TagValue) -> Option<IdentifierMac> {
    let TagValue::Identifier(identifier) = value else { return None };
    identifier.known().map(|(system, value)| key.mac(&[b"identifier", system.as_bytes(), value.as_bytes()]))
}

/// The first half of an HMAC, as 32 hexadecimal digits: the day is not told, and the same thing's days do not look alike.
fn keyed_day(key: &Secret, kind: TagKind, id: Uuid, day: NaiveDate) -> String {
    let mac = key.mac(&[b"day", kind.name().as_bytes(), id.as_bytes(), day.to_string().as_bytes()]);
    let half: [u8; 16] = std::array::from_fn(|index| mac[index]);
    format!("{:032x}", u128::from_be_bytes(half))
}
