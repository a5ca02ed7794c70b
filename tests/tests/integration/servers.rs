//! Servers that a test may break: a relay of connections that loses answers, and a Postgres that it may kill.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes connections on to a server. While it loses answers, what a client sends arrives, and instead of the answer the connection breaks.
pub struct Relay {
    pub port: u16,
    loses: Arc<AtomicBool>,
    refuses: Arc<AtomicBool>,
}

impl Relay {
    pub async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self { port: listener.local_addr().unwrap().port(), loses: Arc::default(), refuses: Arc::default() };
        let (loses, refuses) = (Arc::clone(&relay.loses), Arc::clone(&relay.refuses));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if refuses.load(Ordering::SeqCst) {
                    continue;
                }
                let (loses, server) = (Arc::clone(&loses), TcpStream::connect((host.clone(), port)).await);
                tokio::spawn(async move { pass(client, server.ok()?, &loses).await.ok() });
            }
        });
        relay
    }

    /// As if the server were stopped: connections that there are break at their next answer, and there are no new ones.
    pub fn stop(&self, stops: bool) {
        self.refuses.store(stops, Ordering::SeqCst);
        self.lose_answers(stops);
    }

    pub fn lose_answers(&self, loses: bool) {
        self.loses.store(loses, Ordering::SeqCst);
    }
}

async fn pass(client: TcpStream, server: TcpStream, loses: &AtomicBool) -> std::io::Result<()> {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let requests = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let answers = async {
        let mut bytes = vec![0; 65_536];
        loop {
            let count = from_server.read(&mut bytes).await?;
            if count == 0 || loses.load(Ordering::SeqCst) {
                return Ok(());
            }
            to_client.write_all(&bytes[..count]).await?;
        }
    };
    tokio::select! {
        result = requests => result,
        result = answers => result,
    }
}

/// A Postgres of the test's own, which is gone with its data at the end.
pub struct OwnPostgres {
    script: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl OwnPostgres {
    /// `None` where `CARELOG_TEST_SERVERS` does not say how.
    pub fn start() -> Option<Self> {
        let script = PathBuf::from(std::env::var_os("CARELOG_TEST_SERVERS")?);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("carelog-postgres-{}", event_store::fresh_id().simple()));
        let own = Self { script, folder, port };
        own.run("start");
        Some(own)
    }

    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new().host("127.0.0.1").port(self.port).username("carelog").password("carelog")
    }

    /// The URL of a database of it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://carelog:carelog@127.0.0.1:{}/{database}", self.port)
    }

    /// Every file of it: tables, indexes, WAL, its own log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A crash, and recovery from it.
    pub fn crash_and_restart(&self) {
        self.run("kill");
        self.run("start");
    }

    /// An orderly end, which ends every session first.
    pub fn stop(&self) {
        self.run("stop");
    }

    /// An orderly end, if it runs, and a start.
    pub fn restart(&self) {
        self.run("stop");
        self.run("start");
    }

    fn run(&self, command: &str) {
        let status = Command::new(&self.script)
            .args([command, "postgres"])
            .env("CARELOG_DATA", &self.folder)
            .env("CARELOG_POSTGRES_PORT", self.port.to_string())
            .status()
            .expect("CARELOG_TEST_SERVERS names a program");
        assert!(status.success(), "servers {command}: {status}");
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        let erase = Command::new(&self.script).args(["erase", "postgres"]).env("CARELOG_DATA", &self.folder).status();
        erase.ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
