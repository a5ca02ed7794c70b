//! A new key at each level, beside processes that append, interrupted and taken up again.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::{Subject, Tag, TenantId};
use event_store::{AppendError, fresh_id};
use uuid::Uuid;
use vault::{HEADER, VaultError};

use super::{all_open, give_keys, keep_registering, patients, until};
use crate::app::App;
use crate::examples::{patient, registered};
use crate::harness::{Databases, Kind, TestLog};

#[tokio::test(flavor = "multi_thread")]
async fn the_root_key_is_replaced_while_others_append() {
    let log = TestLog::new().await;
    for _ in 0..45 {
        log.vault.tags(TenantId(fresh_id()), &[Tag::TENANT]).await.unwrap();
    }
    log.register(patient()).await;
    let (old, new) = (|| log.databases.root("root.key"), || log.databases.root("new.key"));
    let other = log.databases.store_with(old().and(new())).await;
    let (stop, tags) = (AtomicBool::new(false), [Tag::TENANT, Tag::patient(patient()).on("2027-03-01".parse().unwrap())]);
    let before = log.vault.tags(log.tenant, &tags).await.unwrap();

    let rotate = async {
        let vault = log.databases.store_with(new().and(old())).await.vault().clone();
        let mut interrupted = vault.rotate_root().await.unwrap();
        assert!(interrupted.left() >= 46 && interrupted.step().await.unwrap().is_some());
        drop(interrupted);
        // A process that was not told of the new key is refused; one that does not know the old key is, too, as long as it wraps something.
        for incomplete in [old(), new()] {
            assert!(matches!(log.databases.vault_with(incomplete, Duration::from_secs(60)).await, Err(VaultError::RootKey(_))));
        }
        let mut again = vault.rotate_root().await.unwrap();
        while again.step().await.unwrap().is_some() {}
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::SeqCst);
        again.damaged()
    };
    let (appended, damaged) = tokio::join!(keep_registering(&log, &other, &stop), rotate);
    assert!(appended > 5 && damaged == 0);

    let roots: Vec<(bool, bool, i64)> = sqlx::query_as(
        "select wraps, retired_at is not null, (select count(*) from vault.tenant_key t where t.root = r.id) from vault.root_key r order by wraps",
    )
    .fetch_all(&log.vault_pool)
    .await
    .unwrap();
    assert!(matches!(roots.as_slice(), [(false, true, 0), (true, false, 46..)]), "{roots:?}");
    let alone = log.databases.store_with(new()).await;
    assert_eq!(all_open(&alone).await, appended + 1);
    assert_eq!(alone.vault().tags(log.tenant, &tags).await.unwrap(), before, "a tag in the log is found no more");
    assert!(log.databases.vault_with(old(), Duration::from_secs(60)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_key_is_replaced_while_others_append() {
    let (log, other) = TestLog::two_processes().await;
    let (known, stop) = (patients(450), AtomicBool::new(false));
    let before = give_keys(&log.vault, log.tenant, &known).await;
    log.register(patient()).await;
    let tags = [Tag::patient(known[0]).on("2027-03-01".parse().unwrap()), registered(known[0], "Lovelace", "77").tags().pop().unwrap()];
    let tags_before = log.vault.tags(log.tenant, &tags).await.unwrap();

    let rotate = async {
        let vault = log.databases.vault().await;
        let mut interrupted = vault.rotate_tenant(log.tenant).await.unwrap();
        assert!(interrupted.left() >= 450 && interrupted.step().await.unwrap() == Some(200));
        drop(interrupted);
        let versions = "select count(*) from vault.tenant_key where tenant = $1 and wrapped is not null";
        let both: i64 = sqlx::query_scalar(versions).bind(log.tenant.0).fetch_one(&log.vault_pool).await.unwrap();
        assert_eq!(both, 2, "the old version is needed yet, and a second try makes no third");
        let mut again = vault.rotate_tenant(log.tenant).await.unwrap();
        while again.step().await.unwrap().is_some() {}
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::SeqCst);
        again.damaged()
    };
    let (appended, damaged) = tokio::join!(keep_registering(&log, &other, &stop), rotate);
    assert!(appended > 5 && damaged == 0);

    let versions: Vec<(i32, bool, bool)> = sqlx::query_as("select version, wraps, wrapped is null from vault.tenant_key where tenant = $1 order by version")
        .bind(log.tenant.0)
        .fetch_all(&log.vault_pool)
        .await
        .unwrap();
    assert_eq!(versions, [(1, false, true), (2, true, false)]);
    let left = "select count(*) from vault.data_key where tenant = $1 and tenant_version <> 2";
    let left: i64 = sqlx::query_scalar(left).bind(log.tenant.0).fetch_one(&log.vault_pool).await.unwrap();
    assert_eq!(left, 0);
    let fresh = log.databases.store(event_store::Clock::system()).await;
    assert_eq!(all_open(&fresh).await, appended + 1);
    assert!(give_keys(fresh.vault(), log.tenant, &known).await == before, "the data keys are others");
    assert_eq!(fresh.vault().tags(log.tenant, &tags).await.unwrap(), tags_before, "a tag in the log is found no more");
    assert!(matches!(fresh.vault().rotate_tenant(TenantId(fresh_id())).await, Err(VaultError::NoKey)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subjects_new_key_seals_what_comes_and_the_old_one_opens_what_was() {
    let (log, other) = TestLog::two_processes().await;
    let (tenant, who, command) = (log.tenant, patient(), fresh_id());
    let subject = Subject::Patient(who);
    log.register(who).await;
    let body = |vault: vault::Vault, text: &'static [u8]| async move { vault.digest(tenant, subject, text).await.unwrap() };
    let first = {
        let mut append = log.append_as(command, b"unused", vec![registered(who, "Lovelace", "1")]).await;
        append.command.digest = body(log.vault.clone(), b"the body").await;
        log.store.append(append).await.unwrap()
    };
    let (document, clear) = (fresh_id(), vec![7; 100_000]);
    let mut sealer = log.vault.blob_sealer(log.tenant, subject, document).await.unwrap();
    let mut sealed = sealer.push(&clear);
    sealed.extend(sealer.finish().0);
    other.vault().digest(log.tenant, subject, b"cached").await.unwrap();

    assert_eq!(log.vault.rotate_subject(log.tenant, subject).await.unwrap(), 2);
    let keys: Vec<Uuid> = sqlx::query_scalar("select id from vault.data_key where subject = $1 order by version")
        .bind(subject.to_string())
        .fetch_all(&log.vault_pool)
        .await
        .unwrap();
    let (keys, now) = (&keys, log.store.clock().now());
    let seals_with = |vault: vault::Vault| async move {
        let sealed = vault.seal(tenant, fresh_id(), &registered(who, "Lovelace", "1"), now).await.unwrap().sealed;
        keys.iter().position(|key| sealed.windows(16).any(|bytes| bytes == key.as_bytes())).expect("one of the subject's keys")
    };
    assert_eq!(seals_with(log.vault.clone()).await, 1);
    // The other process is told, and would otherwise keep to the old one for as long as keys are kept in memory.
    until("the new key is used", Duration::from_secs(5), || async { seals_with(other.vault().clone()).await == 1 }).await;

    log.register(who).await;
    let fresh = log.databases.store(event_store::Clock::system()).await;
    assert_eq!(all_open(&fresh).await, 3);
    // A retry of a command that came before the rotation is known as one, and another body is not.
    for vault in [log.vault.clone(), other.vault().clone(), fresh.vault().clone()] {
        let mut key = log.command(command, b"unused").await;
        key.digest = body(vault.clone(), b"the body").await;
        assert_eq!(fresh.find_command(log.tenant, log.actor.user, &key).await.unwrap().unwrap().event_ids, first.event_ids);
        key.digest = body(vault, b"another").await;
        assert!(matches!(fresh.find_command(log.tenant, log.actor.user, &key).await, Err(AppendError::CommandMismatch)));
    }
    let header: &[u8; HEADER] = sealed.first_chunk().unwrap();
    let opener = fresh.vault().blob_opener(log.tenant, subject, document, header, clear.len() as u64).await.unwrap();
    let mut reader = opener.part(0..clear.len() as u64);
    assert!(reader.push(&sealed[HEADER..]).unwrap() == clear);

    assert!(matches!(log.vault.rotate_subject(log.tenant, Subject::Patient(patient())).await, Err(VaultError::NoKey)));
    log.vault.destroy(&log.databases.register(), log.tenant, subject).await.unwrap();
    assert!(matches!(log.vault.rotate_subject(log.tenant, subject).await, Err(VaultError::Erased)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_killed_is_taken_up_again() {
    let app = App::without_processes(&[]).await;
    // The development key is made by whoever comes first.
    let task = |arguments: &[&str]| {
        let mut command = app.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let tenant = app.tenant.to_string();
    assert!(!task(&["keys", "rotate", "tenant", &tenant]).output().unwrap().status.success(), "there is no such tenant yet");
    let (vault, known) = (app.vault().await, patients(4_000));
    let mut before = Vec::new();
    for some in known.chunks(200) {
        before.extend(give_keys(&vault, app.tenant, some).await);
    }
    for pause in [60, 120, 180, 240] {
        let mut child = task(&["keys", "rotate", "tenant", &tenant]).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        App::kill_pid(child.id());
        child.wait().unwrap();
    }
    let output = task(&["keys", "rotate", "tenant", &tenant]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let pool = sqlx::PgPool::connect(&app.url(1)).await.unwrap();
    let left: Vec<i32> = sqlx::query_scalar("select distinct d.tenant_version from vault.data_key d").fetch_all(&pool).await.unwrap();
    let useful: Vec<i32> = sqlx::query_scalar("select version from vault.tenant_key where wrapped is not null").fetch_all(&pool).await.unwrap();
    assert!(left == useful && useful.len() == 1 && useful[0] > 1, "{left:?} {useful:?}");
    let fresh = app.vault().await;
    for (some, digests) in known.chunks(200).zip(before.chunks(200)) {
        assert!(give_keys(&fresh, app.tenant, some).await == digests);
    }

    let subject = Subject::Patient(known[0]).to_string();
    let output = task(&["keys", "rotate", "subject", &tenant, &subject]).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("version 2"), "{output:?}");
    let output = task(&["keys", "rotate", "root"]).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).starts_with("0 tenants' keys"), "it is that root key already");
}

#[tokio::test]
async fn a_vault_of_before_there_were_versions_goes_on_as_it_is() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let (vault, tenant, who) = (databases.vault().await, TenantId(fresh_id()), Subject::Patient(patient()));
    let tags = [Tag::patient(patient()).on("2027-03-01".parse().unwrap())];
    let (digest, tags_before) = (vault.digest(tenant, who, b"body").await.unwrap(), vault.tags(tenant, &tags).await.unwrap());
    // What the migration cannot make: the tagging key on its own, and fingerprints.
    let pool = databases.pool(Kind::Vault);
    sqlx::raw_sql("delete from vault.tagging_key; update vault.data_key set fingerprint = null").execute(&pool).await.unwrap();
    let mut rotation = databases.vault().await.rotate_tenant(tenant).await.unwrap();
    while rotation.step().await.unwrap().is_some() {}
    let fresh = databases.vault().await;
    assert!(fresh.digest(tenant, who, b"body").await.unwrap() == digest);
    assert_eq!(fresh.tags(tenant, &tags).await.unwrap(), tags_before);
}
