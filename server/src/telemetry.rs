//! The application's log. Fields are named alike everywhere and never hold a protected value.

use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const USUAL: &str = "info,sqlx=warn,rdkafka=warn,librdkafka=warn";
/// The same for a task that sends thousands of commands of its own and says how far it has come.
const IN_BULK: &str = "info,sqlx=warn,rdkafka=warn,librdkafka=warn,gate=warn";

/// Starts logging to standard error: as text, or as JSON lines.
pub fn start(json: bool, in_bulk: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(if in_bulk { IN_BULK } else { USUAL }));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.compact().with_target(false).init() }
}
