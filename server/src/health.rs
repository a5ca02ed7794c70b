//! Whether this process lives, and whether it can do its work: what is missing is named.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use event_store::Clock;
use futures::future::{BoxFuture, join_all};
use serde::Serialize;

/// How long a check may take before it counts as failed.
const CHECK_AT_MOST: Duration = Duration::from_secs(2);

/// The answer of each health route.
#[derive(Serialize)]
pub struct Report {
    status: &'static str,
    timestamp: String,
    checks: BTreeMap<&'static str, Check>,
}

/// What came of one check.
#[derive(Clone, Serialize)]
pub struct Check {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Whether the process can do its work without it.
    #[serde(skip)]
    essential: bool,
}

impl Check {
    /// It works.
    pub fn up(detail: Option<String>) -> Self {
        Self { status: "up", detail, essential: true }
    }

    /// It does not, and the process cannot do its work.
    pub fn down(detail: impl Into<String>) -> Self {
        Self { status: "down", detail: Some(detail.into()), essential: true }
    }

    /// It does not, and the process can do its work all the same.
    pub fn degraded(detail: impl Into<String>) -> Self {
        Self { status: "degraded", detail: Some(detail.into()), essential: false }
    }
}

/// Runs one check.
pub type Run = Box<dyn Fn() -> BoxFuture<'static, Check> + Send + Sync>;

/// The checks of this process. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    checks: Arc<Vec<(&'static str, Run)>>,
    clock: Clock,
}

impl Health {
    /// No checks yet.
    pub fn new(clock: Clock, checks: Vec<(&'static str, Run)>) -> Self {
        Self { checks: Arc::new(checks), clock }
    }

    async fn report(&self) -> Report {
        let checks = self.checks.iter().map(|(name, run)| async {
            let check = tokio::time::timeout(CHECK_AT_MOST, run()).await.unwrap_or_else(|_| Check::down("no answer in time"));
            (*name, check)
        });
        let checks: BTreeMap<_, _> = join_all(checks).await.into_iter().collect();
        let status = if checks.values().any(|check| check.status == "down") {
            "down"
        } else if checks.values().any(|check| check.status == "degraded") {
            "degraded"
        } else {
            "up"
        };
        Report { status, timestamp: self.timestamp(), checks }
    }

    fn timestamp(&self) -> String {
        self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }
}

/// A check by name.
pub fn check<F>(name: &'static str, run: impl Fn() -> F + Send + Sync + 'static) -> (&'static str, Run)
where
    F: Future<Output = Check> + Send + 'static,
{
    (name, Box::new(move || Box::pin(run())))
}

/// The process answers.
pub async fn live(State(health): State<Health>) -> Json<Report> {
    Json(Report { status: "up", timestamp: health.timestamp(), checks: BTreeMap::new() })
}

/// The process can do its work; 503 where it cannot.
pub async fn ready(State(health): State<Health>) -> (StatusCode, Json<Report>) {
    let report = health.report().await;
    let able = report.checks.values().all(|check| check.status != "down" || !check.essential);
    (if able { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(report))
}

/// Everything there is to say; 503 where something is down.
pub async fn whole(State(health): State<Health>) -> (StatusCode, Json<Report>) {
    ready(State(health)).await
}
