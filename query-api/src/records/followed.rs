//! A chart that is followed: facts that change, and those that come and go with a record that is merged or parted.

use std::collections::HashSet;

use async_graphql::SimpleObject;
use domain::PatientId;
use sqlx::FromRow;
use uuid::Uuid;

use super::entry::ChartEntry;
use crate::errors::Failure;
use crate::reads::Permitted;
use crate::scalars::Position;

/// What writes the rows.
pub const PROJECTIONS: &[&str] = &["records", "patients"];

/// Facts of a chart that have changed, have come or have gone.
#[derive(SimpleObject)]
pub struct ChartUpdates {
    /// Every change of what is followed up to this position has been sent with this message.
    position: Position,
    /// The facts as they are now, in the order of their changes; after a merge also those that came with the other record.
    entries: Vec<ChartEntry>,
    /// The records that are this person's no more, because a merge was undone: the entries whose `record` is one of these have left the chart.
    left_records: Vec<Uuid>,
}

/// How far a chart has been followed. Facts and links are written apart, and either may be ahead.
#[derive(Clone, Copy)]
pub struct Followed {
    facts: i64,
    /// The link, and the fact that came with it, that were sent last.
    links: (i64, Uuid),
    parted: i64,
}

#[derive(FromRow)]
struct Row {
    last: i64,
    #[sqlx(flatten)]
    entry: ChartEntry,
}

impl Followed {
    /// From now on.
    pub async fn begin(permitted: Permitted<'_>) -> Result<Self, Failure> {
        let (facts, links, parted) = sqlx::query_as(
            "select (select coalesce(max(position), 0) from chart_fact), (select coalesce(max(position), 0) from patient_link), \
             (select coalesce(max(position), 0) from patient_link_left)",
        )
        .fetch_one(&mut *permitted.connection().await)
        .await?;
        Ok(Self { facts, links: (links, Uuid::max()), parted })
    }

    /// What has changed since, at most so many facts of either sort, how far that is, and whether there is more.
    pub async fn next(self, permitted: Permitted<'_>, patient: PatientId, most: i64) -> Result<Option<(ChartUpdates, Self, bool)>, Failure> {
        let changed: Vec<Row> = sqlx::query_as(CHANGED).bind(patient.0).bind(self.facts).bind(most).fetch_all(&mut *permitted.connection().await).await?;
        let (link, fact) = self.links;
        let joined: Vec<Row> = sqlx::query_as(JOINED).bind(patient.0).bind(link).bind(fact).bind(most).fetch_all(&mut *permitted.connection().await).await?;
        let parted: Vec<(Uuid, i64)> = sqlx::query_as(PARTED).bind(patient.0).bind(self.parted).fetch_all(&mut *permitted.connection().await).await?;
        let more = [&changed, &joined].iter().any(|rows| i64::try_from(rows.len()).is_ok_and(|rows| rows >= most));
        let next = Self {
            facts: changed.last().map_or(self.facts, |row| row.last),
            links: joined.last().map_or(self.links, |row| (row.last, row.entry.key())),
            parted: parted.last().map_or(self.parted, |(_, position)| *position),
        };
        if changed.is_empty() && joined.is_empty() && parted.is_empty() {
            return Ok(None);
        }
        let position = next.facts.max(next.links.0).max(next.parted);
        let mut seen = HashSet::new();
        let entries: Vec<ChartEntry> = joined.into_iter().chain(changed).map(|row| row.entry).filter(|entry| seen.insert(entry.key())).collect();
        for entry in &entries {
            entry.disclosed(permitted);
        }
        Ok(Some((ChartUpdates { position: Position(position), entries, left_records: parted.into_iter().map(|(record, _)| record).collect() }, next, more)))
    }
}

const CHANGED: &str = "select f.position as last, f.* from chart_fact f \
    where patient_id in (select record_id from patient_link where patient_id = $1) and position > $2 order by position limit $3";
const JOINED: &str = "select link.position as last, f.* from patient_link link join chart_fact f on f.patient_id = link.record_id \
    where link.patient_id = $1 and (link.position, f.fact_id) > ($2, $3) order by link.position, f.fact_id limit $4";
const PARTED: &str = "select record_id, position from patient_link_left where patient_id = $1 and position > $2 order by position";
