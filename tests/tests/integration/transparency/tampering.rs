//! Whoever owns the database, its files and the tiles changes history; `verify` names the first place.

use std::fs;

use event_store::{Log, Position};
use sqlx::AssertSqlSafe;
use transparency::verify::{Wrong, held};
use transparency::{ProofError, believed};

use super::{Running, Signed, signing};

/// More than two tiles, and a third that is not full.
const EVENTS: usize = 600;

/// A change that an administrator makes in the log's database, and what is said of it.
struct Tampering {
    change: String,
    position: i64,
    wrong: Wrong,
}

fn tamperings() -> Vec<Tampering> {
    let mut all = Vec::new();
    let mut add = |change: String, position: i64, wrong: Wrong| all.push(Tampering { change, position, wrong });
    let last = i64::try_from(EVENTS).unwrap();
    for at in [1, 300, last] {
        for column in [
            "payload = '{}'",
            "sealed = '\\x00'",
            "tags = tags[2:]",
            "labels = '{R}'",
            "actor_role = 'clinician'",
            "authority = '{}'",
            "actor_user = gen_random_uuid()",
            "recorded_at = recorded_at - interval '1 microsecond'",
            "subject = 'patient/00000000-0000-0000-0000-000000000001'",
            "tenant = gen_random_uuid()",
            "type = 'patients.PatientDied'",
            "version = version + 1",
            "correlation = gen_random_uuid()",
            "causation = gen_random_uuid()",
            "command_id = gen_random_uuid()",
        ] {
            add(format!("update event set {column} where position = {at}"), at, Wrong::Changed);
        }
        add(format!("update event set event_id = gen_random_uuid() where position = {at}"), at, Wrong::Another);
        add(format!("delete from event where position = {at}"), at, Wrong::Missing);
        add(format!("delete from event_tag where position = {at}"), at, Wrong::NotFoundByTags);
        for column in ["answer = '{}'", "digest = '\\x00'", "name = 'patients.other'", "recorded_at = now()", "event_ids = '{}'"] {
            add(format!("update command set {column} where first_position = {at}"), at, Wrong::AnswerChanged);
        }
        add(format!("delete from command where first_position = {at}"), at, Wrong::AnswerChanged);
        let forged = "insert into command select tenant, actor, gen_random_uuid(), name, digest, first_position, last_position, event_ids, answer, recorded_at";
        add(format!("{forged} from command where first_position = {at}"), at, Wrong::AnswerWithoutEvents);
    }
    // Of commands that led to nothing: the first one was given at position 1, so its answer is final with 2.
    add("update command set answer = '{}' where first_position is null and last_position = 1".to_owned(), 2, Wrong::AnswerChanged);
    add("delete from command where first_position is null and last_position = 291".to_owned(), 292, Wrong::AnswerChanged);
    let invented =
        "insert into command select tenant, actor, gen_random_uuid(), name, digest, null, 300, '{}', answer, recorded_at from command where first_position = 1";
    add(invented.to_owned(), 301, Wrong::AnswerChanged);
    // Everything after a place moves, by an event that is put in or taken out.
    for at in [1, 300] {
        let shift =
            |by: i64| format!("update event set position = -position where position >= {at}; update event set position = -position + {by} where position < 0");
        let copy = format!(
            "insert into event select {at}, gen_random_uuid(), tenant, type, version, subject, tags, labels, actor_user, actor_role, correlation, causation,
                command_id, recorded_at, payload, sealed from event where position = {}",
            at + 1
        );
        add(format!("{}; {copy}", shift(1)), at, Wrong::Another);
        add(format!("delete from event where position = {at}; {}", shift(-1)), at, Wrong::Another);
        let exchange = format!(
            "update event set position = 0 where position = {at}; update event set position = {at} where position = {next};
            update event set position = {next} where position = 0",
            next = at + 1
        );
        add(exchange, at, Wrong::Another);
    }
    // Rows that are not where anybody looks, but for a read by tag.
    let aside = "insert into event select -1, gen_random_uuid(), tenant, type, version, subject, tags, labels, actor_user, actor_role, correlation, causation,
        command_id, recorded_at, payload, sealed from event where position = 300";
    add(aside.to_owned(), 0, Wrong::Surplus);
    let answered =
        "insert into command select tenant, actor, gen_random_uuid(), name, digest, null, -7, '{}', answer, recorded_at from command where first_position = 1";
    add(answered.to_owned(), 0, Wrong::Surplus);
    add("delete from event where position > 400".to_owned(), 401, Wrong::Missing);
    add("truncate event".to_owned(), 1, Wrong::Missing);
    add(
        "insert into epoch (epoch, first_position) values (0, -5); update epoch set first_position = 250 where epoch = 1".to_owned(),
        1,
        Wrong::Epoch { signed: 1, now: 0 },
    );
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_the_database_is_named_at_its_first_position() {
    let signed = Signed::new().await;
    signed.append(EVENTS).await;
    signed.sign().await;
    let whole = signed.verify().await;
    assert_eq!((whole.findings.as_slice(), whole.compared, whole.beyond), (&[][..], 600, 0));

    let owner = &signed.log.owner;
    let restore = "truncate event, event_tag, command, epoch; insert into event select * from kept.event; insert into event_tag select * from kept.event_tag;
        insert into command select * from kept.command; insert into epoch select * from kept.epoch";
    let keep = "create schema kept; create table kept.event as table clinical.event; create table kept.event_tag as table clinical.event_tag;
        create table kept.command as table clinical.command; create table kept.epoch as table clinical.epoch";
    sqlx::raw_sql(keep).execute(owner).await.unwrap();
    for Tampering { change, position, wrong } in tamperings() {
        // Triggers stop no superuser.
        let as_superuser =
            format!("set session_replication_role = replica; set search_path = clinical; {change}; reset session_replication_role; reset search_path");
        sqlx::raw_sql(AssertSqlSafe(as_superuser)).execute(owner).await.unwrap_or_else(|error| panic!("{change}: {error}"));
        let report = signed.verify().await;
        let first = report.findings.first().unwrap_or_else(|| panic!("{change}: nothing is found"));
        assert_eq!((first.position, &first.wrong), (Position(position), &wrong), "{change}: {:?}", report.findings);
        let restore =
            format!("set session_replication_role = replica; set search_path = clinical; {restore}; reset session_replication_role; reset search_path");
        sqlx::raw_sql(AssertSqlSafe(restore)).execute(owner).await.unwrap();
    }
    assert_eq!(signed.verify().await.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_the_tiles_is_named() {
    let signed = Signed::new().await;
    signed.append(100).await;
    let kept = signed.sign().await;
    signed.append(EVENTS - 100).await;
    let head = signed.sign().await;
    let folder = signed.folder.join("tiles/clinical/1/tile");
    let changed = |path: &str| Wrong::TileChanged(format!("tile/{path}"));
    let missing = |path: &str| Wrong::TileMissing(format!("tile/{path}"));
    for (path, offset, position) in [("0/000", 0, 1), ("0/001", 32 * 44, 301), ("0/002.p/88", 0, 513), ("1/000.p/2", 40, 1), ("entries/001", 50, 257)] {
        let file = folder.join(path);
        let whole = fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        bytes[offset] ^= 1;
        fs::write(&file, &bytes).unwrap();
        let report = signed.verify_against(head).await;
        let first = report.findings.first().unwrap_or_else(|| panic!("{path}: nothing is found"));
        assert_eq!((first.position, &first.wrong), (Position(position), &changed(path)), "{:?}", report.findings);
        let mut against_kept = report.clone();
        held(&signed.tiles(), head, vec![kept], &mut against_kept).await.unwrap();
        assert_eq!(against_kept, report, "tiles that are damaged forge nothing");
        fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        assert!(!signed.verify_against(head).await.findings.is_empty(), "{path} is cut off");
        fs::remove_file(&file).unwrap();
        let report = signed.verify_against(head).await;
        assert!(report.findings.iter().any(|finding| finding.wrong == missing(path)), "{path}: {:?}", report.findings);
        fs::write(&file, &whole).unwrap();
    }
    assert_eq!(signed.verify_against(head).await.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_was_changed_is_not_believed() {
    let signed = Signed::new().await;
    signed.append(3).await;
    signed.sign().await;
    let note = signed.tiles().checkpoint().await.unwrap().unwrap();
    let smaller = note.replacen("\n3\n", "\n2\n", 1);
    assert!(matches!(believed(&smaller, &signed.policy()), Err(ProofError::Checkpoint(_))));
    let other = signing(&signed.folder.join("another"));
    let forged = transparency::TrustPolicy::of_log(other.verifier_key(Log::Clinical, 1));
    assert!(matches!(believed(&note, &forged), Err(ProofError::Checkpoint(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_is_forged_with_the_stolen_key_differs_from_checkpoints_that_were_kept_and_the_interval_is_named() {
    let signed = Signed::new().await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        signed.append(100).await;
        kept.push(signed.sign().await);
    }
    let forge = "set session_replication_role = replica; update clinical.event set payload = '{}' where position = 150; reset session_replication_role";
    sqlx::raw_sql(forge).execute(&signed.log.owner).await.unwrap();
    // Everything is made anew: the memory of the signer and the tiles are gone.
    fs::remove_dir_all(signed.folder.join("tiles/clinical")).unwrap();
    fs::remove_dir_all(signed.folder.join("signed")).unwrap();
    let head = signed.sign().await;
    let mut report = signed.verify_against(head).await;
    assert_eq!(report.findings, [], "the forged tree is whole in itself");
    held(&signed.tiles(), head, kept, &mut report).await.unwrap();
    assert_eq!(report.findings[0].wrong, Wrong::Forked { after: 100, through: 200 });
    assert_eq!(report.findings[0].position, Position(101));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_backup_in_the_place_of_the_log_stops_the_signer_and_is_named() {
    let signed = Signed::new().await;
    signed.append(50).await;
    signed.sign().await;
    let cut = "set session_replication_role = replica; delete from clinical.event where position > 30; delete from clinical.event_tag where position > 30;
        delete from clinical.command where last_position > 30; reset session_replication_role";
    sqlx::raw_sql(cut).execute(&signed.log.owner).await.unwrap();
    let report = signed.verify().await;
    assert_eq!((report.findings[0].position, &report.findings[0].wrong), (Position(31), &Wrong::Missing));
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    assert_eq!(running.halts().await, transparency::Halted::LogIsShorter { head: Position(30), signed: 50 });

    // Also once the lost positions are given anew.
    signed.append(30).await;
    let running = Running::start(&signed.log, &signed.log.store, signed.signing.clone());
    assert_eq!(running.halts().await, transparency::Halted::LogIsAnother(Position(50)));
}
