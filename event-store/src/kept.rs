//! All that the log keeps, position by position, so that nothing of it can be changed unseen: events, what was answered to commands, and where events are found.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use crate::conditions::tag_hash;
use crate::{EventStore, Position, ReadError, Stored};

/// An event, and the answers that became final with it.
pub struct Kept {
    /// The event.
    pub stored: Stored,
    /// The answer to the command whose last event it is, and those to commands that led to no event since the event before it; by tenant, user and command.
    pub answered: Vec<Answered>,
}

/// What was answered to a command, as the log keeps it for a retry.
#[derive(Clone, PartialEq, Eq, Debug, FromRow)]
pub struct Answered {
    /// Whose.
    pub tenant: Uuid,
    /// Who gave it.
    pub actor: Uuid,
    /// Its idempotency key.
    pub command_id: Uuid,
    /// `scheduling.book-appointment`.
    pub name: String,
    /// An HMAC of its body.
    pub digest: Vec<u8>,
    /// The position of its first event; none where it led to no event.
    pub first_position: Option<i64>,
    /// The position of its last event, or the head of the log.
    pub last_position: i64,
    /// Its events.
    pub event_ids: Vec<Uuid>,
    /// The answer, JSON.
    pub answer: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

impl Answered {
    /// The position with which it became final.
    fn settled(&self) -> i64 {
        if self.first_position.is_some() { self.last_position } else { self.last_position + 1 }
    }
}

/// An epoch of the log: a restore from a backup begins a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromRow)]
pub struct Epoch {
    /// From 1.
    pub epoch: i64,
    /// The first position that was given in it.
    pub first_position: i64,
}

impl EventStore {
    /// All that is kept at the next positions after `after`, in order.
    pub async fn kept(&self, after: Position, limit: u32) -> Result<Vec<Kept>, ReadError> {
        let events = self.stored(after, limit).await?;
        let Some(last) = events.last() else { return Ok(Vec::new()) };
        let answers: Vec<Answered> = sqlx::query_as(
            "select c.tenant, c.actor, c.command_id, c.name, c.digest, c.first_position, c.last_position, c.event_ids, c.answer::text as answer, c.recorded_at
            from event e join command c on c.tenant = e.tenant and c.actor = e.actor_user and c.command_id = e.command_id and c.last_position = e.position
            where e.position > $1 and e.position <= $2 and c.first_position is not null
            union all
            select tenant, actor, command_id, name, digest, first_position, last_position, event_ids, answer::text, recorded_at
            from command where first_position is null and last_position >= $1 and last_position < $2",
        )
        .bind(after)
        .bind(last.position)
        .fetch_all(&self.pool)
        .await?;
        let mut settled: BTreeMap<i64, Vec<Answered>> = BTreeMap::new();
        for answer in answers {
            settled.entry(answer.settled()).or_default().push(answer);
        }
        let kept = events.into_iter().map(|stored| {
            let mut answered = settled.remove(&stored.position.0).unwrap_or_default();
            answered.sort_by_key(|answer| (answer.tenant, answer.actor, answer.command_id));
            Kept { stored, answered }
        });
        Ok(kept.collect())
    }

    /// The first of these events that is not found under one of its tags.
    pub async fn not_found_by_tags(&self, events: &[Stored]) -> Result<Option<Position>, ReadError> {
        let hashes = events.iter().flat_map(|event| event.tags.iter().map(|tag| (tag_hash(event.tenant, &event.event_type, tag), event.position.0)));
        let (hashes, positions): (Vec<i64>, Vec<i64>) = hashes.unzip();
        let statement = "select wanted.position from unnest($1::bigint[], $2::bigint[]) as wanted (hash, position)
            where not exists (select from event_tag t where t.hash = wanted.hash and t.position = wanted.position) order by wanted.position limit 1";
        Ok(sqlx::query_scalar(statement).bind(hashes).bind(positions).fetch_optional(&self.pool).await?)
    }

    /// The first answer, up to a position, to a command that is said to have led to events and did not: the position that it claims. It looks at every answer.
    pub async fn answer_without_events(&self, through: Position) -> Result<Option<Position>, ReadError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::raw_sql("set local statement_timeout = 0").execute(&mut *transaction).await?;
        let statement = "select min(c.last_position) from command c where c.first_position is not null and c.last_position <= $1 and not exists (
                select from event e where e.position = c.last_position and e.tenant = c.tenant and e.actor_user = c.actor and e.command_id = c.command_id
            )";
        Ok(sqlx::query_scalar(statement).bind(through).fetch_one(&mut *transaction).await?)
    }

    /// How many events and how many answers there are up to a position, wherever they say they are: what pages by position do not come by is counted too.
    pub async fn count_up_to(&self, through: Position) -> Result<(i64, i64), ReadError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::raw_sql("set local statement_timeout = 0").execute(&mut *transaction).await?;
        let statement = "select (select count(*) from event where position <= $1),
            (select count(*) from command where last_position <= $1 and (first_position is not null or last_position < $1))";
        Ok(sqlx::query_as(statement).bind(through).fetch_one(&mut *transaction).await?)
    }

    /// The epochs of the log, the first one first.
    pub async fn epochs(&self) -> Result<Vec<Epoch>, ReadError> {
        Ok(sqlx::query_as("select epoch, first_position from epoch order by epoch").fetch_all(&self.pool).await?)
    }
}
