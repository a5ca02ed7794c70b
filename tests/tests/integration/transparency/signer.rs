//! The signer: it never signs two histories, whatever happens to it.

use std::fs;
use std::time::Duration;

use event_store::{Log, Position};
use transparency::verify::LogCheck;
use transparency::{Halted, TrustPolicy, check, is_prefix, prove};

use super::{Running, Signed};

#[tokio::test(flavor = "multi_thread")]
async fn a_signer_that_is_broken_off_at_any_moment_goes_on_where_it_was() {
    let signed = Signed::new().await;
    let mut kept = Vec::new();
    for round in 0..12_u64 {
        let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
        signed.append(60).await;
        tokio::time::sleep(Duration::from_millis(round * 37 % 250)).await;
        running.work.abort();
        running.work.await.ok();
        if signed.tiles().checkpoint().await.unwrap().is_some() {
            kept.push(signed.head().await);
        }
    }
    let head = signed.sign().await;
    assert_eq!(head.size, 720);
    assert!(kept.len() > 5, "it published now and then: {}", kept.len());
    for earlier in kept {
        is_prefix(&signed.tiles(), earlier, head).await.unwrap();
    }
    assert_eq!(signed.verify().await.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_signers_signs_and_the_other_takes_over() {
    let signed = Signed::new().await;
    signed.append(5).await;
    let one = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    one.signed(5).await;
    let two = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    signed.append(5).await;
    one.signed(10).await;
    assert_eq!(two.state.borrow().published, 0, "it waits for the lease");
    one.stop().await.unwrap();
    signed.append(5).await;
    two.signed(15).await;
    two.stop().await.unwrap();
    assert_eq!(signed.verify().await.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_halts_before_tiles_that_are_not_its_own_and_where_it_has_forgotten_what_it_signed() {
    let signed = Signed::new().await;
    signed.append(10).await;
    signed.sign().await;
    let tile = signed.folder.join("tiles/clinical/1/tile/0/000.p/10");
    let whole = fs::read(&tile).unwrap();
    fs::write(&tile, vec![0; whole.len()]).unwrap();
    assert_eq!(Running::start(&signed.log, &signed.log.store, signed.signing.clone()).halts().await, Halted::TilesAreOthers(10));
    fs::write(&tile, whole).unwrap();
    fs::remove_dir_all(signed.folder.join("signed")).unwrap();
    assert_eq!(Running::start(&signed.log, &signed.log.store, signed.signing.clone()).halts().await, Halted::Forgotten(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_epoch_has_a_tree_of_its_own_that_begins_with_what_was_kept_of_the_old_one() {
    let signed = Signed::new().await;
    signed.append(300).await;
    let old = signed.sign().await;
    // A restore: everything after 200 is lost, and an epoch begins there.
    let cut = "set session_replication_role = replica; delete from clinical.event where position > 200;
        delete from clinical.command where last_position > 200; delete from clinical.event_tag where position > 200; reset session_replication_role";
    sqlx::raw_sql(cut).execute(&signed.log.owner).await.unwrap();
    let epoch = event_store::begin_epoch(&signed.log.owner, Log::Clinical).await.unwrap();
    assert_eq!((epoch.epoch, epoch.first_position), (2, 201));
    signed.append(50).await;
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    let mut state = running.state.clone();
    state.wait_for(|state| state.published == 250).await.unwrap();
    running.stop().await.unwrap();
    let tiles = signed.signing.tiles(Log::Clinical, 2);
    let policy = TrustPolicy::of_log(signed.signing.verifier_key(Log::Clinical, 2));
    let head = transparency::believed(&tiles.checkpoint().await.unwrap().unwrap(), &policy).unwrap();
    let report = LogCheck { log: Log::Clinical, store: &signed.log.store, tiles: &tiles, head, compared: 0 }.run(|_, _| {}).await.unwrap();
    assert_eq!((report.findings, report.compared), (vec![], 250));
    // Both trees have the same leaves up to the fork, and other ones after it.
    let (before, after) = (prove(&signed.tiles(), 200).await.unwrap(), prove(&tiles, 200).await.unwrap());
    assert_eq!((before.entry.hash(), before.entry.epoch), (after.entry.hash(), 1));
    let (before, after) = (prove(&signed.tiles(), 201).await.unwrap(), prove(&tiles, 201).await.unwrap());
    assert_ne!(before.entry.hash(), after.entry.hash());
    assert_eq!((after.entry.epoch, old.size), (2, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_checked_by_its_text_alone_and_a_changed_one_proves_nothing() {
    let signed = Signed::new().await;
    signed.append(300).await;
    signed.sign().await;
    for position in [1, 2, 256, 257, 300] {
        let proof = prove(&signed.tiles(), position).await.unwrap();
        let (entry, head) = check(&proof.text, Some(&signed.policy())).unwrap();
        let stored = &signed.log.store.stored(Position(position - 1), 1).await.unwrap()[0];
        assert_eq!((entry.position, entry.event_id, head.size), (position, stored.event_id, 300));
        assert_eq!(entry.envelope, transparency::envelope_digest(stored.envelope()));
        for (from, to) in [("index ", "index 1"), ("extra AQ", "extra AA"), ("\n300\n", "\n299\n")] {
            assert!(check(&proof.text.replacen(from, to, 1), Some(&signed.policy())).is_err(), "{from} -> {to}");
        }
        assert!(check(&proof.text, Some(&TrustPolicy::default())).is_err(), "no log is believed");
    }
    assert!(prove(&signed.tiles(), 301).await.is_err());
    assert!(prove(&signed.tiles(), 0).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_begins_with_another_history_is_not_signed() {
    let signed = Signed::new().await;
    signed.append(300).await;
    signed.sign().await;
    let change = "set session_replication_role = replica; update clinical.event set payload = '{}' where position = 5; reset session_replication_role";
    sqlx::raw_sql(change).execute(&signed.log.owner).await.unwrap();
    event_store::begin_epoch(&signed.log.owner, Log::Clinical).await.unwrap();
    signed.append(1).await;
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    assert_eq!(running.halts().await, Halted::EpochIsAnother { epoch: 2, through: 300 });
    // Nor with an epoch between them in which nothing was signed.
    event_store::begin_epoch(&signed.log.owner, Log::Clinical).await.unwrap();
    signed.append(1).await;
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    assert_eq!(running.halts().await, Halted::EpochIsAnother { epoch: 3, through: 300 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_is_behind_what_is_published_signs_nothing_else() {
    let signed = Signed::new().await;
    signed.append(50).await;
    signed.sign().await;
    let memory = signed.folder.join("signed/clinical-1.checkpoint");
    let old = fs::read(&memory).unwrap();
    signed.append(50).await;
    let more = signed.sign().await;
    fs::write(&memory, old).unwrap();
    let change = "set session_replication_role = replica; update clinical.event set payload = '{}' where position = 100; reset session_replication_role";
    sqlx::raw_sql(change).execute(&signed.log.owner).await.unwrap();
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    assert_eq!(running.halts().await, Halted::LogIsAnother(Position(100)));
    assert_eq!(signed.head().await, more);
}
