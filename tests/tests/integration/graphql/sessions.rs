//! Tokens that are not believed, or not any more: each is refused, and each refusal is in the access log.

use std::collections::BTreeSet;

use domain::access::AccessOutcome;
use domain::{PatientId, TenantId, UserId};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use event_store::{Clock, Position, fresh_id};
use gate::{CLIENT_ADDRESS, Claims, Role};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::socket::Socket;
use crate::harness::Kind;

fn claims(tenant: TenantId) -> Claims {
    let now = Clock::system().now().timestamp();
    Claims {
        facility_roles: std::collections::BTreeMap::new(),
        iss: "carelog-development".into(),
        aud: "carelog".into(),
        sub: UserId(fresh_id()),
        tenant,
        roles: BTreeSet::from([Role::ComplianceOfficer]),
        patient: None,
        practitioner: None,
        iat: now,
        exp: now + 600,
    }
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Claims) -> String {
    jsonwebtoken::encode(&Header { kid: Some("development".into()), ..Header::new(algorithm) }, claims, key).unwrap()
}

#[tokio::test]
async fn a_token_that_is_forged_over_or_of_a_confused_algorithm_is_refused_on_record() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let pem = std::fs::read_to_string(world.side.log.databases.keys.join("development-token-key.pem")).unwrap();
    let public = SigningKey::from_pkcs8_pem(&pem).unwrap().verifying_key();
    let public_pem = public.to_public_key_pem(LineEnding::LF).unwrap();
    let stranger = SigningKey::from_bytes(&[7; 32]).to_pkcs8_pem(LineEnding::LF).unwrap();
    let own = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let claims = claims(world.tenant);
    let good = signed(Algorithm::EdDSA, &own, &claims);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("a token has three parts") };
    let other = signed(Algorithm::EdDSA, &own, &Claims { sub: UserId(fresh_id()), ..claims.clone() });
    let changed = other.split('.').nth(1).unwrap();
    let over = Claims { iat: claims.iat - 1200, exp: claims.iat - 600, ..claims.clone() };
    let refused = [
        ("of another key", signed(Algorithm::EdDSA, &EncodingKey::from_ed_pem(stranger.as_bytes()).unwrap(), &claims)),
        ("with another payload", format!("{header}.{changed}.{signature}")),
        ("expired", signed(Algorithm::EdDSA, &own, &over)),
        ("HS256 under the public key's PEM", signed(Algorithm::HS256, &EncodingKey::from_secret(public_pem.as_bytes()), &claims)),
        ("HS256 under the public key's bytes", signed(Algorithm::HS256, &EncodingKey::from_secret(public.as_bytes()), &claims)),
        // {"alg":"none","typ":"JWT"}
        ("unsigned", format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.")),
        ("unsigned, with a signature", format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.{signature}")),
    ];
    for (number, (what, token)) in refused.into_iter().enumerate() {
        for (method, path) in [("post", "/graphql".to_owned()), ("get", format!("/fhir/Patient/{ada}")), ("post", "/v1/identity/end-sessions".to_owned())] {
            let request = fresh_id();
            let url = format!("{}{path}", world.at);
            let asked = if method == "get" { world.client.get(url) } else { world.client.post(url).json(&json!({ "query": "{ viewer { user } }" })) };
            // Refusals of one address are counted together.
            let address = format!("192.0.2.{number}-{path}").replace('/', "");
            let answer = asked.bearer_auth(&token).header("X-Request-Id", request.to_string()).header(CLIENT_ADDRESS, address).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what} at {path}");
            let stored = world.access.stored(Position(0), 10_000).await.unwrap();
            let recorded: Vec<_> = stored.iter().filter(|event| event.correlation == request).collect();
            assert!(recorded.len() == 1 && recorded[0].tenant == TenantId(Uuid::nil()) && recorded[0].payload.contains("refused"), "{what} at {path}");
        }
    }
    world.data(&good, "{ viewer { user } }", json!({})).await;
}

#[tokio::test]
async fn a_token_of_another_tenant_finds_nothing_here_on_record() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let elsewhere = TenantId(fresh_id());
    let token = world.token_of(|claims| {
        (claims.tenant, claims.roles, claims.patient) = (elsewhere, BTreeSet::from([Role::ComplianceOfficer]), Some(PatientId(ada)));
    });
    for path in [format!("/fhir/Patient/{ada}"), format!("/v1/patients/{ada}/accounting-of-disclosures")] {
        let request = fresh_id();
        let asked = world.client.get(format!("{}{path}", world.at)).bearer_auth(&token).header("X-Request-Id", request.to_string());
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
        let stored = world.access.stored(Position(0), 10_000).await.unwrap();
        let recorded: Vec<_> = stored.iter().filter(|event| event.correlation == request).collect();
        assert!(recorded.len() == 1 && recorded[0].tenant == elsewhere && recorded[0].payload.contains("nothing-found"), "{path}");
    }
}

#[tokio::test]
async fn once_the_sessions_of_a_user_are_ended_every_token_of_theirs_is_void_everywhere() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let document = world.upload(ada).await;
    ::documents::migrate(&world.side.log.databases.pool(Kind::Log)).await.unwrap();
    let user = UserId(fresh_id());
    let issued = |later: i64| {
        world.token_of(|claims| {
            (claims.sub, claims.roles, claims.iat) = (user, BTreeSet::from([Role::Clinician]), claims.iat + later);
        })
    };
    let token = issued(0);
    let link = |token: &str| {
        let made = world.client.post(format!("{}/v1/documents/{document}/link", world.at)).bearer_auth(token);
        made.header("Carelog-Wait-For", world.position().to_string())
    };
    let minted: Value = link(&token).send().await.unwrap().json().await.unwrap();
    let minted = minted["path"].as_str().unwrap().to_owned();
    let (command, key) = (json!({ "fact": fresh_id(), "patient": ada, "content": { "code": { "text": "Cough" } } }), fresh_id());
    let record = |token: &str, body: &Value, key: Uuid| {
        let sent = world.client.post(format!("{}/v1/records/record-condition", world.at)).bearer_auth(token).json(body);
        sent.header("Idempotency-Key", key.to_string())
    };
    assert_eq!(record(&token, &command, key).send().await.unwrap().status(), StatusCode::OK);
    let mut socket = Socket::open(&world, &token).await;
    let query = format!("subscription {{ patientAppointments(patient: \"{ada}\") {{ appointments {{ id }} }} }}");
    socket.subscribe("1", &json!({ "query": query })).await;
    assert_eq!(socket.silence().await, None);

    let end = json!({ "user": user, "reason": "the telephone was stolen" });
    world.tell(Role::Administrator, "identity/end-sessions", end).await;
    let body = json!({ "query": "{ viewer { user } }", "extensions": { "carelog": { "waitFor": world.position() } } });
    let another = json!({ "fact": fresh_id(), "patient": ada, "content": { "code": { "text": "Fever" } } });
    let get = |path: String| world.client.get(format!("{}{path}", world.at)).bearer_auth(&token);
    let asked = [
        ("a command", record(&token, &another, fresh_id())),
        ("a retry", record(&token, &command, key)),
        ("a query", world.request(&token, &body)),
        ("FHIR", get(format!("/fhir/Patient/{ada}"))),
        ("a download", get(format!("/v1/documents/{document}"))),
        ("an accounting", get(format!("/v1/patients/{ada}/accounting-of-disclosures"))),
        ("a new link", link(&token)),
        ("a link of before", world.client.get(format!("{}{minted}", world.at))),
    ];
    for (what, asked) in asked {
        let request = fresh_id();
        let answer = asked.header("X-Request-Id", request.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{what}");
        assert!(!answer.text().await.unwrap().contains("Lovelace"), "{what}");
        let records = world.access_of(request).await;
        assert!(records.len() == 1 && records[0].outcome == AccessOutcome::Refused && records[0].user == user, "{what}: {} records", records.len());
    }
    clinic.book(&world, ada, "2031-03-04T09:00:00").await;
    assert_eq!(socket.closed().await, 4403, "what is followed is closed before it says more");
    // A token that was issued later is another.
    assert_eq!(record(&issued(60), &another, fresh_id()).send().await.unwrap().status(), StatusCode::OK);
    world.data(&issued(60), "{ viewer { user } }", json!({})).await;
    // Others are not meant.
    world.data(&world.token(Role::Clinician), "{ viewer { user } }", json!({})).await;
}

#[tokio::test]
async fn a_link_that_was_used_is_refused_on_record() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let document = world.upload(ada).await;
    ::documents::migrate(&world.side.log.databases.pool(Kind::Log)).await.unwrap();
    let made = world.client.post(format!("{}/v1/documents/{document}/link", world.at)).bearer_auth(world.token(Role::Clinician));
    let made: Value = made.header("Carelog-Wait-For", world.position().to_string()).send().await.unwrap().json().await.unwrap();
    let link = format!("{}{}", world.at, made["path"].as_str().unwrap());
    assert_eq!(world.client.get(&link).send().await.unwrap().status(), StatusCode::OK);
    let request = fresh_id();
    let again = world.client.get(&link).header("X-Request-Id", request.to_string()).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
    let stored = world.access.stored(Position(0), 10_000).await.unwrap();
    let recorded: Vec<_> = stored.iter().filter(|event| event.correlation == request).collect();
    assert!(recorded.len() == 1 && recorded[0].payload.contains("refused"), "a link is a token, and its refusal is recorded as one");
}
