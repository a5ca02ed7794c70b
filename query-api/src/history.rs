//! A patient's events, as a person reads them.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, SimpleObject};
use chrono::Utc;
use domain::{PatientId, Permission};
use gate::Reach;
use serde::Deserialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::errors::Failure;
use crate::paging::Page;
use crate::reads::{Loads, Permitted, by_arguments};
use crate::scalars::{DateTime, Position};

/// Something that happened. Of clinical facts, of documents, of broken glass and of disclosures those who may not read them (`READ_CHART`, `READ_DOCUMENTS`,
/// `REVIEW_BREAK_GLASS`, `READ_DISCLOSURES`) learn that something happened, and no more: the summary is in general words, and there are neither details nor the time of occurrence.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct HistoryEntry {
    #[graphql(skip)]
    position: i64,
    #[graphql(skip)]
    patient_id: Uuid,
    /// The event.
    event_id: Uuid,
    /// What kind of event it is: `scheduling.AppointmentBooked`.
    event_type: String,
    #[graphql(skip)]
    occurred: Option<chrono::DateTime<Utc>>,
    #[graphql(skip)]
    recorded: chrono::DateTime<Utc>,
    /// The user who did it.
    #[graphql(name = "user")]
    actor_user: Uuid,
    /// The role in which they did it.
    #[graphql(name = "role")]
    actor_role: String,
    /// What happened, in one sentence.
    summary: String,
    /// What there is to know of it.
    #[sqlx(json)]
    details: Vec<HistoryDetail>,
}

/// One thing to know of an event.
#[derive(Clone, Deserialize, SimpleObject)]
pub struct HistoryDetail {
    /// What it is.
    label: String,
    /// The value as a person reads it.
    value: String,
}

impl HistoryEntry {
    /// What a cursor names.
    pub fn key(&self) -> i64 {
        self.position
    }

    /// What must be allowed for the whole entry, beyond reading histories.
    pub fn needs(&self) -> Option<Permission> {
        match self.event_type.split_once('.')?.0 {
            "records" => Some(Permission::ReadChart),
            "documents" => Some(Permission::ReadDocuments),
            "emergency" => Some(Permission::ReviewBreakGlass),
            "disclosures" => Some(Permission::ReadDisclosures),
            _ => None,
        }
    }

    /// What is left for those who may not see the whole: that it happened, when it was learned, and who did it.
    #[must_use]
    pub fn in_general_words(self) -> Self {
        let summary = match self.event_type.as_str() {
            "documents.DocumentUploaded" => "A document was uploaded",
            "documents.DocumentSuperseded" => "A document was superseded",
            "documents.DocumentRemoved" => "A document was removed",
            "emergency.GlassBroken" => "The glass was broken in an emergency",
            "emergency.BreakGlassReviewed" => "Broken glass was reviewed",
            "emergency.BreakGlassEscalated" => "Broken glass was not reviewed in time",
            "disclosures.DisclosureMade" => "A disclosure was recorded",
            "disclosures.DisclosureRetracted" => "A disclosure was retracted",
            fact if fact.ends_with("Recorded") => "A clinical fact was recorded",
            fact if fact.ends_with("Amended") => "A clinical fact was amended",
            fact if fact.ends_with("EnteredInError") => "A clinical fact was entered in error",
            _ => "Something happened",
        };
        Self { summary: summary.to_owned(), details: Vec::new(), occurred: None, ..self }
    }

    /// Notes that it is shown.
    pub fn disclosed(&self, permitted: Permitted<'_>) {
        permitted.discloses(PatientId(self.patient_id));
    }
}

#[ComplexObject]
impl HistoryEntry {
    /// Where it is in the log.
    async fn position(&self) -> Position {
        Position(self.position)
    }

    /// When it happened; null once erased, and where only that it happened is told.
    async fn occurred(&self) -> Option<DateTime> {
        self.occurred.map(DateTime::from)
    }

    /// When Carelog learned of it.
    async fn recorded(&self) -> DateTime {
        self.recorded.into()
    }
}

/// A page of what happened to a person, under any record of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HistoryOf {
    /// One of their records.
    pub patient: Uuid,
    /// The page.
    pub page: Page<i64>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    entry: HistoryEntry,
}

impl Loader<HistoryOf> for Loads {
    type Value = Vec<HistoryEntry>;
    type Error = Failure;
    async fn load(&self, keys: &[HistoryOf]) -> Result<HashMap<HistoryOf, Vec<HistoryEntry>>, Failure> {
        let mut histories: HashMap<HistoryOf, Vec<HistoryEntry>> = HashMap::new();
        for (page, patients) in by_arguments(keys.iter().map(|key| (key.patient, key.page))) {
            // An event about two records of one person is one entry: that of the record asked for. Disclosures, some of which are kept from their patient for a time,
            // are told to patients where it is known which.
            let rows: Vec<Row> = sqlx::query_as(
                "select parent.id as of, entry.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
                 select distinct on (position) * from history_entry \
                 where patient_id in (select record_id from patient_link where patient_id = parent.id) and ($2::bigint is null or position < $2) \
                 and ($4 or event_type not like 'disclosures.%') \
                 order by position desc, (patient_id = parent.id) desc limit $3) entry order by entry.position desc",
            )
            .bind(patients)
            .bind(page.after)
            .bind(page.limit())
            .bind(self.caller().reach(Permission::ReadHistory) == Some(Reach::Tenant))
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                histories.entry(HistoryOf { patient: row.of, page }).or_default().push(row.entry);
            }
        }
        Ok(histories)
    }
}
