//! Deleting what is left of uploads that came to nothing: at the start and every hour, or when it is asked for.

use std::time::Duration;

use documents::Collected;

use crate::app::App;
use crate::config::Config;
use crate::shutdown::{self, Shutdown};

const EVERY: Duration = Duration::from_hours(1);

/// Once, with what came of it.
#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let Collected { kept, stages, orphans } = documents::collect(&app.storage, &app.store, &app.log_pool).await?;
    println!("{kept} documents kept; deleted: {stages} uploads that were cut off, {orphans} documents that no event names");
    Ok(())
}

/// Until the process is to stop. What fails is tried again an hour later.
pub async fn hourly(app: &App, shutdown: Shutdown) {
    let work = async {
        loop {
            if let Err(error) = documents::collect(&app.storage, &app.store, &app.log_pool).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "documents were not collected");
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown::requested(shutdown) => {}
    }
}
