//! `carelog doctor` on real clusters: what it refuses production does not start with, and what it lets pass is what the runbook asks for.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::app::App;
use crate::servers::OwnPostgres;

const SCHEMES: [&str; 4] = ["DATABASE_URL", "CARELOG_VAULT_DATABASE_URL", "CARELOG_ACCESS_DATABASE_URL", "CARELOG_READ_DATABASE_URL"];

/// An installation as the runbook has it: the log, the access log and the keys on one cluster under logins of their own, the read models on another.
struct Installation {
    app: App,
    home: OwnPostgres,
    read: OwnPostgres,
    settings: Vec<(String, String)>,
}

async fn tell(postgres: &OwnPostgres, statement: &str) {
    let mut connection = PgConnection::connect_with(&postgres.options().database("postgres")).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
}

impl Installation {
    async fn make() -> Option<Self> {
        let (home, read) = (OwnPostgres::start()?, OwnPostgres::start()?);
        let databases = [home.url("production_log"), home.url("production_vault"), home.url("production_access"), read.url("production_read")];
        let environment: Vec<(&str, &str)> = SCHEMES.into_iter().zip(databases.iter().map(String::as_str)).collect();
        let app = App::without_processes(&environment).await;
        for (postgres, login) in [(&home, "of_the_log"), (&home, "of_the_keys"), (&read, "of_the_read_models")] {
            tell(postgres, &format!("create role {login} login password 'of its own'")).await;
        }
        tell(&home, "grant carelog_log to of_the_log; grant carelog_keys to of_the_keys").await;
        tell(&read, "grant carelog_query to of_the_read_models").await;
        let key = app.keys.join("root.key");
        std::fs::create_dir_all(&app.keys).unwrap();
        std::fs::write(&key, [7; 32]).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let as_login = |url: &str, login: &str| url.replace("carelog:carelog@", &format!("{login}:of%20its%20own@"));
        let logins = ["of_the_log", "of_the_keys", "of_the_log", "of_the_read_models"];
        let mut settings: Vec<(String, String)> =
            SCHEMES.into_iter().zip(databases.iter().zip(logins)).map(|(name, (url, login))| (name.to_owned(), as_login(url, login))).collect();
        for (name, value) in [
            ("CARELOG_MODE", "production"),
            ("CARELOG_JWKS_URL", "https://issuer.example.org/keys"),
            ("CARELOG_TOKEN_ISSUER", "https://issuer.example.org"),
            ("CARELOG_ROOT_KEY", key.to_str().unwrap()),
            ("KAFKA", "off"),
        ] {
            settings.push((name.to_owned(), value.to_owned()));
        }
        Some(Self { app, home, read, settings })
    }

    fn task(&self, task: &str, other: &[(&str, &str)]) -> Command {
        let mut command = self.app.command(&[task]);
        command.envs(self.settings.iter().cloned()).envs(other.iter().copied());
        command
    }

    /// What the doctor says, and whether production may start.
    fn examined(&self, other: &[(&str, &str)]) -> (bool, String) {
        let output = self.task("doctor", other).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    /// With other settings, this is refused, and by nothing else.
    fn refuses(&self, other: &[(&str, &str)], why: &str) {
        let (fine, said) = self.examined(other);
        let refused: Vec<&str> = said.lines().filter(|line| line.starts_with("refused")).collect();
        assert!(!fine && !refused.is_empty() && refused.iter().all(|line| line.contains(why)), "{why}:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_read_models_whose_wal_leaves_it_is_refused_and_one_that_keeps_it_passes() {
    let Some(installation) = Installation::make().await else { return };
    let (fine, said) = installation.examined(&[]);
    assert!(fine && said.contains("their WAL stays on their server"), "{said}");

    let read = &installation.read;
    for mode in ["on", "always"] {
        tell(read, &format!("alter system set archive_mode = {mode}")).await;
        read.restart();
        installation.refuses(&[], "archive_mode");
    }
    let started = installation.task("serve", &[]).output().unwrap();
    let said = String::from_utf8_lossy(&started.stderr).into_owned();
    assert!(!started.status.success() && said.contains("archive_mode"), "production must not start: {said}");
    tell(read, "alter system reset archive_mode").await;
    read.restart();
    assert!(installation.examined(&[]).0, "it passes again");

    tell(read, "select pg_create_physical_replication_slot('copy')").await;
    installation.refuses(&[], "copied elsewhere");
    tell(read, "select pg_drop_replication_slot('copy')").await;
    tell(read, "alter system set log_statement = 'mod'").await;
    tell(read, "select pg_reload_conf()").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    installation.refuses(&[], "log_statement");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_settings_and_the_roles_give_away_is_refused() {
    let Some(installation) = Installation::make().await else { return };
    let home = &installation.home;
    let beside = home.url("production_read");
    assert!(installation.app.command(&["migrate"]).env("CARELOG_READ_DATABASE_URL", &beside).output().unwrap().status.success());
    tell(home, "grant carelog_query to of_the_log").await;
    let beside = beside.replace("carelog:carelog@", "of_the_log:of%20its%20own@");
    installation.refuses(&[("CARELOG_READ_DATABASE_URL", &beside)], "share a cluster");
    installation.refuses(&[("DATABASE_URL", &home.url("production_log"))], "superuser");
    tell(home, "grant carelog_keys to of_the_log").await;
    let keys = home.url("production_vault").replace("carelog:carelog@", "of_the_log:of%20its%20own@");
    installation.refuses(&[("CARELOG_VAULT_DATABASE_URL", &keys)], "whoever has that password has the keys");
    installation.refuses(&[("CARELOG_JWKS_URL", "http://issuer.example.org/keys")], "without TLS");
    installation.refuses(&[("KAFKA", "on"), ("KAFKA_BROKERS", "127.0.0.1:9092,broker.example.org:9092")], "KAFKA_BROKERS");
    let key = installation.app.keys.join("open.key");
    std::fs::write(&key, [7; 32]).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    installation.refuses(&[("CARELOG_ROOT_KEY", key.to_str().unwrap())], "read by others");
    let mut log = PgConnection::connect(&home.url("production_log")).await.unwrap();
    sqlx::raw_sql("grant update on clinical.event to carelog_log").execute(&mut log).await.unwrap();
    installation.refuses(&[], "change or delete");
}
