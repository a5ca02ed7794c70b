//! Witnesses: a checkpoint is published once enough of them have cosigned it, and they cosign one history only.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use event_store::Log;
use transparency::{ProofError, TrustPolicy, believed};

use super::independent::installed;
use super::{PATIENCE, Running, Signed};

/// A witness over a file of its own.
struct Witness {
    binary: PathBuf,
    address: String,
    log_key: String,
    file: PathBuf,
    key: String,
    process: Option<Child>,
}

impl Witness {
    fn start(binary: &Path, signed: &Signed, number: usize) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut witness = Self {
            binary: binary.to_owned(),
            address: format!("127.0.0.1:{port}"),
            log_key: signed.signing.verifier_key(Log::Clinical, 1),
            file: signed.folder.join(format!("witness-{number}")),
            key: String::new(),
            process: None,
        };
        witness.run();
        witness
    }

    fn run(&mut self) {
        let mut command = Command::new(&self.binary);
        command.args([&self.address, "witness.example", &self.log_key]).arg(&self.file).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut key = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut key).unwrap();
        key.trim().clone_into(&mut self.key);
        self.process = Some(process);
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Two of three witnesses are enough.
fn policy(signed: &Signed, witnesses: &[Witness]) -> TrustPolicy {
    let lines: String = (0..).zip(witnesses).map(|(number, witness)| format!("witness w{number} {} http://{}\n", witness.key, witness.address)).collect();
    format!("log {}\n{lines}group enough 2 w0 w1 w2\nquorum enough\n", signed.signing.verifier_key(Log::Clinical, 1)).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_published_once_enough_witnesses_have_cosigned_it() {
    let Some(binary) = installed("witness") else { return };
    let mut signed = Signed::new().await;
    fs::create_dir_all(&signed.folder).unwrap();
    let mut witnesses: Vec<Witness> = (0..3).map(|number| Witness::start(&binary, &signed, number)).collect();
    let policy = policy(&signed, &witnesses);
    signed.signing.policy = Arc::new(policy.clone());

    signed.append(20).await;
    signed.sign().await;
    let note = signed.tiles().checkpoint().await.unwrap().unwrap();
    assert_eq!(note.matches("— witness.example").count(), 3, "{note}");
    assert_eq!(believed(&note, &policy).unwrap().size, 20);

    // One may be away.
    witnesses[0].kill();
    signed.append(300).await;
    assert_eq!(signed.sign().await.size, 320);

    // Two may not: nothing is published until one is back, which goes on from where it was.
    witnesses[1].kill();
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    signed.append(30).await;
    let mut state = running.state.clone();
    tokio::time::timeout(PATIENCE, state.wait_for(|state| state.trouble.is_some())).await.unwrap().unwrap();
    assert_eq!(believed(&signed.tiles().checkpoint().await.unwrap().unwrap(), &policy).unwrap().size, 320);
    witnesses[0].run();
    running.signed(350).await;
    running.stop().await.unwrap();

    // Without their signatures it is not believed by whoever asks for them.
    let note = signed.tiles().checkpoint().await.unwrap().unwrap();
    let alone: String = note.lines().filter(|line| !line.starts_with("— witness")).map(|line| format!("{line}\n")).collect();
    assert!(matches!(believed(&alone, &policy), Err(ProofError::Unwitnessed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn witnesses_do_not_cosign_a_history_that_was_forged_with_the_stolen_key() {
    let Some(binary) = installed("witness") else { return };
    let mut signed = Signed::new().await;
    fs::create_dir_all(&signed.folder).unwrap();
    let witnesses: Vec<Witness> = (0..3).map(|number| Witness::start(&binary, &signed, number)).collect();
    signed.signing.policy = Arc::new(policy(&signed, &witnesses));
    signed.append(20).await;
    signed.sign().await;

    let forge = "set session_replication_role = replica; update clinical.event set payload = '{}' where position = 15; reset session_replication_role";
    sqlx::raw_sql(forge).execute(&signed.log.owner).await.unwrap();
    fs::remove_dir_all(signed.folder.join("tiles/clinical")).unwrap();
    fs::remove_dir_all(signed.folder.join("signed")).unwrap();
    signed.append(10).await;
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    let mut state = running.state.clone();
    tokio::time::timeout(PATIENCE, state.wait_for(|state| state.trouble.is_some())).await.unwrap().unwrap();
    assert_eq!(signed.tiles().checkpoint().await.unwrap(), None, "nothing is published");
    running.stop().await.unwrap();
}
