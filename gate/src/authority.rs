//! Whose tokens are believed: our own development key's, or those of an external issuer by its JWKS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use tokio::sync::Mutex;

use crate::caller::{Caller, Unauthenticated};
use crate::token::Claims;

const DEVELOPMENT_KEY_FILE: &str = "development-token-key.pem";
const DEVELOPMENT_KEY_ID: &str = "development";
const DEVELOPMENT_ISSUER: &str = "carelog-development";
const AUDIENCE: &str = "carelog";
/// How often an unknown key id may make us ask the issuer again.
const JWKS_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How long a JWKS that names the key is believed before it is asked for again, so that a revoked key ends.
const JWKS_BELIEVED_FOR: Duration = Duration::from_mins(5);

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Authority(Arc<Trust>);

enum Trust {
    Development { key: Box<DecodingKey> },
    External { url: String, issuer: String, audience: String, client: reqwest::Client, known: Mutex<Known> },
}

struct Known {
    keys: JwkSet,
    asked: Option<Instant>,
}

/// Why tokens cannot be verified or issued at all.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The key's file cannot be read or written.
    #[error("the development key at {path} cannot be read or made")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no key yet.
    #[error("there is no development key at {0}")]
    NoKey(PathBuf),
    /// The file is no Ed25519 key in PKCS#8 PEM.
    #[error("{0} holds no Ed25519 key")]
    NotAKey(PathBuf),
    /// A token could not be signed.
    #[error("the token could not be signed")]
    Signing(#[source] jsonwebtoken::errors::Error),
    /// No client for the issuer.
    #[error("no HTTP client for the token issuer")]
    Client(#[source] reqwest::Error),
}

/// Issues tokens with the development key. Production has an issuer of its own.
pub struct TokenIssuer {
    key: EncodingKey,
}

impl Authority {
    /// Believes the development key in `folder`, which is made when there is none.
    pub fn development(folder: &Path) -> Result<(Self, TokenIssuer), AuthorityError> {
        let path = folder.join(DEVELOPMENT_KEY_FILE);
        let not_a_key = || AuthorityError::NotAKey(path.clone());
        let pem = read_or_make(folder, &path)?;
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| not_a_key())?;
        let public = key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|_| not_a_key())?;
        let decoding = DecodingKey::from_ed_pem(public.as_bytes()).map_err(|_| not_a_key())?;
        Ok((Self(Arc::new(Trust::Development { key: Box::new(decoding) })), TokenIssuer::of(&pem, &path)?))
    }

    /// Believes an external issuer, by the JWKS at `url` (RFC 7517).
    pub fn external(url: String, issuer: String, audience: String) -> Result<Self, AuthorityError> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().map_err(AuthorityError::Client)?;
        let known = Mutex::new(Known { keys: JwkSet { keys: Vec::new() }, asked: None });
        Ok(Self(Arc::new(Trust::External { url, issuer, audience, client, known })))
    }

    pub(crate) async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, Unauthenticated> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Unauthenticated)?;
        let claims = match &*self.0 {
            Trust::Development { key } => decode(token, key, Algorithm::EdDSA, DEVELOPMENT_ISSUER, AUDIENCE)?,
            Trust::External { url, issuer, audience, client, known } => {
                if !matches!(header.alg, Algorithm::EdDSA | Algorithm::ES256 | Algorithm::ES384 | Algorithm::RS256 | Algorithm::PS256) {
                    return Err(Unauthenticated);
                }
                let key = key_of(&mut *known.lock().await, client, url, header.kid.as_deref()).await?;
                decode(token, &key, header.alg, issuer, audience)?
            }
        };
        let caller = Caller::try_from(claims)?;
        if caller.expires <= now { Err(Unauthenticated) } else { Ok(caller) }
    }
}

fn decode(token: &str, key: &DecodingKey, algorithm: Algorithm, issuer: &str, audience: &str) -> Result<Claims, Unauthenticated> {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Expiry is judged by our own clock, which a test can move.
    validation.validate_exp = false;
    validation.validate_nbf = true;
    jsonwebtoken::decode::<Claims>(token, key, &validation).map(|token| token.claims).map_err(|error| {
        tracing::debug!(reason = ?error.kind(), "token refused");
        Unauthenticated
    })
}

async fn key_of(known: &mut Known, client: &reqwest::Client, url: &str, id: Option<&str>) -> Result<DecodingKey, Unauthenticated> {
    let id = id.ok_or(Unauthenticated)?;
    let age = known.asked.map(|asked| asked.elapsed());
    let ask = match known.keys.find(id) {
        Some(_) => age.is_none_or(|age| age > JWKS_BELIEVED_FOR),
        None => age.is_none_or(|age| age > JWKS_AGAIN_AFTER),
    };
    if ask {
        known.asked = Some(Instant::now());
        match fetch(client, url).await {
            Ok(keys) => known.keys = keys,
            Err(error) => tracing::warn!(%error, "the token issuer's keys could not be fetched"),
        }
    }
    known.keys.find(id).and_then(|jwk| DecodingKey::from_jwk(jwk).ok()).ok_or(Unauthenticated)
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<JwkSet, reqwest::Error> {
    client.get(url).send().await?.error_for_status()?.json().await
}

impl TokenIssuer {
    /// Signs with the development key in `folder`, which must be there: nobody believes tokens of a key that was made for them.
    pub fn development(folder: &Path) -> Result<Self, AuthorityError> {
        let path = folder.join(DEVELOPMENT_KEY_FILE);
        let pem = read(&path)?.ok_or_else(|| AuthorityError::NoKey(path.clone()))?;
        Self::of(&pem, &path)
    }

    fn of(pem: &str, path: &Path) -> Result<Self, AuthorityError> {
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| AuthorityError::NotAKey(path.to_owned()))?;
        Ok(Self { key })
    }

    /// A signed token with these claims; issuer and audience are the development ones.
    pub fn issue(&self, claims: Claims) -> Result<String, AuthorityError> {
        let header = Header { kid: Some(DEVELOPMENT_KEY_ID.into()), ..Header::new(Algorithm::EdDSA) };
        let claims = Claims { iss: DEVELOPMENT_ISSUER.into(), aud: AUDIENCE.into(), ..claims };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(AuthorityError::Signing)
    }
}

fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|source| AuthorityError::File { path: path.to_owned(), source }),
    }
}

fn read_or_make(folder: &Path, path: &Path) -> Result<String, AuthorityError> {
    let failed = |source| AuthorityError::File { path: path.to_owned(), source };
    if let Some(pem) = read(path)? {
        return Ok(pem);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| failed(std::io::Error::other("the system gives no random numbers")))?;
    let pem = SigningKey::from_bytes(&seed).to_pkcs8_pem(LineEnding::LF).map_err(|_| AuthorityError::NotAKey(path.to_owned()))?;
    std::fs::create_dir_all(folder).map_err(failed)?;
    match create_private_file(path, pem.as_bytes()) {
        // Another process was first; its key is the one.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => std::fs::read_to_string(path).map_err(failed),
        made => made.map(|()| pem.to_string()).map_err(failed),
    }
}

fn create_private_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path)?, content)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{TenantId, UserId};
    use uuid::Uuid;

    use super::*;
    use domain::Role;

    fn claims(iat: i64, exp: i64) -> Claims {
        let (sub, tenant) = (UserId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        Claims {
            iss: String::new(),
            aud: "".into(),
            sub,
            tenant,
            roles: BTreeSet::from([Role::Clinician]),
            facility_roles: std::collections::BTreeMap::new(),
            patient: None,
            practitioner: None,
            iat,
            exp,
        }
    }

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("carelog-authority-{:?}", std::thread::current().id())).join(std::process::id().to_string())
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[tokio::test]
    async fn a_development_token_holds_until_it_ends_and_not_under_another_key() {
        let folder = folder();
        let (authority, issuer) = Authority::development(&folder.join("one")).unwrap();
        let token = issuer.issue(claims(100, 200)).unwrap();
        let caller = authority.verify(&token, at(150)).await.unwrap();
        assert_eq!((caller.user, caller.expires), (UserId(Uuid::from_u128(1)), at(200)));
        assert_eq!(authority.verify(&token, at(200)).await.err(), Some(Unauthenticated));
        let (other, _) = Authority::development(&folder.join("other")).unwrap();
        assert_eq!(other.verify(&token, at(150)).await.err(), Some(Unauthenticated));
        let (again, _) = Authority::development(&folder.join("one")).unwrap();
        assert!(again.verify(&token, at(150)).await.is_ok(), "the key is kept");
        let issuer = TokenIssuer::development(&folder.join("one")).unwrap();
        assert!(authority.verify(&issuer.issue(claims(100, 200)).unwrap(), at(150)).await.is_ok());
        assert!(matches!(TokenIssuer::development(&folder.join("elsewhere")), Err(AuthorityError::NoKey(_))));
        assert!(!folder.join("elsewhere").exists(), "no key is made for a token that nobody would believe");
        std::fs::remove_dir_all(folder).ok();
    }

    #[tokio::test]
    async fn a_token_that_was_changed_or_names_no_role_is_refused() {
        let folder = folder();
        let (authority, issuer) = Authority::development(&folder).unwrap();
        let token = issuer.issue(claims(100, 200)).unwrap();
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character of base64url holds bits that do not count.
            if place + 1 < token.len() && changed != token {
                assert_eq!(authority.verify(&changed, at(150)).await.err(), Some(Unauthenticated), "changed at {place}");
            }
        }
        let nobody = issuer.issue(Claims { roles: BTreeSet::new(), ..claims(100, 200) }).unwrap();
        assert_eq!(authority.verify(&nobody, at(150)).await.err(), Some(Unauthenticated));
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDEifQ.";
        assert_eq!(authority.verify(unsigned, at(150)).await.err(), Some(Unauthenticated));
        std::fs::remove_dir_all(folder).ok();
    }
}
