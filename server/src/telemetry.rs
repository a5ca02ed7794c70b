//! The application's log. Fields are named alike everywhere and never hold a protected value.

use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const USUAL: &str = "info,sqlx=warn,rdkafka=warn,librdkafka=warn";
/// The same for a task that sends thousands of commands of its own and says how far it has come.
const IN_BULK: &str = "info,sqlx=warn,rdkafka=warn,librdkafka=warn,gate=warn";

/// What is never logged beyond warnings.
const QUIET: [&str; 3] = ["aws_smithy_runtime=warn", "aws_smithy_http_client=warn", "aws_sdk_kms=warn"];

/// Starts logging to standard error: as text, or as JSON lines.
pub fn start(json: bool, in_bulk: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(if in_bulk { IN_BULK } else { USUAL }));
    // What a key management service is asked and answers holds keys: whatever RUST_LOG says, it is not logged.
    let filter = QUIET.iter().filter_map(|quiet| quiet.parse().ok()).fold(filter, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.compact().with_target(false).init() }
}
