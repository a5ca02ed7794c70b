//! Which root keys the vault's keys are wrapped by, and how they are reached.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use vault::{KeyRing, KmsKey, KmsSettings, RootKey};

use crate::config::{Config, Mode};

/// How the name of a root key begins that a key management service keeps.
const KMS: &str = "kms:";

/// The settings of the root keys.
#[derive(Args, Clone)]
pub struct RootKeySettings {
    /// The vault's root key, in production: a file of 32 bytes, or `kms:` and the id or ARN of a key in a key management service.
    #[arg(long, env = "CARELOG_ROOT_KEY", global = true)]
    pub root_key: Option<String>,
    /// Root keys that are being replaced, named likewise and separated by commas: they still open what they wrapped.
    #[arg(long, env = "CARELOG_FORMER_ROOT_KEYS", value_delimiter = ',', global = true)]
    former_root_keys: Vec<String>,
    /// The region of the key management service.
    #[arg(long, env = "CARELOG_KMS_REGION", global = true)]
    kms_region: Option<String>,
    /// The URL of the key management service, where it is not Amazon's of that region.
    #[arg(long, env = "CARELOG_KMS_ENDPOINT", global = true)]
    kms_endpoint: Option<String>,
    /// Who asks the key management service.
    #[arg(long, env = "CARELOG_KMS_ACCESS_KEY_ID", hide_env_values = true, global = true)]
    kms_access_key_id: Option<String>,
    /// The secret that goes with it.
    #[arg(long, env = "CARELOG_KMS_SECRET_ACCESS_KEY", hide_env_values = true, global = true)]
    kms_secret_access_key: Option<String>,
    /// The token that goes with credentials that are lent for a while.
    #[arg(long, env = "CARELOG_KMS_SESSION_TOKEN", hide_env_values = true, global = true)]
    kms_session_token: Option<String>,
}

/// The root keys that this process knows.
pub fn open(config: &Config) -> anyhow::Result<KeyRing> {
    let settings = &config.root_keys;
    let ring = match (&settings.root_key, config.mode) {
        (Some(name), _) => settings.named(name).context("CARELOG_ROOT_KEY")?,
        (None, Mode::Development) => {
            RootKey::open_or_create(config.keys.join("development-root.key")).context("the development root key cannot be used")?.into()
        }
        (None, Mode::Production) => anyhow::bail!("production needs CARELOG_ROOT_KEY"),
    };
    settings.former_root_keys.iter().try_fold(ring, |ring, name| Ok(ring.and(settings.named(name).context("CARELOG_FORMER_ROOT_KEYS")?)))
}

impl RootKeySettings {
    fn named(&self, name: &str) -> anyhow::Result<KeyRing> {
        let Some(key_id) = name.strip_prefix(KMS) else {
            return Ok(RootKey::open(PathBuf::from(name)).context("a root key cannot be used")?.into());
        };
        ensure!(!key_id.is_empty(), "kms: is followed by the id or ARN of a key");
        Ok(KmsKey::new(key_id, &self.kms()?).into())
    }

    fn kms(&self) -> anyhow::Result<KmsSettings> {
        let given = |value: &Option<String>, name| value.clone().with_context(|| format!("a root key in a key management service needs {name}"));
        Ok(KmsSettings {
            region: given(&self.kms_region, "CARELOG_KMS_REGION")?,
            endpoint: self.kms_endpoint.clone(),
            access_key_id: given(&self.kms_access_key_id, "CARELOG_KMS_ACCESS_KEY_ID")?,
            secret_access_key: given(&self.kms_secret_access_key, "CARELOG_KMS_SECRET_ACCESS_KEY")?,
            session_token: self.kms_session_token.clone(),
        })
    }
}
