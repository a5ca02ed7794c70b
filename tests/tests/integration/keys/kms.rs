//! The root key in a key management service: moto's, where it is installed (`scripts/install kms`).

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::{Subject, TenantId};
use event_store::fresh_id;
use serde_json::{Value, json};
use vault::{KeyRing, KmsKey, KmsSettings, VaultError};

use super::all_open;
use crate::app::App;
use crate::examples::patient;
use crate::harness::{Databases, Kind, TestLog};

/// A `moto_server` of its own, whose keys are gone with it.
struct Kms {
    port: u16,
    process: Child,
}

impl Kms {
    /// `None` where it is not installed, which `CI=true` does not put up with.
    async fn start() -> Option<Self> {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/kms/bin/moto_server");
        let binary = std::env::var_os("CARELOG_TEST_KMS").map_or(installed, PathBuf::from);
        if !binary.exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", binary.display());
            eprintln!("skipped: {} is not there; `scripts/install kms` installs it", binary.display());
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&binary);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let kms = Self { port, process: command.spawn().expect("moto_server runs") };
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(kms);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto_server does not answer");
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks it as no client of ours would.
    async fn ask(&self, operation: &str, body: Value) -> (bool, Value) {
        let request = reqwest::Client::new().post(self.endpoint()).header("Content-Type", "application/x-amz-json-1.1");
        let credential = "AWS4-HMAC-SHA256 Credential=carelog/20270101/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature=none";
        let request = request.header("X-Amz-Target", format!("TrentService.{operation}")).header("Authorization", credential);
        let answer = request.body(body.to_string()).send().await.unwrap();
        (answer.status().is_success(), answer.json().await.unwrap())
    }

    /// A new key's id.
    async fn key(&self) -> String {
        self.ask("CreateKey", json!({})).await.1["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    fn ring(&self, key: &str) -> KeyRing {
        let settings = KmsSettings {
            region: "eu-central-1".into(),
            endpoint: Some(self.endpoint()),
            access_key_id: "carelog".into(),
            secret_access_key: "carelog-secret".into(),
            session_token: None,
        };
        KmsKey::new(key, &settings).into()
    }

    fn environment(&self, key: &str) -> Vec<(String, String)> {
        let settings = [
            ("CARELOG_ROOT_KEY", format!("kms:{key}")),
            ("CARELOG_KMS_REGION", "eu-central-1".into()),
            ("CARELOG_KMS_ENDPOINT", self.endpoint()),
            ("CARELOG_KMS_ACCESS_KEY_ID", "carelog".into()),
            ("CARELOG_KMS_SECRET_ACCESS_KEY", "carelog-secret".into()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn stop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_key_moves_to_a_key_management_service_and_on_to_another_key_there() {
    let Some(kms) = Kms::start().await else { return };
    let log = TestLog::new().await;
    for _ in 0..3 {
        log.register(patient()).await;
    }
    let (first, second) = (kms.key().await, kms.key().await);
    for (new, old) in [(kms.ring(&first), log.databases.root("root.key")), (kms.ring(&second), kms.ring(&first))] {
        let store = log.databases.store_with(new.clone().and(old)).await;
        let mut rotation = store.vault().rotate_root().await.unwrap();
        while rotation.step().await.unwrap().is_some() {}
        assert_eq!(all_open(&log.databases.store_with(new).await).await, 3);
    }
    let roots: Vec<String> = sqlx::query_scalar("select id from vault.root_key where retired_at is null").fetch_all(&log.vault_pool).await.unwrap();
    assert_eq!(roots, [format!("kms:{second}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_wraps_is_bound_to_its_tenant() {
    let Some(kms) = Kms::start().await else { return };
    let (databases, key) = (Databases::of(&[Kind::Vault]).await, kms.key().await);
    let open = || databases.vault_with(kms.ring(&key), Duration::from_secs(60));
    let (vault, tenants, who) = (open().await.unwrap(), [TenantId(fresh_id()), TenantId(fresh_id())], Subject::Patient(patient()));
    for tenant in tenants {
        vault.digest(tenant, who, b"body").await.unwrap();
    }
    let pool = databases.pool(Kind::Vault);
    let wrapped: String = sqlx::query_scalar("select translate(encode(wrapped, 'base64'), E'\\n', '') from vault.tenant_key where tenant = $1")
        .bind(tenants[0].0)
        .fetch_one(&pool)
        .await
        .unwrap();
    let context = json!({ "carelog:tenant": tenants[0].to_string(), "carelog:purpose": "tenant key" });
    let (opens, _) = kms.ask("Decrypt", json!({ "CiphertextBlob": wrapped, "EncryptionContext": context })).await;
    assert!(opens, "it is wrapped by the service");
    for other in [json!({}), json!({ "carelog:tenant": tenants[1].to_string(), "carelog:purpose": "tenant key" })] {
        let (opens, _) = kms.ask("Decrypt", json!({ "CiphertextBlob": wrapped, "EncryptionContext": other })).await;
        assert!(!opens, "{other}");
    }
    let swap = "update vault.tenant_key t set wrapped = (select wrapped from vault.tenant_key o where o.tenant <> t.tenant)";
    sqlx::raw_sql(swap).execute(&pool).await.unwrap();
    assert!(matches!(open().await.unwrap().digest(tenants[0], who, b"body").await, Err(VaultError::NotAuthentic)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_is_no_damage_and_its_errors_tell_no_secret() {
    let Some(mut kms) = Kms::start().await else { return };
    let log = TestLog::on(Databases::new().await, event_store::Clock::system()).await;
    let key = kms.key().await;
    let mut append = log.append(vec![crate::examples::registered(patient(), "Lovelace", "1")]).await;
    let mut rotation = log.databases.store_with(kms.ring(&key).and(log.databases.root("root.key"))).await.vault().rotate_root().await.unwrap();
    while rotation.step().await.unwrap().is_some() {}
    let store = log.databases.store_with(kms.ring(&key)).await;
    append.command.digest = store.vault().digest(log.tenant, Subject::Patient(patient()), b"body").await.unwrap();
    store.append(append).await.unwrap();

    let cold = log.databases.store_with(kms.ring(&key)).await;
    kms.stop();
    // It is the read that fails, and not the event: nothing is parked for it.
    let Err(error) = cold.page(event_store::Position(0), 10, None).await else { panic!("it opens without its root key") };
    let text = format!("{error:?} {error}");
    assert!(matches!(error, event_store::ReadError::Vault(VaultError::Kms(_))), "{text}");
    assert!(!text.contains("carelog-secret") && !text.contains("Ciphertext"), "{text}");
    assert!(store.page(event_store::Position(0), 10, None).await.is_ok(), "who has the keys in memory goes on");
    assert!(matches!(log.databases.vault_with(kms.ring(&key), Duration::from_secs(60)).await, Err(VaultError::Kms(_))), "told at the start");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_is_set_up_for_it_by_its_settings() {
    let Some(kms) = Kms::start().await else { return };
    let environment = kms.environment(&kms.key().await);
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut app = App::without_processes(&environment).await;
    app.start("serve").await;
    app.accepted("/v1/patients/register-patient", gate::Role::FrontDesk, json!({ "patient": fresh_id() })).await;
    let pool = sqlx::PgPool::connect(&app.url(1)).await.unwrap();
    let roots: Vec<String> = sqlx::query_scalar("select distinct root from vault.tenant_key").fetch_all(&pool).await.unwrap();
    assert!(matches!(roots.as_slice(), [root] if root.starts_with("kms:")), "{roots:?}");
}
