//! Running the parts of Carelog: all of them in one process, or some.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use documents::Storage;
use kafka::{KafkaConfig, Phase, Relay, RelayState};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use projections::{DeadLetters, OpenSource, Runner, RunnerState};
use query_api::QueryApi;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use transparency::SignerState;

use crate::app::App;
use crate::collect;
use crate::config::{Config, ProjectionSource, Switch};
use crate::doctor;
use crate::escalations;
use crate::health::{Check, Health, check};
use crate::http;
use crate::shutdown::{self, Shutdown};
use crate::{signing, tlog};

/// What a process does.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "any of them may run without the others")]
pub struct Parts {
    /// The command API.
    pub commands: bool,
    /// The GraphQL API.
    pub queries: bool,
    /// The projections.
    pub projections: bool,
    /// The relay to Kafka.
    pub relay: bool,
    /// The signer of the logs.
    pub sign: bool,
}

impl Parts {
    /// Everything, as far as the configuration has it.
    pub fn all(config: &Config) -> Self {
        Self { commands: true, queries: true, projections: true, relay: config.kafka == Switch::On, sign: true }
    }
}

/// Runs until Ctrl-C or SIGTERM, or until a part fails that cannot go on.
pub async fn run(config: &Config, parts: Parts) -> anyhow::Result<()> {
    config.refuse_development_keys()?;
    doctor::admit(config).await?;
    let metrics = metrics()?;
    let listener = tokio::net::TcpListener::bind(config.http).await.with_context(|| format!("{} cannot be listened on (CARELOG_HTTP)", config.http))?;
    let app = App::open(config).await?;
    app.gate.adopt_policies().await.context("what the policies say cannot be kept in the access log")?;
    let answers = parts.commands || parts.queries;
    if answers {
        app.gate.serving_started(env!("CARGO_PKG_VERSION")).await.context("that this process answers cannot be said in the access log")?;
    }
    let shutdown = shutdown::on_signal();
    let mut work = JoinSet::new();
    let read_models = if parts.queries { read_models(app.read_pool.clone()) } else { database("read-models", app.read_pool.clone()) };
    let mut checks = vec![database("log", app.log_pool.clone()), database("access-log", app.access_pool.clone()), read_models];

    checks.extend(follow_the_logs(config, parts, &app, &shutdown, &mut work)?);
    if parts.commands {
        checks.push(storage(app.storage.clone()));
        let (gate, stop) = (app.gate.clone(), shutdown.clone());
        let (app, shutdown) = (app.clone(), shutdown.clone());
        work.spawn(async move {
            collect::hourly(&app, shutdown).await;
            Ok(())
        });
        work.spawn(async move {
            escalations::follow(&gate, stop).await;
            Ok(())
        });
    }
    if answers {
        let (gate, stop) = (app.gate.clone(), shutdown.clone());
        work.spawn(async move {
            gate.follow_answers(shutdown::requested(stop)).await;
            Ok(())
        });
    }
    let health = Health::new(app.store.clock().clone(), checks);
    let router = router(config, parts, &app, health, metrics, &shutdown)?;
    tracing::info!(address = %config.http, "listening");
    serve_http(listener, router, shutdown.clone(), &mut work);
    let finished = finish(work, shutdown).await;
    // Nobody comes any more.
    app.gate.record_strangers().await;
    finished?;
    app.answered(answers).await;
    tracing::info!("stopped");
    Ok(())
}

/// Starts what follows the logs: projections, relay and signers, as far as they are parts; their checks.
fn follow_the_logs(
    config: &Config,
    parts: Parts,
    app: &App,
    shutdown: &Shutdown,
    work: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Vec<(&'static str, crate::health::Run)>> {
    let mut checks = Vec::new();
    if parts.projections {
        let runner = Runner::new(app.read_pool.clone(), app.store.clone(), projections::all(), source(config, app), dead_letters(config)?);
        checks.push(projections_check(runner.state()));
        let shutdown = shutdown::requested(shutdown.clone());
        work.spawn(async move {
            runner.run(shutdown).await;
            Ok(())
        });
    }
    if parts.relay {
        let relay = Relay::new(KafkaConfig::new(config.kafka_brokers.clone()), app.store.clone(), app.log_pool.clone());
        checks.push(relay_check(relay.state()));
        let shutdown = shutdown.clone();
        // A relay that halts has said why; commands and queries go on, and health shows it.
        work.spawn(async move {
            if relay.run(shutdown.clone()).await.is_err() {
                shutdown::requested(shutdown).await;
            }
            Ok(())
        });
    }
    if parts.sign {
        for (name, signer) in signing::signers(config, app)? {
            checks.push(signer_check(name, signer.state()));
            let shutdown = shutdown.clone();
            // One that halts has said why; everything else goes on, and health shows it.
            work.spawn(async move {
                if signer.run(shutdown.clone()).await.is_err() {
                    shutdown::requested(shutdown).await;
                }
                Ok(())
            });
        }
    }
    Ok(checks)
}

fn router(config: &Config, parts: Parts, app: &App, health: Health, metrics: PrometheusHandle, shutdown: &Shutdown) -> anyhow::Result<Router> {
    let mut router = http::operations(health, metrics);
    if parts.commands {
        router = router.merge(command_api::router(app.gate.clone())).merge(documents::router(app.documents(config))).merge(http::documentation(&config.web));
    }
    if parts.queries {
        router =
            router.merge(query_api::router(QueryApi::new(app.gate.clone(), app.store.clock().clone(), shutdown.clone()))).merge(http::graphiql(&config.web));
        router = router.merge(fhir_api::router(app.gate.clone())).merge(accounting::router(app.gate.clone(), app.store.clock().clone()));
    }
    if parts.commands || parts.queries {
        router = router.merge(http::pages(&config.web));
    }
    if parts.queries || parts.sign {
        router = router.merge(tlog::router(app.gate.clone(), signing::open(config)?));
    }
    Ok(http::surround(router, config))
}

fn serve_http(listener: tokio::net::TcpListener, router: Router, shutdown: Shutdown, work: &mut JoinSet<anyhow::Result<()>>) {
    work.spawn(async move {
        let stop = shutdown.clone();
        let serving = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).with_graceful_shutdown(shutdown::requested(stop));
        let serving = std::future::IntoFuture::into_future(serving);
        let drained = async {
            shutdown::requested(shutdown).await;
            tokio::time::sleep(http::DRAIN).await;
        };
        tokio::select! {
            served = serving => served.context("the HTTP server"),
            () = drained => Ok(()),
        }
    });
}

/// Waits for the signal or the first part that fails, then for the others.
async fn finish(mut work: JoinSet<anyhow::Result<()>>, shutdown: Shutdown) -> anyhow::Result<()> {
    while let Some(ended) = work.join_next().await {
        let result = ended.context("a part ended abruptly").and_then(|result| result);
        if !*shutdown.borrow() {
            result?;
            anyhow::bail!("a part ended though nobody asked it to");
        }
        if let Err(error) = result {
            tracing::warn!("while stopping: {error:#}");
        }
    }
    Ok(())
}

fn metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder().context("the metrics' recorder")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

fn source(config: &Config, app: &App) -> OpenSource {
    match config.projection_source {
        ProjectionSource::Log => projections::log_source(app.store.clone()),
        ProjectionSource::Kafka => kafka::open_source(KafkaConfig::new(config.kafka_brokers.clone()), app.store.clone(), app.log_pool.clone()),
    }
}

/// Where events go that a projection cannot apply; without a broker they stay in the registry alone.
fn dead_letters(config: &Config) -> anyhow::Result<Option<DeadLetters>> {
    let kafka = KafkaConfig::new(config.kafka_brokers.clone());
    (config.kafka == Switch::On).then(|| kafka::dead_letters(&kafka)).transpose().context("the dead letters' producer")
}

fn database(name: &'static str, pool: PgPool) -> (&'static str, crate::health::Run) {
    check(name, move || {
        let pool = pool.clone();
        async move {
            match sqlx::query("select 1").execute(&pool).await {
                Ok(_) => Check::up(None),
                Err(_) => Check::down("the database does not answer"),
            }
        }
    })
}

/// Within the time that a check has.
const STORAGE_ANSWERS_WITHIN: Duration = Duration::from_millis(1500);

/// Without it there are no documents; everything else goes on.
fn storage(storage: Storage) -> (&'static str, crate::health::Run) {
    check("documents", move || {
        let storage = storage.clone();
        async move {
            match tokio::time::timeout(STORAGE_ANSWERS_WITHIN, storage.answers()).await {
                Ok(Ok(())) => Check::up(None),
                Ok(Err(error)) => Check::degraded(error.to_string()),
                Err(_) => Check::degraded("the documents' storage does not answer in time"),
            }
        }
    })
}

/// Queries of this build need the tables of this build.
fn read_models(pool: PgPool) -> (&'static str, crate::health::Run) {
    check("read-models", move || {
        let pool = pool.clone();
        async move {
            match projections::not_yet_read(&pool, &projections::all()).await {
                Ok(waiting) if waiting.is_empty() => Check::up(None),
                Ok(waiting) => Check::down(format!("being built for this version: {}", waiting.join(", "))),
                Err(_) => Check::down("the database does not answer"),
            }
        }
    })
}

fn projections_check(state: watch::Receiver<RunnerState>) -> (&'static str, crate::health::Run) {
    check("projections", move || {
        let state = state.borrow().clone();
        async move {
            let troubled: Vec<String> = state.iter().filter_map(|build| Some(format!("{} does not move: {}", build.projection, build.trouble?))).collect();
            let parked: i64 = state.iter().filter(|build| build.active).map(|build| build.parked).sum();
            let lag = state.iter().filter(|build| build.active).map(|build| build.lag).max().unwrap_or_default();
            match (troubled.is_empty(), parked) {
                (false, _) => Check::degraded(troubled.join("; ")),
                (true, 0) => Check::up(Some(format!("{lag} positions behind"))),
                (true, parked) => Check::degraded(format!("{parked} subjects are parked")),
            }
        }
    })
}

fn relay_check(state: watch::Receiver<RelayState>) -> (&'static str, crate::health::Run) {
    check("relay", move || {
        let state = state.borrow().clone();
        async move {
            let behind = format!("{} events behind", state.lag());
            match (state.phase, state.trouble) {
                (Phase::Publishing | Phase::Waiting, _) => Check::up(Some(behind)),
                (Phase::Halted, trouble) => Check::degraded(trouble.map_or(behind, |trouble| format!("halted: {}", trouble.detail))),
                (_, trouble) => Check::degraded(trouble.map_or(behind.clone(), |trouble| format!("{behind}; {}", trouble.kind))),
            }
        }
    })
}

fn signer_check(name: &'static str, state: watch::Receiver<SignerState>) -> (&'static str, crate::health::Run) {
    check(name, move || {
        let SignerState { published, head, trouble, .. } = state.borrow().clone();
        async move {
            let behind = format!("{} positions behind", head.saturating_sub(published));
            match trouble {
                None => Check::up(Some(behind)),
                Some(trouble) => Check::degraded(trouble),
            }
        }
    })
}
