//! `Patient.chart`: a page of entries, as they are or as they were.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Object, Result};
use domain::records::{self, Chart, FactKind};
use domain::{PatientId, Permission};
use gate::{MaskedRows, OfPatient};
use sqlx::FromRow;
use uuid::Uuid;

use super::content::ChartKind;
use super::entry::{Beside, ChartEntry};
use super::past::{AsOf, PastChart, PastOf, newest_first};
use super::standing::{AllergyStatus, ChartScreening, StandingOf};
use crate::connection::Connection;
use crate::documents::{Document, DocumentsOf};
use crate::errors::Failure;
use crate::paging::{Page, cost};
use crate::reads::{Loads, by_arguments, permitted};
use crate::scalars::Position;

/// Entries of a chart, and what is known of the whole.
pub type ChartConnection = Connection<Uuid, ChartEntry, ChartSummary>;

/// What a chart is asked for.
pub struct ChartArguments {
    /// At which moment; now, where left out.
    pub as_of: Option<AsOf>,
    /// Only facts of these kinds.
    pub kinds: Option<Vec<ChartKind>>,
    /// The page.
    pub page: Page<Uuid>,
}

/// What is known of the whole chart.
pub struct ChartSummary {
    patient: PatientId,
    position: i64,
    past: Option<Arc<PastChart>>,
}

/// What is known of one patient's documents at the chart's moment.
type Documents = Connection<Uuid, Document>;

#[Object]
impl ChartSummary {
    /// The chart is as of this position of the log.
    async fn position(&self) -> Position {
        Position(self.position)
    }

    /// What is known about allergies, whatever kinds and whatever page were asked for. Null where that cannot be told, because something about this
    /// person could not be applied to the read models.
    async fn allergy_status(&self, context: &Context<'_>) -> Result<Option<AllergyStatus>> {
        Ok(self.standing(context).await?.map(|chart| chart.allergy_status().into()))
    }

    /// Whether the active medications go together with the active allergies and with each other, as all of the chart stands at this moment; an entry's own
    /// `screening` is what was told when it was recorded. Null as above.
    async fn screening(&self, context: &Context<'_>) -> Result<Option<ChartScreening>> {
        let Some(chart) = self.standing(context).await? else { return Ok(None) };
        let found = chart.screening(permitted(context, Permission::ReadChart)?.terminology());
        Ok(Some(ChartScreening::of(found, &self.past.clone().map_or(Beside::Now(self.patient.0), Beside::Then))))
    }

    /// The documents, the newest ids first, also those that were superseded or removed; whatever kinds and whatever page of facts were asked for.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn documents(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Documents> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, Permission::ReadDocuments)?;
        if let Some(past) = &self.past {
            // What of it may be seen was settled when the past was read.
            return Ok(page.connection(documents_of_the_past(past, &page)?, Document::key));
        }
        let patient = self.patient.0;
        let documents = |page| async move { Ok(permitted.load(DocumentsOf { patient, page }).await?.unwrap_or_default()) };
        Ok(permitted.show_page(page, MaskedRows::Kept, Document::key, documents).await?)
    }
}

impl ChartSummary {
    async fn standing(&self, context: &Context<'_>) -> Result<Option<Arc<Chart>>, Failure> {
        if let Some(past) = &self.past {
            let closed = past
                .chart
                .entries()
                .any(|entry| past.masked.contains_key(&entry.fact.0) && matches!(entry.kind, FactKind::AllergyIntolerance | FactKind::MedicationRequest));
            return Ok((!closed).then(|| Arc::new(past.chart.clone())));
        }
        Ok(permitted(context, Permission::ReadChart)?.load(StandingOf(self.patient.0)).await?.flatten())
    }
}

/// A page of a patient's chart, and the note of whom it shows.
pub async fn chart(context: &Context<'_>, patient: PatientId, arguments: ChartArguments) -> Result<ChartConnection, Failure> {
    let permitted = permitted(context, Permission::ReadChart)?;
    permitted.notes_look_up(patient);
    let ChartArguments { as_of, kinds, page } = arguments;
    let kinds = kinds.map(|kinds| kinds.into_iter().map(FactKind::from).map(FactKind::resource_type).collect::<Vec<_>>());
    match as_of {
        None => {
            let summary = ChartSummary { patient, position: permitted.reflects(), past: None };
            let entries = |page| {
                let key = ChartOf { patient: patient.0, kinds: kinds.clone(), page };
                async move { Ok(permitted.load(key).await?.unwrap_or_default()) }
            };
            Ok(permitted.show_page(page, MaskedRows::Kept, ChartEntry::key, entries).await?.with_fields(summary))
        }
        Some(moment) => {
            let past = permitted.load(PastOf { patient, moment: moment.into() }).await?.ok_or(Failure::Internal)?;
            let chart = Arc::new(PastChart::from(&*past));
            let entries = page_of_the_past(&chart, kinds.as_deref(), &page)?;
            let summary = ChartSummary { patient, position: past.through.0, past: Some(chart) };
            Ok(page.connection(entries, ChartEntry::key).with_fields(summary))
        }
    }
}

fn page_of_the_past(past: &Arc<PastChart>, kinds: Option<&[&str]>, page: &Page<Uuid>) -> Result<Vec<ChartEntry>, Failure> {
    let chart = &past.chart;
    let mut entries: Vec<_> = chart.entries().filter(|entry| kinds.is_none_or(|kinds| kinds.contains(&entry.kind.resource_type()))).collect();
    entries.sort_by_key(|entry| newest_first(entry));
    let after = page.after.map(|after| chart.get(domain::FactId(after)).map(newest_first));
    let behind = |entry: &&records::ChartEntry| after.as_ref().is_none_or(|after| after.as_ref().is_some_and(|after| newest_first(entry) > *after));
    let shown = entries.into_iter().filter(behind).take(usize::try_from(page.limit()).unwrap_or_default());
    shown.map(|entry| ChartEntry::of_the_past(entry, past)).collect()
}

fn documents_of_the_past(past: &PastChart, page: &Page<Uuid>) -> Result<Vec<Document>, Failure> {
    let behind = |document: &&domain::documents::Document| page.after.is_none_or(|after| document.document.0 < after);
    let documents = past.chart.documents().rev().filter(behind).take(usize::try_from(page.limit()).unwrap_or_default());
    let shown = |document: &domain::documents::Document| {
        let shown = Document::of_the_past(document)?;
        Ok(match past.masked.get(&document.document.0) {
            Some(why) => shown.mask(*why),
            None => shown,
        })
    };
    documents.map(shown).collect()
}

/// A page of a chart as it is now.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ChartOf {
    patient: Uuid,
    kinds: Option<Vec<&'static str>>,
    page: Page<Uuid>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    entry: ChartEntry,
}

impl Loader<ChartOf> for Loads {
    type Value = Vec<ChartEntry>;
    type Error = Failure;
    async fn load(&self, keys: &[ChartOf]) -> Result<HashMap<ChartOf, Vec<ChartEntry>>, Failure> {
        let mut charts: HashMap<ChartOf, Vec<ChartEntry>> = HashMap::new();
        for ((kinds, page), patients) in by_arguments(keys.iter().map(|key| (key.patient, (key.kinds.clone(), key.page)))) {
            let rows: Vec<Row> = sqlx::query_as(
                "select parent.id as of, f.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
                 select * from chart_fact where patient_id in (select record_id from patient_link where patient_id = parent.id) \
                 and ($2::text[] is null or kind = any($2)) \
                 and ($3::uuid is null or (sort_at, fact_id) < (select sort_at, fact_id from chart_fact where fact_id = $3)) \
                 order by sort_at desc, fact_id desc limit $4) f order by f.sort_at desc, f.fact_id desc",
            )
            .bind(patients)
            .bind(kinds.as_deref())
            .bind(page.after)
            .bind(page.limit())
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                charts.entry(ChartOf { patient: row.of, kinds: kinds.clone(), page }).or_default().push(row.entry);
            }
        }
        Ok(charts)
    }
}
