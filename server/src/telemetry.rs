//! The application's log. Fields are named alike everywhere and never hold a protected value.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error: as text, or as JSON lines.
pub fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,rdkafka=warn,librdkafka=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.compact().with_target(false).init() }
}
