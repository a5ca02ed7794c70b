//! The relay's lease and its own account of what it has published, both in the log's database and on one connection: who loses the lease cannot write the account.

use std::time::Duration;

use event_store::{PARTITIONS, Position};
use sqlx::{Connection, PgConnection, PgPool};

/// How often a relay that waits asks whether the lease is free.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What is on Kafka.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Published {
    /// Every event up to here.
    pub(crate) position: Position,
    /// Each partition's last event up to there; 0 where it has none.
    pub(crate) last: [Position; PARTITIONS as usize],
}

/// The right to publish to one topic, held as long as its connection lives.
pub(crate) struct Lease {
    connection: PgConnection,
    topic: String,
}

impl Lease {
    /// Waits until nobody else has it.
    pub(crate) async fn wait(pool: &PgPool, topic: &str) -> Result<Self, sqlx::Error> {
        let mut connection = own_connection(pool).await?;
        while !take(&mut connection, topic).await? {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        Ok(Self { connection, topic: topic.to_owned() })
    }

    /// Nothing where somebody else has it.
    pub(crate) async fn at_once(pool: &PgPool, topic: &str) -> Result<Option<Self>, sqlx::Error> {
        let mut connection = own_connection(pool).await?;
        Ok(take(&mut connection, topic).await?.then(|| Self { connection, topic: topic.to_owned() }))
    }

    /// The account; nothing is published where there is none yet.
    pub(crate) async fn published(&mut self) -> Result<Published, sqlx::Error> {
        Ok(read(&mut self.connection, &self.topic).await?.unwrap_or_default())
    }

    /// Writes the account after a commit on Kafka.
    pub(crate) async fn store(&mut self, published: &Published) -> Result<(), sqlx::Error> {
        let last: Vec<i64> = published.last.iter().map(|position| position.0).collect();
        let statement = "insert into relay.published (topic, position, last_of_partition) values ($1, $2, $3)
            on conflict (topic) do update set position = excluded.position, last_of_partition = excluded.last_of_partition";
        sqlx::query(statement).bind(&self.topic).bind(published.position.0).bind(last).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Forgets the account: as far as it says, nothing is published.
    pub(crate) async fn forget(&mut self) -> Result<(), sqlx::Error> {
        sqlx::query("delete from relay.published where topic = $1").bind(&self.topic).execute(&mut self.connection).await?;
        Ok(())
    }

    /// Gives it back. It is free when this returns, and not only once the server has noticed that the connection is gone.
    pub(crate) async fn close(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("select pg_advisory_unlock_all()").execute(&mut self.connection).await?;
        self.connection.close().await
    }
}

/// A connection out of the pool: it must not be handed to anyone else with the lock on it.
async fn own_connection(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    let mut connection = pool.acquire().await?.detach();
    // A relay whose machine is gone loses the lease within half a minute.
    sqlx::raw_sql("set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3").execute(&mut connection).await?;
    Ok(connection)
}

/// Takes the lease, if it is free: an advisory lock of the session, which ends with the connection, however the process ends.
async fn take(connection: &mut PgConnection, topic: &str) -> Result<bool, sqlx::Error> {
    let statement = "select pg_try_advisory_lock(hashtextextended('carelog relay ' || $1, 0))";
    sqlx::query_scalar(statement).bind(topic).fetch_one(connection).await
}

/// The account of a topic's relay, for anyone.
pub(crate) async fn read(executor: impl sqlx::PgExecutor<'_>, topic: &str) -> Result<Option<Published>, sqlx::Error> {
    let statement = "select position, last_of_partition from relay.published where topic = $1";
    let row: Option<(i64, Vec<i64>)> = sqlx::query_as(statement).bind(topic).fetch_optional(executor).await?;
    Ok(row.map(|(position, last)| {
        let mut published = Published { position: Position(position), ..Published::default() };
        published.last.iter_mut().zip(last).for_each(|(place, position)| *place = Position(position));
        published
    }))
}
