//! Reading the log: by tags and types, by position, by time.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{EventType, Query, Tag, TenantId};
use uuid::Uuid;
use vault::{VaultError, tag_of_tenant};

use crate::conditions::{items, tag_hash, tags_of};
use crate::stored::{self, select_stored};
use crate::{EventStore, Position, Recorded, Stored, Unreadable};

/// How far the clocks of processes that append may differ, and how long after its id was drawn an event is recorded at the latest.
const CLOCKS_DIFFER_BY: TimeDelta = TimeDelta::minutes(1);
const RECORDED_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log's database failed.
    #[error("the log is not available")]
    Database(#[from] sqlx::Error),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// An event that was asked for does not open or decode with this build: nothing can be decided without it.
    #[error("the event at position {position} does not read")]
    Unreadable {
        /// Where it is.
        position: Position,
        /// Why.
        #[source]
        error: VaultError,
    },
}

/// A stretch of the log, opened, up to and including a position.
pub struct Page {
    /// The events asked for.
    pub events: Vec<Result<Recorded, Unreadable>>,
    /// Everything up to here was looked at.
    pub through: Position,
}

/// A stretch of the log as it is stored.
pub struct Stretch {
    /// The events asked for.
    pub events: Vec<Stored>,
    /// Everything up to here was looked at.
    pub through: Position,
}

/// A stretch of the log looked at backwards.
pub struct Back {
    /// The events that match, newest first.
    pub events: Vec<Result<Recorded, Unreadable>>,
    /// Everything from here on was looked at.
    pub down_to: Position,
    /// Whether there may be more before.
    pub more: bool,
}

impl EventStore {
    /// The last position.
    pub async fn head(&self) -> Result<Position, ReadError> {
        Ok(head(&self.pool).await?)
    }

    /// How often the log has been restored from a backup, from 1: positions are unique within an epoch.
    pub async fn epoch(&self) -> Result<i64, ReadError> {
        Ok(sqlx::query_scalar("select max(epoch) from epoch").fetch_one(&self.pool).await?)
    }

    /// The events of a tenant that match, in order, up to and including `through`.
    pub async fn read(&self, tenant: TenantId, query: &Query, through: Position) -> Result<Vec<Recorded>, ReadError> {
        let tags: Vec<Tag> = tags_of(query).cloned().collect();
        let items = items(tenant, query, &self.vault.tags(tenant, &tags).await?);
        let hashes: Vec<i64> = items.iter().flat_map(|item| &item.hashes).copied().collect();
        let mut found: Vec<Stored> = sqlx::query_as(select_stored!(
            "where position in (select t.position from event_tag t where t.hash = any ($1) and t.position <= $2) order by position"
        ))
        .bind(hashes)
        .bind(through)
        .fetch_all(&self.pool)
        .await?;
        found.retain(|event| items.iter().any(|item| item.matches_stored(tenant, event)));
        let opened = self.open_stored(&found).await?.into_iter();
        opened.map(|event| event.map_err(|Unreadable { position, error, .. }| ReadError::Unreadable { position, error })).collect()
    }

    /// The newest events of a tenant that match and lie before a position, newest first. It looks at no more than `limit` events that may match.
    pub async fn read_back(&self, tenant: TenantId, query: &Query, before: Position, limit: u32) -> Result<Back, ReadError> {
        let tags: Vec<Tag> = tags_of(query).cloned().collect();
        let items = items(tenant, query, &self.vault.tags(tenant, &tags).await?);
        let hashes: Vec<i64> = items.iter().flat_map(|item| &item.hashes).copied().collect();
        let mut found: Vec<Stored> = sqlx::query_as(select_stored!(
            "where position in (select t.position from event_tag t where t.hash = any ($1) and t.position < $2 order by t.position desc limit $3) \
             order by position desc"
        ))
        .bind(hashes)
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let more = found.len() >= limit as usize;
        let down_to = found.last().filter(|_| more).map_or(Position(1), |oldest| oldest.position);
        found.retain(|event| items.iter().any(|item| item.matches_stored(tenant, event)));
        Ok(Back { events: self.open_stored(&found).await?, down_to, more })
    }

    /// An event of a tenant by its id. There is no index of ids: one tells when it was drawn, which is just before its event was recorded, so it is looked for there.
    pub async fn by_id(&self, tenant: TenantId, id: Uuid) -> Result<Option<Recorded>, ReadError> {
        let drawn = id.get_timestamp().and_then(|time| DateTime::from_timestamp(i64::try_from(time.to_unix().0).ok()?, time.to_unix().1));
        let Some(drawn) = drawn else { return Ok(None) };
        let after = self.position_at(drawn - CLOCKS_DIFFER_BY).await?;
        let through = self.position_at(drawn + RECORDED_WITHIN).await?;
        let found: Vec<Stored> = sqlx::query_as(select_stored!("where position > $1 and position <= $2 and event_id = $3 and tenant = $4"))
            .bind(after)
            .bind(through)
            .bind(id)
            .bind(tenant.0)
            .fetch_all(&self.pool)
            .await?;
        let opened = self.open_stored(&found).await?.pop();
        opened.transpose().map_err(|Unreadable { position, error, .. }| ReadError::Unreadable { position, error })
    }

    /// The next events after `after`, of every tenant; only of `types`, where they are named. It looks at no more than `limit` events.
    pub async fn page(&self, after: Position, limit: u32, types: Option<&[EventType]>) -> Result<Page, ReadError> {
        let Some(types) = types else {
            let stored = self.stored(after, limit).await?;
            let through = stored.last().map_or(after, |last| last.position);
            return Ok(Page { events: self.open_stored(&stored).await?, through });
        };
        // Positions are dense, so the stretch is known before it is read; what is appended meanwhile is beyond it.
        let through = Position(after.0.saturating_add(i64::from(limit))).min(self.head().await?).max(after);
        let stored: Vec<Stored> = sqlx::query_as(select_stored!("where position > $1 and position <= $2 and type = any ($3) order by position"))
            .bind(after)
            .bind(through)
            .bind(types.iter().map(EventType::to_string).collect::<Vec<_>>())
            .fetch_all(&self.pool)
            .await?;
        Ok(Page { events: self.open_stored(&stored).await?, through })
    }

    /// The next events after `after` as they are stored.
    pub async fn stored(&self, after: Position, limit: u32) -> Result<Vec<Stored>, ReadError> {
        let events = sqlx::query_as(select_stored!("where position > $1 order by position limit $2"));
        Ok(events.bind(after).bind(i64::from(limit)).fetch_all(&self.pool).await?)
    }

    /// The next events of some types after `after`, of every tenant, in order; at most `limit` of them. They are found by their tags, so the cost is theirs and that of
    /// the number of tenants, however long the log is; and it takes no key.
    pub async fn stored_of_types(&self, types: &[EventType], after: Position, limit: u32) -> Result<Stretch, ReadError> {
        // Before the tenants: none that has an event up to here is missing among them.
        let head = self.head().await?;
        if head <= after {
            return Ok(Stretch { events: Vec::new(), through: after });
        }
        let names: Vec<String> = types.iter().map(EventType::to_string).collect();
        let mut hashes: Vec<i64> = Vec::new();
        for tenant in self.tenants().await? {
            let tag = tag_of_tenant(tenant);
            hashes.extend(names.iter().map(|name| tag_hash(tenant, name, &tag)));
        }
        let mut events: Vec<Stored> = sqlx::query_as(select_stored!(
            "where position in (select t.position from event_tag t where t.hash = any ($1) and t.position > $2 and t.position <= $3 order by t.position limit $4) \
             order by position"
        ))
        .bind(hashes)
        .bind(after)
        .bind(head)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let through = events.last().filter(|_| events.len() >= limit as usize).map_or(head, |last| last.position);
        events.retain(|event| names.contains(&event.event_type));
        Ok(Stretch { events, through })
    }

    /// Every tenant that anything was appended for, one index entry each.
    async fn tenants(&self) -> Result<Vec<TenantId>, ReadError> {
        let statement = "with recursive known (tenant) as ( \
                (select tenant from command order by tenant limit 1) \
                union all select (select next.tenant from command next where next.tenant > known.tenant order by next.tenant limit 1) \
                    from known where known.tenant is not null) \
             select tenant from known where tenant is not null";
        let tenants: Vec<Uuid> = sqlx::query_scalar(statement).fetch_all(&self.pool).await?;
        Ok(tenants.into_iter().map(TenantId).collect())
    }

    /// Opens stored events, whatever way they came.
    pub async fn open_stored(&self, stored: &[Stored]) -> Result<Vec<Result<Recorded, Unreadable>>, ReadError> {
        Ok(stored::open(&self.vault, stored).await?)
    }

    /// The last position recorded at or before `time`; recorded time never goes backwards along positions.
    pub async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, ReadError> {
        Ok(sqlx::query_scalar("select position_at($1)").bind(time).fetch_one(&self.pool).await?)
    }
}

/// The last position, from the database.
pub(crate) async fn head(pool: &sqlx::PgPool) -> Result<Position, sqlx::Error> {
    let last = sqlx::query_scalar("select position from event order by position desc limit 1").fetch_optional(pool).await?;
    Ok(last.unwrap_or_default())
}
