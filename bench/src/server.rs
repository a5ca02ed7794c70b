//! The real binary, on the benchmark's databases.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::setup::Databases;

/// A running `carelog`; dropping it kills it.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub at: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    /// Starts a task of the binary and waits until it can do its work.
    pub async fn start(databases: &Databases, task: &str, kafka: bool) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = carelog(databases)?;
        command.arg(task).env("CARELOG_HTTP", format!("127.0.0.1:{port}")).env("KAFKA", if kafka { "on" } else { "off" });
        let child = command.stdout(Stdio::null()).spawn()?;
        let server = Self { child, at: format!("http://127.0.0.1:{port}") };
        let give_up = Instant::now() + Duration::from_secs(30);
        while !reqwest::get(format!("{}/health/live", server.at)).await.is_ok_and(|answer| answer.status().is_success()) {
            ensure!(Instant::now() < give_up, "carelog {task} does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    /// The value of a gauge without labels.
    pub async fn gauge(&self, name: &str) -> anyhow::Result<f64> {
        let metrics = reqwest::get(format!("{}/metrics", self.at)).await?.text().await?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.map(str::parse).transpose()?.unwrap_or_default())
    }
}

/// The binary, to be told what to do.
pub fn carelog(databases: &Databases) -> anyhow::Result<Command> {
    let mut command = Command::new(binary()?);
    command
        .env("DATABASE_URL", databases.url(0))
        .env("CARELOG_VAULT_DATABASE_URL", databases.url(1))
        .env("CARELOG_READ_DATABASE_URL", databases.url(2))
        .env("CARELOG_KEYS", &databases.keys)
        .env("RUST_LOG", "warn");
    Ok(command)
}

fn binary() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.parent().map(|folder| folder.join("carelog")).context("a program has a folder")?;
    ensure!(Path::new(&path).exists(), "{} is not built: cargo build --release --bin carelog", path.display());
    Ok(path)
}
