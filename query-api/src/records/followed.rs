//! A chart that is followed: facts and documents that change, and those that come and go with a record that is merged or parted.

use std::collections::HashSet;

use async_graphql::SimpleObject;
use domain::{PatientId, Permission};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::entry::ChartEntry;
use crate::documents::Document;
use crate::errors::Failure;
use crate::reads::Permitted;
use crate::scalars::Position;

/// What writes the rows. One may be ahead of the others: only what all read models have come to is told, so any of them may be what was waited for.
pub const PROJECTIONS: &[&str] = &[];

/// Facts and documents of a chart that have changed, have come or have gone.
#[derive(SimpleObject)]
pub struct ChartUpdates {
    /// Every change of what is followed up to this position has been sent with this message.
    position: Position,
    /// The facts as they are now, in the order of their changes; after a merge also those that came with the other record.
    entries: Vec<ChartEntry>,
    /// The documents as they are now, likewise; none for those who may not read documents.
    documents: Vec<Document>,
    /// The records that are this person's no more, because a merge was undone: the entries whose `record` is one of these have left the chart, and their documents.
    left_records: Vec<Uuid>,
}

/// How far a chart has been followed.
#[derive(Clone, Copy)]
pub struct Followed {
    facts: Place,
    documents: Place,
    parted: i64,
}

/// How far one table of a chart has been followed.
#[derive(Clone, Copy)]
struct Place {
    changed: i64,
    /// The link, and the row that came with it, that were sent last.
    joined: (i64, Uuid),
}

impl Place {
    fn at(position: i64) -> Self {
        Self { changed: position, joined: (position, Uuid::max()) }
    }

    fn last(&self) -> i64 {
        self.changed.max(self.joined.0)
    }
}

#[derive(FromRow)]
struct Row<T> {
    last: i64,
    #[sqlx(flatten)]
    row: T,
}

/// The rows of one table that a chart consists of.
trait Part: for<'row> FromRow<'row, PgRow> + Send + Unpin {
    /// Those of a person ($1) that have changed after a position ($2) and up to another ($4), at most so many ($3).
    const CHANGED: &'static str;
    /// Those that have come with a link after the last that was told ($2, $3) and up to a position ($5), at most so many ($4).
    const JOINED: &'static str;
    fn key(&self) -> Uuid;
}

macro_rules! part {
    ($row:ty, $table:literal, $id:literal) => {
        impl Part for $row {
            const CHANGED: &'static str = concat!(
                "select part.position as last, part.* from ", $table, " part \
                 where patient_id in (select record_id from patient_link where patient_id = $1) and position > $2 and position <= $4 order by position limit $3"
            );
            const JOINED: &'static str = concat!(
                "select link.position as last, part.* from patient_link link join ", $table, " part on part.patient_id = link.record_id \
                 where link.patient_id = $1 and link.position <= $5 and (link.position, part.", $id, ") > ($2, $3) order by link.position, part.", $id, " limit $4"
            );
            fn key(&self) -> Uuid {
                self.key()
            }
        }
    };
}

part!(ChartEntry, "chart_fact", "fact_id");
part!(Document, "document", "document_id");

/// What is new of a part, how far that is, and whether there is more.
struct News<T> {
    rows: Vec<T>,
    place: Place,
    more: bool,
}

async fn news<T: Part>(permitted: Permitted<'_>, patient: PatientId, from: Place, most: i64) -> Result<News<T>, Failure> {
    let through = permitted.reflects();
    let changed = sqlx::query_as(T::CHANGED).bind(patient.0).bind(from.changed).bind(most).bind(through);
    let changed: Vec<Row<T>> = changed.fetch_all(&mut *permitted.connection().await).await?;
    let (link, row) = from.joined;
    let joined = sqlx::query_as(T::JOINED).bind(patient.0).bind(link).bind(row).bind(most).bind(through);
    let joined: Vec<Row<T>> = joined.fetch_all(&mut *permitted.connection().await).await?;
    let more = [&changed, &joined].iter().any(|rows| i64::try_from(rows.len()).is_ok_and(|rows| rows >= most));
    let place =
        Place { changed: changed.last().map_or(from.changed, |row| row.last), joined: joined.last().map_or(from.joined, |row| (row.last, row.row.key())) };
    let mut seen = HashSet::new();
    let rows = joined.into_iter().chain(changed).map(|row| row.row).filter(|row| seen.insert(row.key())).collect();
    Ok(News { rows, place, more })
}

impl Followed {
    /// From now on.
    pub fn begin(permitted: Permitted<'_>) -> Self {
        let now = permitted.reflects();
        Self { facts: Place::at(now), documents: Place::at(now), parted: now }
    }

    /// What has changed since, at most so many of either sort, how far that is, and whether there is more.
    pub async fn next(self, chart: Permitted<'_>, patient: PatientId, most: i64) -> Result<(Option<ChartUpdates>, Self, bool), Failure> {
        let facts: News<ChartEntry> = news(chart, patient, self.facts, most).await?;
        let documents: News<Document> = if chart.allows(Permission::ReadDocuments) {
            news(chart, patient, self.documents, most).await?
        } else {
            News { rows: Vec::new(), place: self.documents, more: false }
        };
        let parted = sqlx::query_as(PARTED).bind(patient.0).bind(self.parted).bind(chart.reflects());
        let parted: Vec<(Uuid, i64)> = parted.fetch_all(&mut *chart.connection().await).await?;
        if facts.rows.is_empty() && documents.rows.is_empty() && parted.is_empty() {
            return Ok((None, self, false));
        }
        let next = Self { facts: facts.place, documents: documents.place, parted: parted.last().map_or(self.parted, |(_, position)| *position) };
        let position = Position(next.facts.last().max(next.documents.last()).max(next.parted));
        let left_records = parted.into_iter().map(|(record, _)| record).collect();
        let (entries, documents_shown) = (chart.show_all(facts.rows).await?, chart.show_all(documents.rows).await?);
        let updates = ChartUpdates { position, entries, documents: documents_shown, left_records };
        // Of what is withheld not even the moment is told.
        let nothing = updates.entries.is_empty() && updates.documents.is_empty() && updates.left_records.is_empty();
        Ok(((!nothing).then_some(updates), next, facts.more || documents.more))
    }
}

const PARTED: &str = "select record_id, position from patient_link_left where patient_id = $1 and position > $2 and position <= $3 order by position";
