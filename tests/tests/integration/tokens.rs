//! Whose tokens are believed: an external issuer's by its JWKS, and in production no one else's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Json, Router, routing::get};
use domain::access::{AccessEvent, AccessRecorded};
use domain::{Event, Named, Query, Tag, TenantId};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use event_store::{Clock, EventStore, Log};
use gate::{Audience, Claims, Role};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

/// The public half of the key whose private half is 32 sevens (RFC 8037).
const PUBLIC: &str = "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw";

/// An issuer on loopback, with one key.
struct Issuer {
    url: String,
    asked: Arc<AtomicUsize>,
    key: EncodingKey,
}

impl Issuer {
    async fn start() -> Self {
        let key = SigningKey::from_bytes(&[7; 32]);
        let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "one", "x": PUBLIC }] });
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let router = Router::new().route(
            "/jwks",
            get(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                std::future::ready(Json::<Value>(keys.clone()))
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, key }
    }

    fn token(&self, key_id: &str, issuer: &str, audience: impl Into<Audience>) -> String {
        let now = event_store::Clock::system().now().timestamp();
        let (sub, tenant) = (domain::UserId(Uuid::from_u128(1)), domain::TenantId(Uuid::from_u128(2)));
        let roles = BTreeSet::from([Role::FrontDesk]);
        let claims = Claims {
            iss: issuer.into(),
            aud: audience.into(),
            sub,
            tenant,
            roles,
            facility_roles: std::collections::BTreeMap::new(),
            patient: None,
            practitioner: None,
            iat: now,
            exp: now + 600,
        };
        jsonwebtoken::encode(&Header { kid: Some(key_id.into()), ..Header::new(Algorithm::EdDSA) }, &claims, &self.key).unwrap()
    }
}

#[tokio::test]
async fn an_external_issuer_is_believed_by_its_keys_and_no_one_else() {
    let issuer = Issuer::start().await;
    let environment = [("CARELOG_JWKS_URL", issuer.url.as_str()), ("CARELOG_TOKEN_ISSUER", "https://issuer.example"), ("CARELOG_TOKEN_AUDIENCE", "carelog")];
    let mut app = App::without_processes(&environment).await;
    app.start("command").await;
    let register = || json!({ "patient": event_store::fresh_id() });
    let path = "/v1/patients/register-patient";
    let (status, answer) = app.post(path, &issuer.token("one", "https://issuer.example", "carelog"), &register()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let several = Audience::Several(vec!["another".into(), "carelog".into()]);
    let status = app.post(path, &issuer.token("one", "https://issuer.example", several), &register()).await.0;
    assert_eq!(status, StatusCode::OK, "`aud` may name others beside us");
    let refused = [
        issuer.token("one", "https://elsewhere.example", "carelog"),
        issuer.token("one", "https://issuer.example", "another"),
        issuer.token("two", "https://issuer.example", "carelog"),
        app.token(Role::FrontDesk),
    ];
    for token in refused {
        assert_eq!(app.post(path, &token, &register()).await.0, StatusCode::UNAUTHORIZED);
    }
    assert!(issuer.asked.load(Ordering::Relaxed) <= 2, "unknown key ids do not make us ask the issuer each time");
}

#[tokio::test]
async fn who_was_refused_last_is_recorded_when_the_process_stops() {
    let mut app = App::without_processes(&[]).await;
    app.start("command").await;
    for _ in 0..4 {
        let refused = app.post("/v1/patients/register-patient", "nonsense", &json!({ "patient": event_store::fresh_id() })).await.0;
        assert_eq!(refused, StatusCode::UNAUTHORIZED);
    }
    app.stop(0);
    let pool = sqlx::PgPool::connect(&app.access_url()).await.unwrap();
    let access = EventStore::open(Log::Access, pool, app.vault().await, Clock::system()).await.unwrap();
    let query = Query::new().and(&[AccessRecorded::TYPE], Tag::TENANT);
    let found = access.read(TenantId(Uuid::nil()), &query, access.head().await.unwrap()).await.unwrap();
    let counts =
        found.iter().filter_map(|recorded| if let Event::Access(AccessEvent::AccessRecorded(access)) = &recorded.event { Some(access.count) } else { None });
    assert_eq!(counts.sum::<u64>(), 4);
}

#[tokio::test]
async fn production_refuses_what_is_for_development() {
    let app = App::without_processes(&[("CARELOG_MODE", "production")]).await;
    for task in [["serve"].as_slice(), &["token", "--role", "clinician"]] {
        let refused = app.command(task).output().unwrap();
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("production"), "{task:?}: {}", String::from_utf8_lossy(&refused.stderr));
    }
}

#[tokio::test]
async fn a_token_is_not_signed_with_a_key_that_nobody_believes() {
    let app = App::without_processes(&[]).await;
    let elsewhere = std::env::temp_dir().join(format!("carelog-elsewhere-{}", event_store::fresh_id().simple()));
    let refused = app.command(&["token", "--role", "clinician"]).env("CARELOG_KEYS", &elsewhere).output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("scripts/carelog"), "it says what to run");
    assert!(!elsewhere.exists(), "no key is made");
}
