//! The past of a chart, loaded once for whatever an operation asks of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::OneofObject;
use async_graphql::dataloader::Loader;
use domain::PatientId;
use domain::records::{Chart, Content};
use gate::{Masked, Moment, Past};
use uuid::Uuid;

use crate::errors::Failure;
use crate::reads::Loads;
use crate::scalars::{DateTime, Position};

/// What counts for a chart of the past towards the limit of complexity: it is read from the log.
pub const COST_OF_THE_PAST: usize = 200;

/// A moment of the log. One that has not come yet means the log's end.
#[derive(Clone, Copy, OneofObject)]
pub enum AsOf {
    /// After the event at this position.
    Position(Position),
    /// After the last event that Carelog had learned of at this time.
    Time(DateTime),
}

impl From<AsOf> for Moment {
    fn from(moment: AsOf) -> Self {
        match moment {
            AsOf::Position(position) => Self::Position(event_store::Position(position.0)),
            AsOf::Time(time) => Self::Time(time.0.to_utc()),
        }
    }
}

/// A person's past up to a moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PastOf {
    /// One of their records.
    pub patient: PatientId,
    /// The moment.
    pub moment: Moment,
}

impl Loader<PastOf> for Loads {
    type Value = Arc<Past>;
    type Error = Failure;
    async fn load(&self, keys: &[PastOf]) -> Result<HashMap<PastOf, Arc<Past>>, Failure> {
        let mut found = HashMap::new();
        for key in keys {
            found.insert(*key, Arc::new(self.past(key.patient, key.moment).await?));
        }
        Ok(found)
    }
}

/// The chart that the past comes to, as far as the caller may see it.
pub struct PastChart {
    /// Its entries; what is masked says nothing.
    pub chart: Chart,
    /// Which are, and why.
    pub masked: BTreeMap<Uuid, Masked>,
}

impl From<&Past> for PastChart {
    fn from(past: &Past) -> Self {
        let mut chart = Chart::default();
        for recorded in &past.events {
            chart.apply(&recorded.event, Some(&projections::provenance(recorded)));
        }
        Self { chart: chart.of(&past.records), masked: past.masked.clone() }
    }
}

/// What entries are sorted by, newest first: when it was so, or else when it was recorded.
pub fn newest_first(entry: &domain::records::ChartEntry) -> Reverse<(Option<chrono::DateTime<chrono::Utc>>, uuid::Uuid)> {
    let occurred = entry.content.known().and_then(Content::occurred);
    Reverse((occurred.or(entry.recorded.as_ref().map(|recorded| recorded.recorded)), entry.fact.0))
}
