//! The whole of Carelog as a stranger meets it: the real binary, on databases of its own, over HTTP.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use domain::{PatientId, TenantId, UserId};
use gate::{Authority, Claims, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::servers::Relay;

/// The file beside the keys that the processes log to.
const LOG: &str = "carelog.log";

/// A running Carelog and what belongs to it. Dropping it kills the processes; its databases are dropped too.
pub struct App {
    databases: Vec<String>,
    server: String,
    /// The folder of keys and of the processes' log.
    pub keys: PathBuf,
    processes: Vec<Option<Process>>,
    client: reqwest::Client,
    /// The folder of documents, unless the environment names another.
    pub documents: PathBuf,
    /// A tenant of this test's own.
    pub tenant: TenantId,
    environment: Vec<(String, String)>,
}

struct Process {
    child: Child,
    port: u16,
}

/// The binary that `cargo` built beside this test.
pub fn binary() -> PathBuf {
    let built = std::env::var_os("CARELOG_TEST_BINARY").map(PathBuf::from);
    let beside =
        || std::env::current_exe().expect("a test has a path").parent().and_then(Path::parent).expect("deps lie in a profile's folder").join("carelog");
    let path = built.unwrap_or_else(beside);
    assert!(path.exists(), "{} is not built: cargo build --bin carelog", path.display());
    path
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback has free ports").port()
}

impl App {
    /// `carelog serve` without a broker.
    pub async fn serve() -> Self {
        let mut app = Self::without_processes(&[]).await;
        app.start("serve").await;
        app
    }

    /// Migrated, with the access log behind a relay.
    pub async fn with_access_over(relay: &Relay) -> Self {
        let mut app = Self::without_processes(&[]).await;
        let server: sqlx::postgres::PgConnectOptions = app.url(3).parse().expect("a URL");
        let over = app.url(3).replace(&format!("{}:{}", server.get_host(), server.get_port()), &format!("127.0.0.1:{}", relay.port));
        app.environment.push(("CARELOG_ACCESS_DATABASE_URL".to_owned(), over));
        app
    }

    /// The URL of the access log's database, whatever is before it.
    pub fn access_url(&self) -> String {
        self.url(3)
    }

    /// The databases, migrated, and nothing that runs.
    pub async fn without_processes(environment: &[(&str, &str)]) -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names a Postgres that the tests may make databases on; `make test` starts one");
        let server = url.rsplit_once('/').expect("a URL with a database").0.to_owned();
        let run = event_store::fresh_id().simple().to_string();
        let databases: Vec<String> = ["log", "vault", "read", "access"].map(|part| format!("app_{run}_{part}")).to_vec();
        let keys = std::env::temp_dir().join(format!("carelog-app-{run}"));
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let documents = std::env::temp_dir().join(format!("carelog-documents-{run}"));
        let app = Self {
            databases,
            server,
            keys,
            documents,
            processes: vec![],
            client: reqwest::Client::new(),
            tenant: TenantId(event_store::fresh_id()),
            environment,
        };
        let migrated = app.command(&["migrate"]).output().expect("the binary runs");
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        app
    }

    /// A task of the binary, on this app's databases and keys.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .env("DATABASE_URL", self.url(0))
            .env("CARELOG_VAULT_DATABASE_URL", self.url(1))
            .env("CARELOG_READ_DATABASE_URL", self.url(2))
            .env("CARELOG_ACCESS_DATABASE_URL", self.url(3))
            .env("CARELOG_KEYS", &self.keys)
            .env("CARELOG_DOCUMENTS", &self.documents)
            .env("KAFKA", "off")
            .envs(self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        command
    }

    /// The URL of the log's, the vault's, the read models' or the access log's database.
    pub fn url(&self, index: usize) -> String {
        format!("{}/{}", self.server, self.databases[index])
    }

    /// Starts a task that listens, and waits until it is ready; the index of the process.
    pub async fn start(&mut self, task: &str) -> usize {
        let process = self.spawn(task, free_port());
        self.processes.push(Some(process));
        let index = self.processes.len() - 1;
        self.ready(index).await;
        index
    }

    fn spawn(&self, task: &str, port: u16) -> Process {
        std::fs::create_dir_all(&self.keys).expect("a folder for the keys and the log");
        let log = File::options().create(true).append(true).open(self.keys.join(LOG)).expect("a file for the log");
        let mut command = self.command(&[task]);
        let output = log.try_clone().expect("the file for the log");
        command.env("CARELOG_HTTP", format!("127.0.0.1:{port}")).stdout(output).stderr(log);
        Process { child: command.spawn().expect("the binary runs"), port }
    }

    /// What the processes have logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.keys.join(LOG)).expect("a process has run")
    }

    /// What a process answers at a path that needs no token.
    pub async fn text(&self, index: usize, path: &str) -> String {
        let answer = self.client.get(self.at(index, path)).send().await.expect("the process answers");
        answer.text().await.expect("text")
    }

    /// Waits until a process says that it can do its work.
    pub async fn ready(&self, index: usize) {
        let give_up = Instant::now() + Duration::from_mins(1);
        while Instant::now() < give_up {
            let answer = self.client.get(self.at(index, "/health/ready")).send().await;
            if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the process is not ready after a minute");
    }

    /// Kills a process as a power cut would.
    pub fn kill(&mut self, index: usize) {
        if let Some(mut process) = self.processes[index].take() {
            process.child.kill().ok();
            process.child.wait().expect("the process was ours");
        }
    }

    /// Ends a process in order, as whoever operates it does.
    pub fn end(&mut self, index: usize) {
        if let Some(mut process) = self.processes[index].take() {
            let told = Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().expect("kill is there");
            assert!(told.success() && process.child.wait().expect("the process was ours").success());
        }
    }

    /// The id of a process.
    pub fn pid(&self, index: usize) -> u32 {
        self.processes[index].as_ref().expect("the process runs").child.id()
    }

    /// Kills by id, while the app is borrowed by those who use it.
    pub fn kill_pid(pid: u32) {
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill is there");
        assert!(killed.success());
    }

    /// Starts a process that was killed again, on the same port.
    pub async fn restart(&mut self, index: usize, task: &str) {
        let port = self.processes[index].as_ref().expect("the process ran").port;
        self.kill(index);
        self.processes[index] = Some(self.spawn(task, port));
        self.ready(index).await;
    }

    /// The URL of a path at a process.
    pub fn at(&self, index: usize, path: &str) -> String {
        let port = self.processes[index].as_ref().expect("the process runs").port;
        format!("http://127.0.0.1:{port}{path}")
    }

    /// A token in this app's tenant.
    pub fn token(&self, role: Role) -> String {
        self.token_for(self.tenant, role, UserId(Uuid::new_v5(&self.tenant.0, role.name().as_bytes())), None)
    }

    /// A token for whomever.
    pub fn token_for(&self, tenant: TenantId, role: Role, user: UserId, patient: Option<PatientId>) -> String {
        self.issue(tenant, &[role], user, patient)
    }

    /// A token of someone who is several things to this app's tenant.
    pub fn token_with(&self, roles: &[Role], patient: Option<PatientId>) -> String {
        self.issue(self.tenant, roles, UserId(event_store::fresh_id()), patient)
    }

    fn issue(&self, tenant: TenantId, roles: &[Role], user: UserId, patient: Option<PatientId>) -> String {
        let (_, issuer) = Authority::development(&self.keys).expect("the development key");
        let now = event_store::Clock::system().now().timestamp();
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let claims = Claims {
            iss: String::new(),
            aud: "".into(),
            sub: user,
            tenant,
            roles,
            facility_roles: std::collections::BTreeMap::new(),
            patient,
            practitioner: None,
            iat: now,
            exp: now + 3600,
        };
        issuer.issue(claims).expect("a token")
    }

    /// Sends a command to the first process.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        self.post_to(0, path, token, body, None).await.expect("the process answers")
    }

    /// Sends a command to a process, perhaps with an idempotency key.
    pub async fn post_to(&self, index: usize, path: &str, token: &str, body: &Value, key: Option<Uuid>) -> Result<(StatusCode, Value), reqwest::Error> {
        let mut request = self.client.post(self.at(index, path)).bearer_auth(token).json(body).timeout(Duration::from_secs(20));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key.to_string());
        }
        let answer = request.send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    /// Sends a command that must be accepted; its answer.
    pub async fn accepted(&self, path: &str, role: Role, body: Value) -> Value {
        let (status, answer) = self.post(path, &self.token(role), &body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// Reads a path of the first process; the status, the media type and the body.
    pub async fn get(&self, path: &str, token: Option<&str>, wait_for: Option<i64>) -> (StatusCode, String, Value) {
        let mut request = self.client.get(self.at(0, path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(position) = wait_for {
            request = request.header("Carelog-Wait-For", position.to_string());
        }
        let answer = request.send().await.expect("the process answers");
        let media = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        (answer.status(), media, answer.json().await.expect("JSON"))
    }

    /// The vault that the processes use.
    pub async fn vault(&self) -> vault::Vault {
        let pool = sqlx::PgPool::connect(&self.url(1)).await.expect("the vault's database");
        let key = vault::RootKey::open(self.keys.join("development-root.key")).expect("the root key");
        vault::Vault::open(pool, key).await.expect("the vault opens")
    }

    /// Asks the first process in GraphQL, waiting for a position where one is given.
    pub async fn graphql(&self, token: &str, query: &str, wait_for: Option<i64>) -> Value {
        let mut request = self.client.post(self.at(0, "/graphql")).bearer_auth(token).json(&json!({ "query": query }));
        if let Some(position) = wait_for {
            request = request.header("Carelog-Wait-For", position.to_string());
        }
        request.send().await.expect("the process answers").json().await.expect("JSON")
    }
}

impl Drop for App {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            process.child.kill().ok();
            process.child.wait().ok();
        }
        std::fs::remove_dir_all(&self.keys).ok();
        std::fs::remove_dir_all(&self.documents).ok();
        let (server, databases) = (self.server.clone(), std::mem::take(&mut self.databases));
        // Dropping is synchronous: a runtime of its own, on a thread of its own.
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async {
                let Ok(mut connection) = PgConnection::connect(&format!("{server}/postgres")).await else { return };
                for name in databases {
                    sqlx::query(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).execute(&mut connection).await.ok();
                }
            });
        })
        .join()
        .ok();
    }
}
