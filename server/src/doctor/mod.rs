//! `carelog doctor`: whether the settings and the servers keep what Carelog promises. In production a refused finding keeps `carelog serve` from starting.

mod clusters;
mod roles;
mod settings;

use std::fmt;
use std::process::ExitCode;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::config::{Config, Mode};

/// How long a database may take to answer.
const ANSWERS_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// How good something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// As it should be.
    Fine,
    /// It works, and could be better.
    Warning,
    /// Production does not start with it.
    Refused,
}

/// What was found about something.
struct Finding {
    verdict: Verdict,
    /// The setting or the server.
    about: &'static str,
    says: String,
}

impl Finding {
    fn fine(about: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fine, about, says: says.into() }
    }

    fn warning(about: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, about, says: says.into() }
    }

    fn refused(about: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Refused, about, says: says.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Warning => "warning",
            Verdict::Refused => "refused",
        };
        write!(formatter, "{verdict:<8} {:<26} {}", self.about, self.says)
    }
}

/// Prints every finding, the worst last; fails where production would not start.
#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut findings = findings(config).await;
    findings.sort_by_key(|finding| finding.verdict);
    for finding in &findings {
        println!("{finding}");
    }
    let refused = findings.iter().filter(|finding| finding.verdict == Verdict::Refused).count();
    match (refused, config.mode) {
        (0, _) => println!("Nothing stands in the way of production."),
        (refused, Mode::Production) => println!("Carelog does not start in production with these {refused}."),
        (refused, Mode::Development) => println!("This is development; in production Carelog would not start with these {refused}."),
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// In production, refuses to go on with what the doctor refuses, and says what.
pub async fn admit(config: &Config) -> anyhow::Result<()> {
    if config.mode != Mode::Production {
        return Ok(());
    }
    let refused: Vec<String> = findings(config)
        .await
        .into_iter()
        .filter(|finding| finding.verdict == Verdict::Refused)
        .map(|finding| format!("{}: {}", finding.about, finding.says))
        .collect();
    anyhow::ensure!(refused.is_empty(), "production does not start like this; see `carelog doctor`. {}", refused.join("; "));
    Ok(())
}

async fn findings(config: &Config) -> Vec<Finding> {
    let mut findings = settings::findings(config);
    let mut opened = Vec::new();
    for (about, options) in
        [(LOG, config.log_database()), (VAULT, config.vault_database()), (ACCESS_LOG, config.access_database()), (READ_MODELS, config.read_database())]
    {
        match options {
            Err(error) => findings.push(Finding::refused(about, error.to_string())),
            Ok(options) => {
                findings.extend(settings::connection(about, &options));
                match connect(&options).await {
                    Some(connection) => opened.push(Server { about, options, connection }),
                    None => findings.push(Finding::refused(about, "the database does not answer; was `carelog migrate` run?")),
                }
            }
        }
    }
    findings.extend(clusters::findings(&mut opened).await);
    for server in &mut opened {
        findings.extend(roles::findings(server).await);
    }
    findings
}

const LOG: &str = "the log";
const VAULT: &str = "the vault";
const ACCESS_LOG: &str = "the access log";
const READ_MODELS: &str = "the read models";

/// A database that answers.
struct Server {
    about: &'static str,
    options: PgConnectOptions,
    connection: PgConnection,
}

async fn connect(options: &PgConnectOptions) -> Option<PgConnection> {
    tokio::time::timeout(ANSWERS_WITHIN, PgConnection::connect_with(options)).await.ok()?.ok()
}
