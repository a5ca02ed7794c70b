//! Queries in the form in which the log answers them: opaque tags, and the hashes under which events are found.

use std::collections::BTreeSet;

use domain::query::TagValue;
use domain::{EventType, Query, QueryItem, Tag, TenantId};
use sha2::{Digest, Sha256};

use crate::Stored;

/// Events of any of these types that carry all of these tags, of one tenant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Item {
    /// Stored names in order, joined by spaces.
    pub(crate) types: String,
    /// Stored tags in order.
    pub(crate) tags: Vec<String>,
    /// Where such events are found, one hash a type. Whatever is found there is still to be compared.
    pub(crate) hashes: Vec<i64>,
}

/// The place in the tag index of the events of a type that carry a tag. Collisions are harmless: whoever looks compares in full.
pub(crate) fn tag_hash(tenant: TenantId, event_type: &str, tag: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update(tenant.0.as_bytes());
    // Neither holds a zero byte: types are identifiers of this code, tags a kind and a hash or an id.
    hash.update(event_type.as_bytes());
    hash.update([0]);
    hash.update(tag.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    i64::from_be_bytes(std::array::from_fn(|index| hash[index]))
}

/// The tags that a query names, in order and with repetitions: what [`items`] wants the stored form of.
pub(crate) fn tags_of(query: &Query) -> impl Iterator<Item = &Tag> {
    query.items.iter().flat_map(|item| &item.tags)
}

/// The query's items, each once. `stored` is the stored form of [`tags_of`] it.
pub(crate) fn items(tenant: TenantId, query: &Query, stored: &[String]) -> Vec<Item> {
    let mut rest = stored;
    let items = query.items.iter().map(|item| {
        let (own, others) = rest.split_at(item.tags.len());
        rest = others;
        resolved(tenant, item, own)
    });
    items.collect::<BTreeSet<_>>().into_iter().collect()
}

fn resolved(tenant: TenantId, item: &QueryItem, stored: &[String]) -> Item {
    let types: BTreeSet<String> = item.types.iter().map(EventType::to_string).collect();
    let narrowest = item.tags.iter().zip(stored).max_by_key(|(tag, _)| narrowness(tag));
    let hashes = narrowest.map_or_else(Vec::new, |(_, tag)| types.iter().map(|event_type| tag_hash(tenant, event_type, tag)).collect());
    let mut tags = stored.to_vec();
    tags.sort_unstable();
    tags.dedup();
    Item { types: Vec::from_iter(types).join(" "), tags, hashes }
}

/// Which of an item's tags is looked up: the one that fewest events are likely to carry.
fn narrowness(tag: &Tag) -> u8 {
    match tag.value() {
        TagValue::OwnTenant => 0,
        TagValue::Id(_) => 1,
        TagValue::Day(..) => 2,
        TagValue::Identifier(_) => 3,
    }
}

impl Item {
    /// Whether an event of the item's own tenant is meant.
    pub(crate) fn matches(&self, event_type: &str, tags: &[String]) -> bool {
        self.types.split(' ').any(|own| own == event_type) && self.tags.iter().all(|tag| tags.contains(tag))
    }

    /// Whether a stored event is meant.
    pub(crate) fn matches_stored(&self, tenant: TenantId, event: &Stored) -> bool {
        event.tenant == tenant && self.matches(&event.event_type, &event.tags)
    }
}
