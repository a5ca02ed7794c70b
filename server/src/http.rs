//! The HTTP server's outside: what surrounds every route, the pages, health and metrics.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use command_api::Problem;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::classify::ServerErrorsFailureClass;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use uuid::Uuid;

use crate::config::Config;
use crate::health::{self, Health};
use crate::openapi::openapi;

static REQUEST_ID: HeaderName = HeaderName::from_static(gate::REQUEST_ID);

/// The routes that every process has: health and metrics.
pub fn operations(health: Health, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/metrics", get(move || std::future::ready(metrics.render())))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/health", get(health::whole))
        .with_state(health)
}

/// The description of the commands, and its explorer.
pub fn documentation(web: &Path) -> Router {
    let openapi = openapi();
    Router::new()
        .route("/v1/openapi.json", get(move || std::future::ready(Json(openapi.clone()))))
        .route_service("/docs", ServeFile::new(web.join("docs.html")))
        .route("/docs/", get(|| std::future::ready(Redirect::permanent("/docs"))))
        .route_service("/docs.js", ServeFile::new(web.join("docs.js")))
}

/// GraphiQL, from its own package.
pub fn graphiql(web: &Path) -> Router {
    Router::new()
        .route_service("/graphiql", ServeFile::new(web.join("graphiql.html")))
        .route("/graphiql/", get(|| std::future::ready(Redirect::permanent("/graphiql"))))
        .route_service("/graphiql.js", ServeFile::new(web.join("graphiql.js")))
}

/// The page that leads to the others, and the packages that they load.
pub fn pages(web: &Path) -> Router {
    let packages = Router::new().fallback_service(ServeDir::new(web.join("node_modules"))).layer(from_fn(without_hidden));
    Router::new().route_service("/", ServeFile::new(web.join("index.html"))).nest("/assets", packages)
}

/// What installed the packages leaves hidden files beside them. None of our own needs an escape in its path, which could hide the dot.
async fn without_hidden(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.contains("/.") || path.contains('%') { Problem::no_such_path().into_response() } else { next.run(request).await }
}

/// What surrounds every route: a request id, a trace, headers that browsers obey, an answer even after a panic.
pub fn surround(router: Router, config: &Config) -> Router {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                  connect-src 'self' ws: wss:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let fixed = |name: HeaderName, value: &'static str| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let router = router
        .fallback(|| std::future::ready(Problem::no_such_path()))
        .method_not_allowed_fallback(|| std::future::ready(Problem::method_not_allowed()))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .layer(from_fn(answer))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(failed))
        .layer(from_fn_with_state(Arc::from(config.trusted_proxies.as_slice()), identify))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, policy));
    if config.cors_origins.is_empty() { router } else { router.layer(cors(&config.cors_origins)) }
}

/// What pages of other origins may send and see. Tokens are sent by the page, never by the browser itself, so no credentials are allowed.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let known = |name| HeaderName::from_static(name);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, known("idempotency-key"), known(gate::WAIT_FOR), known(gate::PURPOSE), REQUEST_ID.clone()])
        .expose_headers([REQUEST_ID.clone()])
        .max_age(Duration::from_hours(1))
}

/// Gives each request an id that is a UUID and the address that it comes from, whatever the client sent, and repeats the id in the answer.
async fn identify(State(proxies): State<Arc<[IpAddr]>>, mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(gate::CLIENT_ADDRESS);
    if let Some(address) = client_address(&request, &proxies).and_then(|address| HeaderValue::try_from(address.to_string()).ok()) {
        request.headers_mut().insert(gate::CLIENT_ADDRESS, address);
    }
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<Uuid>().ok());
    let id = given.unwrap_or_else(event_store::fresh_id).to_string();
    let Ok(id) = HeaderValue::try_from(id) else { return next.run(request).await };
    request.headers_mut().insert(&REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(&REQUEST_ID, id);
    response
}

/// Answers, and says of what was recorded for the answer whether it was sent. A failure shows nothing of it.
async fn answer(request: Request, next: Next) -> Response {
    match gate::answering(next.run(request)).await {
        Ok((response, sending)) => {
            if !response.status().is_server_error() {
                sending.sent();
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "an answer is given up");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The answer took too long; try again, a command with the same idempotency key.")
                .into_response()
        }
    }
}

/// Where a request comes from: the one at the other end or, where that is a proxy of ours, whom the proxies say they got it from.
fn client_address(request: &Request, proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let said: Vec<&str> = forwarded.map(str::trim).collect();
    let mut address = peer;
    for next in said.into_iter().rev() {
        if !proxies.contains(&address) {
            break;
        }
        // What a proxy passes on that is no address ends the chain.
        let Ok(next) = next.parse::<IpAddr>() else { break };
        address = next.to_canonical();
    }
    Some(address)
}

/// Route and known method only: a path, its query string and any other method are the client's, and could hold anything.
fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let method = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS].into_iter().find(|known| known == request.method());
    tracing::info_span!("request", request_id = id, method = method.as_ref().map_or("other", Method::as_str), route)
}

/// A wait that ran out is what the client asked for, and no fault of ours.
fn failed(failure: ServerErrorsFailureClass, latency: Duration, _: &tracing::Span) {
    match failure {
        ServerErrorsFailureClass::StatusCode(StatusCode::GATEWAY_TIMEOUT) => tracing::info!(?latency, "a wait for a position ran out"),
        failure => tracing::error!(classification = %failure, ?latency, "response failed"),
    }
}

/// How long open connections may finish after the signal to stop.
pub const DRAIN: Duration = Duration::from_secs(10);
