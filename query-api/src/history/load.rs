//! The statement that reads histories, a page of several patients' at once.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use domain::Permission;
use gate::Reach;
use sqlx::FromRow;
use uuid::Uuid;

use super::HistoryEntry;
use crate::errors::Failure;
use crate::paging::Page;
use crate::reads::{Loads, by_arguments};

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
                "select parent.id as of, entry.position, entry.patient_id, entry.event_id, entry.event_type, entry.occurred, entry.recorded, \
                 entry.actor_user, entry.actor_role, entry.summary, entry.details, entry.place, entry.security \
                    || coalesce((select security from chart_fact where fact_id = entry.about), '{}') \
                    || coalesce((select security from document where document_id = entry.about), '{}') as security from unnest($1::uuid[]) as parent (id) cross join lateral ( \
                 select distinct on (position) * from history_entry \
                 where patient_id in (select record_id from patient_link where patient_id = parent.id) and ($2::bigint is null or position < $2) \
                 and ($4 and patient_id is distinct from $5 or event_type not like 'disclosures.%') \
                 order by position desc, (patient_id = parent.id) desc limit $3) entry order by entry.position desc",
            )
            .bind(patients)
            .bind(page.after)
            .bind(page.limit())
            .bind(self.caller().reach(Permission::ReadHistory) == Some(Reach::Tenant))
            .bind(self.caller().patient.map(|own| own.0))
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                histories.entry(HistoryOf { patient: row.of, page }).or_default().push(row.entry);
            }
        }
        Ok(histories)
    }
}
