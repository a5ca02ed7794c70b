//! The one place that reads the machine's clock and draws ids.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The clock, injected.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The machine's.
    #[expect(clippy::disallowed_methods, reason = "everyone else is given the time by this")]
    pub fn system() -> Self {
        Self::from_fn(Utc::now)
    }

    /// One for tests.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.0()
    }
}

/// A fresh `UUIDv7`.
#[expect(clippy::disallowed_methods, reason = "everyone else is given fresh ids by this")]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}
