//! How far it has come: a bar on a terminal, log lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a log line says how far it has come.
const SAID_EVERY: Duration = Duration::from_secs(5);

/// Says how far the run has come.
pub enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// In the log.
    Log {
        /// What is to be done; 0 where that is not known.
        total: u64,
        /// What is done.
        done: u64,
        /// What is being done.
        stage: &'static str,
        /// When it was last said.
        said: Instant,
        /// When it began.
        began: Instant,
    },
}

impl Progress {
    /// Of so many resources.
    pub fn of(total: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Log { total, done: 0, stage: "", said: Instant::now(), began: Instant::now() };
        }
        let style = ProgressStyle::with_template("{msg:>17} [{bar:40}] {human_pos}/{human_len}  {per_sec}  {eta} left");
        let bar = ProgressBar::new(total);
        Self::Bar(style.map_or(bar.clone(), |style| bar.with_style(style)))
    }

    /// Of resources that nobody has counted.
    pub fn without_end() -> Self {
        match Self::of(0) {
            Self::Bar(bar) => {
                let style = ProgressStyle::with_template("{msg:>17} {spinner} {human_pos}  {per_sec}");
                Self::Bar(style.map_or(bar.clone(), |style| bar.with_style(style)))
            }
            log @ Self::Log { .. } => log,
        }
    }

    /// What comes now.
    pub fn stage(&mut self, name: &'static str) {
        match self {
            Self::Bar(bar) => bar.set_message(name),
            Self::Log { stage, .. } => *stage = name,
        }
    }

    /// One more resource is done.
    pub fn step(&mut self) {
        self.steps(1);
    }

    /// So many more are done.
    pub fn steps(&mut self, more: usize) {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        match self {
            Self::Bar(bar) => bar.inc(more),
            Self::Log { total, done, stage, said, began: _ } => {
                *done = done.saturating_add(more);
                if said.elapsed() >= SAID_EVERY {
                    *said = Instant::now();
                    tracing::info!(resource = *stage, done = *done, total = (*total > 0).then_some(*total), "under way");
                }
            }
        }
    }

    /// The end, whichever.
    pub fn end(&self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Log { done, began, .. } => tracing::info!(done = *done, seconds = began.elapsed().as_secs(), "ended"),
        }
    }
}
