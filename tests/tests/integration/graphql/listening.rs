//! Hears the statements that are sent on this test's own thread, which is where all of its tasks run.
//!
//! One subscriber serves the whole process: those of single threads come and go too fast for the caches in `tracing`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};

thread_local! {
    static HEARD: RefCell<Option<Vec<Heard>>> = const { RefCell::new(None) };
}

/// What a statement that was logged says of itself.
#[derive(Default)]
struct Heard(BTreeMap<&'static str, String>);

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

struct Ear;

impl<S: tracing::Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        HEARD.with_borrow_mut(|heard| {
            if let Some(heard) = heard {
                let mut said = Heard::default();
                event.record(&mut said);
                heard.push(said);
            }
        });
    }
}

/// How a log looks for its last position.
const LOOKING: &str = "order by position desc limit 1";

/// Listens until it is dropped.
pub struct Listening;

impl Listening {
    pub fn start() -> Self {
        static SUBSCRIBED: Once = Once::new();
        SUBSCRIBED.call_once(|| {
            let what = Targets::new().with_target("sqlx::query", LevelFilter::DEBUG);
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Ear.with_filter(what))).expect("no other test subscribes");
        });
        HEARD.set(Some(Vec::new()));
        Self
    }

    /// How many statements there were since the last time; but for those by which the logs look, every second, whether they have grown.
    pub fn statements(&self) -> usize {
        let heard = HEARD.with_borrow_mut(|heard| heard.as_mut().map(std::mem::take)).unwrap_or_default();
        heard.iter().filter(|Heard(said)| !said.values().any(|value| value.contains(LOOKING))).count()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}
