//! What Carelog costs, as ratios within one run: appending against bulk insertion of the same rows, sealing against not sealing, the whole command path,
//! the relay and the projections catching up, the delay from a command's answer to the subscription's message, reads with their access records against
//! reads without, officers' questions over many access records, and imports the larger they and their tenant are.

mod append;
mod bulk;
mod copies;
mod imports;
mod live;
mod officers;
mod reads;
mod sealing;
mod server;
mod setup;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|argument| argument == name);
    let result = async {
        if wanted == [sealing::RATE] {
            return sealing::print_rate().await;
        }
        if runs("append") {
            append::run().await?;
        }
        if runs("sealing") {
            sealing::run()?;
        }
        if runs("live") {
            live::run().await?;
        }
        if runs("reads") {
            reads::run().await?;
        }
        if runs("officers") {
            officers::run().await?;
        }
        if runs("imports") {
            imports::run().await?;
        }
        anyhow::Ok(())
    };
    match result.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
