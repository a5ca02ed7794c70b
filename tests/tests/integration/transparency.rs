//! Tamper evidence: trees that are signed, and every way of changing history, each of which is named.

mod console;
mod independent;
mod on_kafka;
mod signer;
mod tampering;
mod witnesses;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use event_store::{EventStore, Log, fresh_id};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use transparency::verify::{LogCheck, Report};
use transparency::{Halted, Head, LogKey, Signer, SignerState, Signing, Tiles, TrustPolicy, believed};

use crate::examples::{patient, registered};
use crate::harness::TestLog;

/// How long something may take that takes a moment.
const PATIENCE: Duration = Duration::from_mins(1);

/// A log, and where its trees are kept.
struct Signed {
    log: TestLog,
    signing: Signing,
    folder: PathBuf,
}

impl Signed {
    async fn new() -> Self {
        let log = TestLog::new().await;
        let folder = log.databases.keys.join("tree");
        let signing = signing(&folder);
        Self { log, signing, folder }
    }

    /// Appends so many events, by as many commands; every tenth command leads to none.
    async fn append(&self, count: usize) {
        for number in 0..count {
            let event = registered(patient(), "Lovelace", &fresh_id().to_string());
            self.log.store.append(self.log.append(vec![event]).await).await.unwrap();
            if number % 10 == 0 {
                self.log.store.append(self.log.append(vec![]).await).await.unwrap();
            }
        }
    }

    fn tiles(&self) -> Tiles {
        self.signing.tiles(Log::Clinical, 1)
    }

    /// Signs everything that there is.
    async fn sign(&self) -> Head {
        let running = Running::start(&self.log, &self.log.store, self.signing.clone());
        let head = running.signed(self.log.store.head().await.unwrap().0.unsigned_abs()).await;
        running.stop().await.unwrap();
        head
    }

    /// What the published checkpoint says, believed by the log's key.
    async fn head(&self) -> Head {
        let note = self.tiles().checkpoint().await.unwrap().unwrap();
        believed(&note, &self.policy()).unwrap()
    }

    fn policy(&self) -> TrustPolicy {
        TrustPolicy::of_log(self.signing.verifier_key(Log::Clinical, 1))
    }

    async fn verify(&self) -> Report {
        self.verify_against(self.head().await).await
    }

    async fn verify_against(&self, head: Head) -> Report {
        let (store, tiles) = (&self.log.store, self.tiles());
        LogCheck { log: Log::Clinical, store, tiles: &tiles, head, compared: 0 }.run(|_, _| {}).await.unwrap()
    }
}

/// What signs, with everything in a folder.
fn signing(folder: &std::path::Path) -> Signing {
    Signing {
        key: LogKey::open_or_create(&folder.join("signing.key")).unwrap(),
        name: "carelog.test".to_owned(),
        tiles: documents::objects(folder.join("tiles").to_str().unwrap()).unwrap(),
        memory: folder.join("signed"),
        policy: Arc::new(TrustPolicy::default()),
    }
}

/// A signer at work.
struct Running {
    signing: Signing,
    state: watch::Receiver<SignerState>,
    stop: watch::Sender<bool>,
    work: JoinHandle<Result<(), Halted>>,
}

impl Running {
    fn start(log: &TestLog, store: &EventStore, signing: Signing) -> Self {
        let signer = Signer::new(Log::Clinical, store.clone(), log.owner.clone(), signing.clone());
        let (stop, stopped) = watch::channel(false);
        Self { signing, state: signer.state(), stop, work: tokio::spawn(signer.run(stopped)) }
    }

    /// Waits until so much is under a published checkpoint.
    async fn signed(&self, size: u64) -> Head {
        let mut state = self.state.clone();
        tokio::time::timeout(PATIENCE, state.wait_for(|state| state.published >= size)).await.expect("it is signed in time").unwrap();
        let note = self.signing.tiles(Log::Clinical, 1).checkpoint().await.unwrap().unwrap();
        transparency::head_of(&note).unwrap().1
    }

    async fn stop(self) -> Result<(), Halted> {
        self.stop.send_replace(true);
        self.work.await.unwrap()
    }

    /// Waits until it halts.
    async fn halts(self) -> Halted {
        tokio::time::timeout(PATIENCE, self.work).await.expect("it halts in time").unwrap().expect_err("it halts")
    }
}
