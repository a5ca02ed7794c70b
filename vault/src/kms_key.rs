//! A root key in a key management service that speaks AWS KMS's protocol: it never leaves there.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{Builder, Credentials, Region};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use domain::TenantId;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::key_ring::{Purpose, Root};

/// How long one question to the service may take, its repetitions included.
const WITHIN: Duration = Duration::from_secs(10);
/// How long one try may take.
const TRY_WITHIN: Duration = Duration::from_secs(3);
/// The names in the encryption context. What was wrapped is bound to them: final.
const TENANT: &str = "carelog:tenant";
const PURPOSE: &str = "carelog:purpose";

/// How a key management service is reached.
#[derive(Clone)]
pub struct KmsSettings {
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// Its URL, where it is not Amazon's of that region.
    pub endpoint: Option<String>,
    /// Who asks.
    pub access_key_id: String,
    /// That it is them.
    pub secret_access_key: String,
    /// With credentials that are lent for a while.
    pub session_token: Option<String>,
}

/// A root key by its id or ARN.
pub struct KmsKey {
    client: Client,
    /// `kms:` and the key's id.
    id: String,
}

impl KmsKey {
    /// The key of this id or ARN. An alias would do, but may come to mean another key.
    pub fn new(key_id: &str, settings: &KmsSettings) -> Self {
        let KmsSettings { region, endpoint, access_key_id, secret_access_key, session_token } = settings.clone();
        let credentials = Credentials::new(access_key_id, secret_access_key, session_token, None, "carelog");
        let mut config = Builder::new()
            .behavior_version_latest()
            .region(Region::new(region))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::standard())
            .timeout_config(TimeoutConfig::builder().operation_timeout(WITHIN).operation_attempt_timeout(TRY_WITHIN).build());
        config.set_endpoint_url(endpoint);
        Self { client: Client::from_conf(config.build()), id: format!("kms:{key_id}") }
    }

    fn key_id(&self) -> &str {
        &self.id["kms:".len()..]
    }
}

#[async_trait]
impl Root for KmsKey {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, tenant: TenantId, purpose: Purpose, key: &[u8]) -> Result<Vec<u8>, VaultError> {
        let request = self.client.encrypt().key_id(self.key_id()).plaintext(Blob::new(key));
        let answer =
            request.encryption_context(TENANT, tenant.to_string()).encryption_context(PURPOSE, purpose.name()).send().await.map_err(|error| failure(&error))?;
        answer.ciphertext_blob.map(Blob::into_inner).ok_or_else(|| VaultError::Kms("an answer without a ciphertext".into()))
    }

    async fn unwrap(&self, tenant: TenantId, purpose: Purpose, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let request = self.client.decrypt().key_id(self.key_id()).ciphertext_blob(Blob::new(wrapped));
        let answer =
            request.encryption_context(TENANT, tenant.to_string()).encryption_context(PURPOSE, purpose.name()).send().await.map_err(|error| failure(&error))?;
        answer.plaintext.map(|key| Zeroizing::new(key.into_inner())).ok_or_else(|| VaultError::Kms("an answer without a plaintext".into()))
    }
}

/// The service's word for it, and nothing else: what it says besides may repeat the request.
fn failure<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> VaultError {
    let code = match error {
        SdkError::ServiceError(answer) => answer.err().code(),
        SdkError::TimeoutError(_) => Some("no answer in time"),
        SdkError::DispatchFailure(_) => Some("it cannot be reached"),
        _ => None,
    };
    match code {
        Some("InvalidCiphertextException" | "IncorrectKeyException") => VaultError::NotAuthentic,
        code => VaultError::Kms(code.unwrap_or("an answer that does not read").to_owned()),
    }
}
