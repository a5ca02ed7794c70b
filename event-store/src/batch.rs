//! A batch of requests as one call of the function `append` of `migrations/log`: one statement, and so one transaction.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::Position;
use crate::dependencies::steps;
use crate::request::Request;

/// What the log did with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Appended; the last position of its events, or the head before the batch where there are none.
    Appended(Position),
    /// Its command was seen before.
    Seen,
    /// Its boundary has grown.
    Grown,
}

/// The new head, and a verdict for each request.
pub(crate) async fn commit(connection: &mut PgConnection, now: DateTime<Utc>, requests: &[Request]) -> Result<(Position, Vec<Verdict>), sqlx::Error> {
    let (head, outcomes) = call(connection, now, requests).await?;
    let events = |request: &Request| i64::from(place(request.events.len()));
    let before = head - requests.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == 0).map(|(request, _)| events(request)).sum::<i64>();
    let mut last = before;
    let verdicts = requests.iter().zip(outcomes).map(|(request, outcome)| match outcome {
        0 if request.events.is_empty() => Verdict::Appended(Position(before)),
        0 => {
            last += events(request);
            Verdict::Appended(Position(last))
        }
        1 => Verdict::Seen,
        _ => Verdict::Grown,
    });
    Ok((Position(head), verdicts.collect()))
}

/// What is repeated in a batch is sent once.
#[derive(Default)]
struct TypeLists<'request> {
    places: HashMap<&'request str, i32>,
    lists: Vec<&'request str>,
}

impl<'request> TypeLists<'request> {
    fn place(&mut self, list: &'request str) -> i32 {
        *self.places.entry(list).or_insert_with(|| {
            self.lists.push(list);
            place(self.lists.len())
        })
    }
}

async fn call(connection: &mut PgConnection, now: DateTime<Utc>, requests: &[Request]) -> Result<(i64, Vec<i16>), sqlx::Error> {
    let numbered = || (1..).map(place).zip(requests);
    let mut first_event = 1;
    let (first_events, event_counts): (Vec<_>, Vec<_>) = requests
        .iter()
        .map(|request| {
            let count = place(request.events.len());
            first_event += count;
            (first_event - count, count)
        })
        .unzip();

    let mut type_lists = TypeLists::default();
    let items: Vec<_> = numbered().flat_map(|(request, parts)| parts.items.iter().map(move |item| (request, item))).collect();
    let item_type_lists: Vec<_> = items.iter().map(|(_, item)| type_lists.place(&item.types)).collect();
    let item_tags: Vec<_> = items.iter().map(|(_, item)| item.tags.join(" ")).collect();
    let probes = (1..).map(place).zip(&items).flat_map(|(item, (_, parts))| parts.hashes.iter().map(move |hash| (item, *hash)));
    let (probe_items, probe_hashes): (Vec<_>, Vec<_>) = probes.unzip();
    let (step_requests, step_keys): (Vec<_>, Vec<_>) = steps(requests).into_iter().unzip();

    let events: Vec<_> = numbered().flat_map(|(request, parts)| parts.events.iter().map(move |event| (request, parts, event))).collect();
    let found = (1..).map(place).zip(&events).flat_map(|(event, (_, _, parts))| parts.hashes.iter().map(move |hash| (event, *hash)));
    let (tag_events, tag_hashes): (Vec<_>, Vec<_>) = found.unzip();
    let versions = events.iter().map(|(_, _, event)| i16::try_from(event.version)).collect::<Result<Vec<_>, _>>();

    sqlx::query_as(
        "select head, outcomes from append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, \
        $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)",
    )
    .bind(now)
    .bind(requests.iter().map(|request| request.tenant.0).collect::<Vec<_>>())
    .bind(requests.iter().map(|request| request.actor.user.0).collect::<Vec<_>>())
    .bind(requests.iter().map(|request| request.command.id).collect::<Vec<_>>())
    .bind(requests.iter().map(|request| request.command.name.as_str()).collect::<Vec<_>>())
    .bind(requests.iter().map(|request| request.command.digest.bytes()).collect::<Vec<_>>())
    .bind(requests.iter().map(|request| request.answer.as_str()).collect::<Vec<_>>())
    .bind(requests.iter().map(|request| request.read_at).collect::<Vec<_>>())
    .bind(first_events)
    .bind(event_counts)
    .bind(type_lists.lists)
    .bind(items.iter().map(|(request, _)| *request).collect::<Vec<_>>())
    .bind(item_type_lists)
    .bind(item_tags)
    .bind(probe_items)
    .bind(probe_hashes)
    .bind(step_requests)
    .bind(step_keys)
    .bind(events.iter().map(|(request, _, _)| *request).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, _, event)| event.id).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, request, _)| request.tenant.0).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, _, event)| event.event_type.as_str()).collect::<Vec<_>>())
    .bind(versions.map_err(|error| sqlx::Error::Encode(Box::new(error)))?)
    .bind(events.iter().map(|(_, _, event)| event.subject.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, _, event)| event.tags.join(" ")).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, _, event)| event.labels.join(" ")).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, request, _)| request.actor.user.0).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, request, _)| request.actor.role.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, request, _)| request.authority.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, request, _)| request.correlation).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, request, _)| request.causation).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, request, _)| request.command.id).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, _, event)| event.sealed.payload.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, _, event)| event.sealed.sealed.as_slice()).collect::<Vec<_>>())
    .bind(tag_events)
    .bind(tag_hashes)
    .fetch_one(connection)
    .await
}

/// A place or a number of things in a batch, as Postgres counts them.
pub(crate) fn place(count: usize) -> i32 {
    i32::try_from(count).expect("the sequencer bounds a batch far below 2³¹ of anything")
}
