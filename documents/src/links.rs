//! Links that open one document once, for a browser that cannot send a token: `POST /v1/documents/{document}/link`, `GET /v1/documents/links/{token}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use command_api::Problem;
use domain::DocumentId;
use gate::{Caller, Credentials, request_id};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::types::Json as Stored;
use uuid::Uuid;

use crate::download::{hand_out, may_read, refuse, refused};
use crate::{Documents, hex, problem};

/// How long a link can be used.
const HOLDS: TimeDelta = TimeDelta::minutes(5);
/// How many random bytes make a token.
const TOKEN_LENGTH: usize = 32;

/// A link that was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    /// The path that opens the document once.
    path: String,
    /// Until when.
    expires: DateTime<Utc>,
}

pub(crate) async fn make(State(documents): State<Documents>, document: Result<Path<Uuid>, PathRejection>, headers: HeaderMap) -> Response {
    let correlation = request_id(&headers);
    let answer = async {
        let caller = documents.gate.admit(Credentials::of(&headers)).await.map_err(Problem::not_admitted)?;
        let Path(document) = document.map_err(|_| problem::unknown())?;
        may_read(&documents, &caller, DocumentId(document), &headers, correlation).await?;
        link(&documents, &caller, document).await
    };
    answer.await.map_or_else(|problem| refuse(problem, correlation), |link| Json(link).into_response())
}

async fn link(documents: &Documents, caller: &Caller, document: Uuid) -> Result<Link, Problem> {
    let mut random = [0; TOKEN_LENGTH];
    getrandom::fill(&mut random).map_err(|_| problem::unavailable())?;
    let token = hex(&random);
    // A link does not outlive the token of whom it was made for.
    let expires = (documents.store.clock().now() + HOLDS).min(caller.expires).trunc_subsecs(3);
    sqlx::query("insert into documents.link (token_hash, tenant, document, caller, expires_at) values ($1, $2, $3, $4, $5)")
        .bind(hash(&token))
        .bind(caller.tenant.0)
        .bind(document)
        .bind(Stored(caller))
        .bind(expires)
        .execute(&documents.links)
        .await
        .map_err(problem::links)?;
    Ok(Link { path: format!("/v1/documents/links/{token}"), expires })
}

pub(crate) async fn follow(State(documents): State<Documents>, token: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    let correlation = request_id(&headers);
    let answer = async {
        let Path(token) = token.map_err(|_| problem::link_unknown())?;
        let there = "select document, caller from documents.link where token_hash = $1 and expires_at > $2";
        let (caller, document) = find(&documents, &token, &headers, there).await?;
        // Who gets nothing by it may use it again.
        if let Some(refused) = refused(&documents, &caller, document, &headers, correlation).await {
            return Ok(refused);
        }
        // Of two at once, one gets it.
        let used_up = "delete from documents.link where token_hash = $1 and expires_at > $2 returning document, caller";
        let (caller, document) = find(&documents, &token, &headers, used_up).await?;
        hand_out(&documents, &caller, document, &headers, "download document by link", correlation).await
    };
    answer.await.unwrap_or_else(|problem| refuse(problem, correlation))
}

/// What a link opens, and as whom; they come from where this request does.
async fn find(documents: &Documents, token: &str, headers: &HeaderMap, statement: &'static str) -> Result<(Caller, DocumentId), Problem> {
    let link: Option<(Uuid, Stored<Caller>)> =
        sqlx::query_as(statement).bind(hash(token)).bind(documents.store.clock().now()).fetch_optional(&documents.links).await.map_err(problem::links)?;
    let credentials = Credentials::of(headers);
    let Some((document, Stored(caller))) = link else {
        // A link is a token: one that was used, or never made, is refused as one.
        documents.gate.refuse_stranger(credentials).await;
        return Err(problem::link_unknown());
    };
    Ok((credentials.come_from(caller), DocumentId(document)))
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
