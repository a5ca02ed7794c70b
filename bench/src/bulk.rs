//! The yardstick: the rows that the appends wrote, inserted again in bulk by the same Postgres, a thousand events a transaction.

use std::time::Instant;

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgPool};

/// The log's tables, and what orders their rows by event.
const TABLES: [(&str, &str); 3] = [("event", "position"), ("event_tag", "position"), ("command", "first_position")];

/// Events a second of inserting the events and all that belongs to them into empty copies of the log's tables.
pub async fn insert_again(pool: &PgPool) -> anyhow::Result<f64> {
    let mut connection = pool.acquire().await?.detach();
    sqlx::query("set search_path to clinical").execute(&mut connection).await?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (table, order) in TABLES {
        sqlx::query(AssertSqlSafe(format!("create table bulk_{table} (like {table} including defaults including constraints including indexes)")))
            .execute(&mut connection)
            .await?;
        let statement = format!("copy (select * from {table} order by {order}) to stdout");
        let text: Vec<u8> = connection
            .copy_out_raw(&statement)
            .await?
            .try_fold(Vec::new(), |mut all, part| async move {
                all.extend_from_slice(&part);
                Ok(all)
            })
            .await?;
        rows.push(String::from_utf8(text)?.lines().map(|line| format!("{line}\n")).collect());
    }
    let events = rows[0].len();
    let start = Instant::now();
    let transactions = events.div_ceil(1000);
    for number in 0..transactions {
        let mut transaction = connection.begin().await?;
        for ((table, _), rows) in TABLES.iter().zip(&rows) {
            let part = |number: usize| rows.len() * number / transactions;
            let chunk = rows[part(number)..part(number + 1)].concat();
            let mut copy = transaction.copy_in_raw(&format!("copy bulk_{table} from stdin")).await?;
            copy.send(chunk.into_bytes()).await?;
            copy.finish().await?;
        }
        transaction.commit().await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    for (table, _) in TABLES {
        sqlx::query(AssertSqlSafe(format!("drop table bulk_{table}"))).execute(&mut connection).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    Ok(events as f64 / seconds)
}
