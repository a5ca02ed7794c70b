//! The runbook of the keys, drilled: what is sealed opens after the vault's database was lost, and what was destroyed stays destroyed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::{PatientId, Phi, Subject, TenantId};
use event_store::{Clock, EventStore, Position, fresh_id};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use vault::{Register, Vault};

use crate::app::{App, binary};
use crate::examples::{patient, registered};

/// The commands of the runbook, block by block.
fn blocks() -> Vec<String> {
    let runbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbooks/keys.md");
    let text = std::fs::read_to_string(runbook).unwrap();
    text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

struct Drill {
    app: App,
    folder: PathBuf,
    who: PatientId,
}

impl Drill {
    async fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("carelog-drill-{}", fresh_id().simple()));
        for part in ["offline", "backups"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        Self { app: App::without_processes(&[]).await, folder, who: patient() }
    }

    /// Runs a block as an operator would.
    fn run(&self, block: &str) -> Output {
        // The task's environment is that of a process of this app.
        let environment = self.app.command(&[]);
        let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-euc", block]).envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", path);
        command.env("OFFLINE", self.folder.join("offline")).env("BACKUPS", self.folder.join("backups"));
        command.env("TENANT", self.app.tenant.to_string()).env("PATIENT", self.who.to_string());
        command.output().unwrap()
    }

    fn succeeds(&self, block: &str) -> String {
        let output = self.run(block);
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn is_refused(&self, block: &str, why: &str) {
        let output = self.run(block);
        assert!(!output.status.success(), "{block}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(why), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn pool(&self, index: usize) -> PgPool {
        PgPool::connect(&self.app.url(index)).await.unwrap()
    }

    /// The log as a process has it that has nothing in memory.
    async fn store(&self) -> EventStore {
        EventStore::open(event_store::Log::Clinical, self.pool(0).await, self.app.vault().await, Clock::system()).await.unwrap()
    }

    async fn drop_database(&self, index: usize) {
        let url = self.app.url(index);
        let (server, name) = url.rsplit_once('/').unwrap();
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("drop database {name} with (force)"))).execute(&mut connection).await.unwrap();
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

async fn register(store: &EventStore, tenant: TenantId, who: PatientId) {
    let command = fresh_id();
    let digest = store.vault().digest(tenant, Subject::Patient(who), b"body").await.unwrap();
    let append = event_store::Append {
        tenant,
        actor: event_store::Actor { user: domain::UserId(fresh_id()), role: "front-desk".into() },
        authority: domain::access::Authority::Installation,
        command: event_store::CommandKey { id: command, name: "test.command".into(), digest },
        correlation: command,
        causation: None,
        events: vec![registered(who, "Needleworth", &who.to_string())],
        boundary: domain::Query::new(),
        read_at: Position(0),
        answer: serde_json::json!({}),
    };
    store.append(append).await.unwrap();
}

/// Of each event, whether it is readable.
async fn readable(store: &EventStore) -> Vec<bool> {
    let page = store.page(Position(0), 100, None).await.unwrap();
    let opened = page.events.into_iter().map(|event| event.unwrap_or_else(|unreadable| panic!("{}", unreadable.error)));
    opened.map(|recorded| recorded.occurred != Phi::Erased).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runbook_brings_the_keys_back_less_what_was_destroyed() {
    let blocks = blocks();
    let [identity, backup, restore, rotations @ ..] = blocks.as_slice() else { panic!("the runbook has other blocks") };
    let (drill, others) = (Drill::new().await, [patient(), patient()]);
    // Opened before the development key is named by anyone: `serve` would have made it.
    drill.succeeds("carelog keys rotate root");
    let store = drill.store().await;
    for who in [drill.who, others[0], others[1]] {
        register(&store, drill.app.tenant, who).await;
    }
    assert_eq!(readable(&store).await, [true, true, true]);

    assert!(drill.succeeds(identity).is_empty(), "the recipient went to its file");
    drill.succeeds(backup);
    drill.is_refused(backup, "is there already");
    let file = std::fs::read(drill.folder.join("backups/keys.age")).unwrap();
    assert!(file.starts_with(b"age-encryption.org/v1") && !contains(&file, b"patient/") && !contains(&file, b"wrapped"));
    assert_eq!(std::fs::read_dir(drill.folder.join("backups")).unwrap().count(), 2, "something is left beside it");

    // One is destroyed after the backup, and so is somebody who came after it.
    let (late, log_register) = (patient(), Register::new(&drill.pool(0).await));
    store.vault().destroy(&log_register, drill.app.tenant, Subject::Patient(others[0])).await.unwrap();
    register(&store, drill.app.tenant, late).await;
    store.vault().destroy(&log_register, drill.app.tenant, Subject::Patient(late)).await.unwrap();
    drill.is_refused(restore, "there are keys in this vault already");
    drop(store);
    drill.drop_database(1).await;

    let said = drill.succeeds(restore);
    assert!(said.contains("1 keys in the backup were destroyed since") && said.contains(&format!("patient/{}", others[0])), "{said}");
    let store = drill.store().await;
    assert_eq!(readable(&store).await, [true, false, true, false]);
    let again: Result<_, _> = store.vault().digest(drill.app.tenant, Subject::Patient(others[0]), b"body").await;
    assert!(matches!(again, Err(vault::VaultError::Erased)), "the destroyed one got a key again");

    for rotation in rotations {
        drill.succeeds(rotation);
        let root = vault::RootKey::open(drill.folder.join("offline/root-2.key"));
        let vault = match root {
            Ok(root) => Vault::open(drill.pool(1).await, root).await.unwrap(),
            Err(_) => drill.app.vault().await,
        };
        let store = EventStore::open(event_store::Log::Clinical, drill.pool(0).await, vault, Clock::system()).await.unwrap();
        assert_eq!(readable(&store).await, [true, false, true, false]);
    }
    assert_eq!(rotations.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_cannot_be_trusted_is_refused_whole() {
    let blocks = blocks();
    let (drill, other) = (Drill::new().await, patient());
    drill.succeeds("carelog keys rotate root");
    let store = drill.store().await;
    for who in [drill.who, other] {
        register(&store, drill.app.tenant, who).await;
    }
    store.vault().destroy(&Register::new(&drill.pool(0).await), drill.app.tenant, Subject::Patient(other)).await.unwrap();
    drop(store);
    drill.succeeds(&blocks[0]);
    drill.succeeds(&blocks[1]);
    drill.drop_database(1).await;
    drill.succeeds("carelog migrate");
    let restore = |file: &str, identity: &str| format!("carelog keys restore \"$BACKUPS/{file}\" --identity \"$OFFLINE/{identity}\"");

    drill.succeeds("carelog keys identity \"$OFFLINE/another.identity\"");
    drill.is_refused(&restore("keys.age", "another.identity"), "does not open with this identity");
    let whole = std::fs::read(drill.folder.join("backups/keys.age")).unwrap();
    std::fs::write(drill.folder.join("backups/cut.age"), &whole[..whole.len() - 5]).unwrap();
    drill.is_refused(&restore("cut.age", "keys.identity"), "the backup");
    drill.succeeds("(umask 077 && head -c 32 /dev/urandom > \"$OFFLINE/other.key\")");
    drill.is_refused(&format!("CARELOG_ROOT_KEY=\"$OFFLINE/other.key\" {}", restore("keys.age", "keys.identity")), "root key");
    // A log that was restored from a time before the destruction does not know of it.
    let (log, renamed) = (
        drill.pool(0).await,
        "alter table key_register.destroyed_key rename to newer; create table key_register.destroyed_key (like key_register.newer); grant select, insert on key_register.destroyed_key to carelog_keys",
    );
    sqlx::raw_sql(renamed).execute(&log).await.unwrap();
    drill.is_refused(&restore("keys.age", "keys.identity"), "is older than the backup");
    let kept: i64 = sqlx::query_scalar("select count(*) from vault.data_key").fetch_one(&drill.pool(1).await).await.unwrap();
    assert_eq!(kept, 0, "something of it was restored");
    sqlx::raw_sql("drop table key_register.destroyed_key; alter table key_register.newer rename to destroyed_key").execute(&log).await.unwrap();
    drill.succeeds(&restore("keys.age", "keys.identity"));
    assert_eq!(readable(&drill.store().await).await, [true, false]);
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
