//! Whether the read models are what the log says, and building one anew.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use projections::{CheckReport, Projection};

use crate::app::App;
use crate::config::Config;

/// Compares every read model with a fresh fold, prints what came of it, and fails where one differs.
#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let app = App::open(config).await?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg:14} {wide_bar} {pos}/{len}")?);
    let reports = projections::check(&app.store, &app.read_pool, &projections::all(), |projection, position, goal| {
        bar.set_message(projection);
        bar.set_length(goal.0.unsigned_abs());
        bar.set_position(position.0.unsigned_abs());
    })
    .await?;
    bar.finish_and_clear();
    for report in &reports {
        println!("{}", line(report));
        for table in report.tables.iter().filter(|table| table.missing > 0 || table.unexpected > 0) {
            println!("  {}: {} rows are missing or differ, {} are unexpected, of {}", table.table, table.missing, table.unexpected, table.rows);
        }
        for subject in &report.parked {
            println!("  parked: {subject}");
        }
    }
    let agree = reports.iter().all(CheckReport::agrees);
    Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(report: &CheckReport) -> String {
    let rows: i64 = report.tables.iter().map(|table| table.rows).sum();
    let verdict = if report.agrees() { "equals" } else { "DIFFERS FROM" };
    format!("{:14} {verdict} the fold of the log up to position {} ({rows} rows)", report.projection, report.position.0)
}

/// Builds a read model anew beside the active one; the switch is one transaction.
pub async fn rebuild(config: &Config, name: &str) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let all: Vec<Arc<dyn Projection>> = projections::all();
    let names: Vec<&str> = all.iter().map(|projection| projection.name()).collect();
    let projection =
        all.iter().find(|projection| projection.name() == name).with_context(|| format!("no projection is called so; there are {}", names.join(", ")))?;
    let rebuilt = projections::rebuild(&app.read_pool, &app.store, projection.as_ref()).await?;
    tracing::info!(projection = name, schema = rebuilt.schema, position = rebuilt.position.0, parked = rebuilt.parked, "rebuilt");
    Ok(())
}
