//! The generated files of the repository: the schemas of events and commands, `OpenAPI`, the GraphQL SDL.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::openapi::openapi;

/// Writes them below the current folder, or checks them there.
#[derive(Args)]
pub struct Generate {
    /// Change nothing; fail where a file differs from what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes or checks.
pub fn run(generate: &Generate) -> anyhow::Result<ExitCode> {
    let mut different = 0;
    for (path, content) in files() {
        if std::fs::read_to_string(&path).is_ok_and(|written| written == content) {
            continue;
        }
        different += 1;
        if generate.check {
            tracing::error!(path = %path.display(), "is not what `make generate` writes");
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, content)?;
        tracing::info!(path = %path.display(), "written");
    }
    Ok(if generate.check && different > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn files() -> BTreeMap<PathBuf, String> {
    let endpoints = command_api::endpoints();
    let commands: Vec<_> = endpoints
        .iter()
        .map(|endpoint| event_schemas::CommandSchema { context: endpoint.context, name: endpoint.name, schema: endpoint.root_schema() })
        .collect();
    let mut files = event_schemas::generated_files(&commands);
    files.insert("docs/reference/openapi.json".into(), event_schemas::ordered(openapi()));
    files.insert("docs/reference/schema.graphql".into(), query_api::sdl());
    files
}
