//! Verifiers that others wrote, which `make test` installs: `fsck` of Tessera reads the whole tree from its tiles and entries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use event_store::Log;
use sqlx::AssertSqlSafe;

use super::{Signed, signing};

/// `None` where it is not installed; CI must have it.
pub fn installed(name: &str) -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tlog");
    let binary = std::env::var_os("CARELOG_TEST_TLOG").map_or(installed, PathBuf::from).join(name);
    if binary.exists() {
        return Some(binary);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", binary.display());
    eprintln!("SKIPPED: {} is not there; `scripts/install tlog` installs it", binary.display());
    None
}

/// What `fsck` says of a tree: whether it is whole, and its words.
fn fsck(binary: &Path, tree: &Path, key: &Path) -> (bool, String) {
    let output = Command::new(binary)
        .args(["--ui=false", "--N=16", "--logtostderr", &format!("--storage_url=file://{}/", tree.display()), &format!("--public_key={}", key.display())])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success() && !said.contains("fsck failed"), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_others_wrote_takes_our_tree_and_none_that_was_changed() {
    let Some(binary) = installed("fsck") else { return };
    let signed = Signed::new().await;
    signed.append(600).await;
    signed.sign().await;
    let tree = signed.folder.join("tiles/clinical/1");
    let key = signed.folder.join("log.key");
    fs::write(&key, signed.signing.verifier_key(Log::Clinical, 1)).unwrap();
    let (whole, said) = fsck(&binary, &tree, &key);
    assert!(whole, "{said}");

    for path in ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/88", "checkpoint"] {
        let file = tree.join(path);
        let bytes = fs::read(&file).unwrap();
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&file, changed).unwrap();
        assert!(!fsck(&binary, &tree, &key).0, "{path} was changed");
        fs::write(&file, bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_others_wrote_refuses_a_tree_that_was_built_anew_over_a_changed_log() {
    let Some(binary) = installed("fsck") else { return };
    for change in [
        "update event set payload = '{}' where position = 3",
        "delete from event where position = 9",
        "update event set recorded_at = recorded_at + interval '1 microsecond' where position = 1",
        "update event set position = 0 where position = 4; update event set position = 4 where position = 5; update event set position = 5 where position = 0",
        "update command set answer = '{}' where first_position = 7",
        "delete from command where first_position is null",
    ] {
        let mut signed = Signed::new().await;
        signed.append(9).await;
        signed.sign().await;
        let checkpoint = signed.folder.join("tiles/clinical/1/checkpoint");
        let (note, key) = (fs::read(&checkpoint).unwrap(), signed.folder.join("log.key"));
        fs::write(&key, signed.signing.verifier_key(Log::Clinical, 1)).unwrap();
        let as_superuser =
            format!("set session_replication_role = replica; set search_path = clinical; {change}; reset session_replication_role; reset search_path");
        sqlx::raw_sql(AssertSqlSafe(as_superuser)).execute(&signed.log.owner).await.unwrap();
        // Whoever has no key of ours builds the tree with one of theirs, and puts our checkpoint on it.
        signed.folder = signed.folder.join("forged");
        signed.signing = signing(&signed.folder);
        signed.sign().await;
        let tree = signed.folder.join("tiles/clinical/1");
        fs::write(tree.join("checkpoint"), note).unwrap();
        let (whole, said) = fsck(&binary, &tree, &key);
        assert!(!whole, "{change}: {said}");
    }
}
