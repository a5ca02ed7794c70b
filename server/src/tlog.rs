//! `GET /log/{log}/{epoch}/checkpoint`, `/key` and `/tile/…`: the trees of the logs, as C2SP `tlog-tiles` serves them. Hashes are for everyone; the entries, which say what kind of event
//! is where, need the permission to verify the logs.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use command_api::Problem;
use domain::Permission;
use event_store::Log;
use gate::{Credentials, Gate, request_id};
use transparency::{Signing, Tiles, TilesError};

use crate::signing::LOGS;

/// A full tile never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

#[derive(Clone)]
struct Api {
    gate: Gate,
    signing: Signing,
}

/// The routes.
pub fn router(gate: Gate, signing: Signing) -> Router {
    Router::new()
        .route("/log/{log}/{epoch}/checkpoint", get(checkpoint))
        .route("/log/{log}/{epoch}/key", get(key))
        .route("/log/{log}/{epoch}/tile/{*path}", get(tile))
        .with_state(Api { gate, signing })
}

async fn checkpoint(State(api): State<Api>, Path((log, epoch)): Path<(String, i64)>) -> Response {
    let Some(log) = named(&log) else { return StatusCode::NOT_FOUND.into_response() };
    match api.signing.tiles(log, epoch).checkpoint().await {
        Ok(Some(note)) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")), (header::CACHE_CONTROL, NOT_KEPT)], note).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

async fn key(State(api): State<Api>, Path((log, epoch)): Path<(String, i64)>) -> Response {
    named(&log).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |log| format!("{}\n", api.signing.verifier_key(log, epoch)).into_response())
}

async fn tile(State(api): State<Api>, Path((log, epoch, path)): Path<(String, i64, String)>, headers: HeaderMap) -> Response {
    let (Some(log), true) = (named(&log), Tiles::names(&path)) else { return StatusCode::NOT_FOUND.into_response() };
    let of_entries = path.starts_with("entries/");
    if of_entries && let Err(problem) = permit(&api.gate, &headers).await {
        return problem.into_response();
    }
    let tiles: Tiles = api.signing.tiles(log, epoch);
    let kept = if of_entries || path.contains(".p/") { NOT_KEPT } else { FOR_EVER };
    match tiles.read(&format!("tile/{path}")).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")), (header::CACHE_CONTROL, kept)], bytes).into_response(),
        Err(TilesError::Missing(_)) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

async fn permit(gate: &Gate, headers: &HeaderMap) -> Result<(), Problem> {
    let correlation = request_id(headers);
    let caller = gate.admit(Credentials::of(headers)).await.map_err(Problem::not_admitted)?;
    gate.require(&caller, Permission::VerifyLogs, "log entries", correlation)
        .await
        .map_err(|forbidden| Problem { request_id: Some(correlation), ..Problem::forbidden(forbidden.0) })
}

fn named(name: &str) -> Option<Log> {
    LOGS.into_iter().find(|log| log.name() == name)
}

fn failed(error: &TilesError) -> Response {
    tracing::error!("{error}");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
