//! The read side: what is folded from the log into tables, and the runner that keeps it so.
//!
//! A read model is a [`Projection`]: a `.rs` file with the fold, a `.sql` file with the tables, its `mod` and a line in [`all`]. The runner sees to the
//! rest: each event has its effect exactly once, a new version is built beside the one that is read, and an event that cannot be applied stops nothing
//! but its own subject.

mod check;
mod consents;
mod dead_letters;
mod disclosures;
mod documents;
mod emergency;
mod fold;
mod follow;
mod history;
mod identity;
mod log_source;
mod names;
mod organizations;
mod patients;
mod prepare;
mod projection;
mod providers;
mod quiet;
mod rebuild;
mod records;
mod registry;
mod rows;
mod runner;
mod scheduling;
mod source;
mod state;

use std::sync::Arc;

pub use check::{CheckError, CheckReport, TableDifference, check};
pub use dead_letters::{DeadLetter, DeadLetters};
pub use log_source::{LogSource, log_source};
pub use names::{fold, prefix_range};
pub use prepare::{PrepareError, migrate, not_yet_read, prepare};
pub use projection::{ApplyError, Projection};
pub use quiet::quiet;
pub use rebuild::{RebuildError, Rebuilt, rebuild};
pub use records::provenance;
pub use runner::Runner;
pub use source::{Batch, Cursors, OpenSource, Source, SourceError, Subscription};
pub use state::{ProjectionState, RunnerState};

/// Every read model.
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(organizations::Organizations), // who gives care, and where
        Arc::new(patients::Patients),           // who receives it
        Arc::new(providers::Providers),         // who gives it, and when
        Arc::new(scheduling::Scheduling),       // who meets whom, when and where
        Arc::new(records::Records),             // what is known of their health
        Arc::new(documents::Documents),         // the files in their records
        Arc::new(consents::Consents),           // what they permit and deny
        Arc::new(history::History),             // what happened to a patient
        Arc::new(emergency::Emergency),         // who broke the glass, and who looked at that
        Arc::new(disclosures::Disclosures),     // what was told to whom outside
        Arc::new(identity::Identity),           // whose tokens are void
    ]
}
