//! What sealing costs of an append: this program against itself, built with the vault's feature `unsealed` as `bench-unsealed` beside it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::append::appends_a_second;
use crate::setup::Databases;

/// What either program is asked for.
pub const RATE: &str = "append-rate";
const CLIENTS: usize = 64;
/// Each in turn, so that both meet the same machine; the better half of each counts.
const ROUNDS: usize = 4;
/// What sealing may cost of the appends a second.
const BOUND: f64 = 0.15;

/// Prints the appends a second of this program.
#[expect(clippy::print_stdout, reason = "the figure is the output")]
pub async fn print_rate() -> anyhow::Result<()> {
    let databases = Databases::make().await?;
    let rate = appends_a_second(&databases, CLIENTS).await;
    databases.drop().await?;
    println!("{}", rate?);
    Ok(())
}

/// Prints both, and the ratio; an error where sealing costs more than it may.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
pub fn run() -> anyhow::Result<()> {
    let sealed = std::env::current_exe()?;
    let unsealed = sealed.with_file_name("bench-unsealed");
    ensure!(unsealed.exists(), "{} is not built; `make bench` builds it", unsealed.display());
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push(rate(&sealed)?);
        without.push(rate(&unsealed)?);
    }
    let (with, without) = (better_half(with), better_half(without));
    println!("durable appends by {CLIENTS} clients, sealed and not sealed");
    println!("{:>12} {:>12} {:>8}", "sealed/s", "unsealed/s", "ratio");
    println!("{with:>12.0} {without:>12.0} {:>8.2}  (at least {:.2})", with / without, 1.0 - BOUND);
    ensure!(with / without >= 1.0 - BOUND, "sealing costs more than {:.0} % of the appends a second", BOUND * 100.0);
    Ok(())
}

fn rate(program: &Path) -> anyhow::Result<f64> {
    let output = Command::new(program).arg(RATE).output()?;
    ensure!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().context("the program prints a rate")
}

/// The mean of the better half.
fn better_half(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    let better = &rates[ROUNDS / 2..];
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let count = better.len() as f64;
    better.iter().sum::<f64>() / count
}
