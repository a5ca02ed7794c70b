//! Charts: the clinical facts and documents of a person as they are now, as they were at any moment, and what changed between two. The present is read from
//! the read model; the past is folded from the person's own events, by the fold that also decides.

mod changes;
mod chart;
mod content;
mod entry;
mod followed;
mod past;
mod standing;

pub use changes::{ChartChange, ChartChangesOf, chart_changes};
pub use chart::{ChartArguments, ChartConnection, chart};
pub use content::ChartKind;
pub use entry::{ChartEntry, Provenance, chart_entry};
pub use followed::{ChartUpdates, Followed, PROJECTIONS};
pub use past::{AsOf, COST_OF_THE_PAST};
