//! Sealing: nothing protected in clear at rest, nothing opens out of its place, and a destroyed key erases.

use std::os::unix::fs::PermissionsExt;

use domain::patients::PatientsEvent;
use domain::{Event, Phi, Subject, Tag, TenantId};
use event_store::{AppendError, Position, Recorded, Unreadable, fresh_id};
use futures::future::join_all;
use vault::{Locator, RootKey, SealedEvent, Vault, VaultError};

use crate::examples::{booked, patient, practitioner, registered};
use crate::harness::{Databases, Kind, TestLog};

async fn page(log: &TestLog) -> Vec<Result<Recorded, Unreadable>> {
    log.store.page(Position(0), 100, None).await.unwrap().events
}

fn family_name(event: &Event) -> Option<String> {
    let Event::Patients(PatientsEvent::PatientRegistered(registered)) = event else { return None };
    Some(registered.demographics.known()?.name[0].family.as_ref()?.as_str().to_owned())
}

#[tokio::test]
async fn nothing_protected_is_in_clear_in_any_table() {
    let log = TestLog::new().await;
    let who = patient();
    log.store.append(log.append(vec![registered(who, "Needleworth", "MRN-77331")]).await).await.unwrap();
    log.store.append(log.append_as(fresh_id(), b"Needleworth in a body", vec![booked(who, practitioner(), "2027-03-19T09:00:00")]).await).await.unwrap();

    let mut dump = String::new();
    for (kind, tables) in [(Kind::Log, &["clinical.event", "clinical.event_tag", "clinical.command"][..]), (Kind::Vault, &["vault.data_key", "vault.claim"])] {
        for table in tables {
            let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select t::text || encode(t::text::bytea, 'escape') from {table} t")))
                .fetch_all(&log.databases.pool(kind))
                .await
                .unwrap();
            assert!(!rows.is_empty());
            dump += &rows.join("\n");
        }
    }
    // Bytes appear in hexadecimal in the dump, so each needle is looked for that way, too.
    for needle in ["Needleworth", "MRN-77331", "urn:clinic:mrn", "2027-03-19", "14:00:00", "cough", "Chicago"] {
        let hexadecimal: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!dump.contains(needle) && !dump.contains(&hexadecimal), "{needle} is in clear");
    }
    let read = page(&log).await;
    assert_eq!(family_name(&read[0].as_ref().ok().unwrap().event).unwrap(), "Needleworth");
}

/// Copies the first event to position 3 with something of it changed.
async fn forge(log: &TestLog, columns: &str) {
    let copy = format!(
        "insert into clinical.event select 3, {columns}, tags, labels, actor_user, actor_role, correlation, causation, command_id, recorded_at, payload,
        sealed from clinical.event where position = 1"
    );
    sqlx::query(sqlx::AssertSqlSafe(copy)).execute(&log.owner).await.unwrap();
}

#[tokio::test]
async fn what_is_sealed_opens_in_its_place_alone() {
    let (second_id, second_subject) = ("(select event_id from clinical.event where position = 2)", "(select subject from clinical.event where position = 2)");
    for (what, columns) in [
        ("another event's id", format!("{second_id}, tenant, type, version, subject")),
        ("another tenant's", format!("event_id, '{}', type, version, subject", fresh_id())),
        ("another type's", "event_id, tenant, 'patients.ContactDetailsChanged', version, subject".to_owned()),
        ("another version's", "event_id, tenant, type, 0, subject".to_owned()),
        ("another subject's", format!("event_id, tenant, type, version, {second_subject}")),
    ] {
        let log = TestLog::new().await;
        log.register(patient()).await;
        log.register(patient()).await;
        forge(&log, &columns).await;
        let read = page(&log).await;
        assert!(read[0].is_ok() && read[1].is_ok());
        assert!(matches!(&read[2], Err(Unreadable { error: VaultError::NotAuthentic, .. })), "{what} opened");
    }
}

#[tokio::test]
async fn no_byte_of_what_is_sealed_can_be_changed() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let (vault, tenant, event_id, who, other) = (databases.vault().await, TenantId(fresh_id()), fresh_id(), patient(), patient());
    let event = registered(who, "Lovelace", "1");
    let SealedEvent { payload, sealed } = vault.seal(tenant, event_id, &event, "2027-01-05T12:00:00Z".parse().unwrap()).await.unwrap();
    let event_type = event.event_type().to_string();
    let locator =
        |subject, sealed| Locator { tenant, event_id, event_type: &event_type, version: 1, subject: Subject::Patient(subject), payload: &payload, sealed };

    let changed: Vec<Vec<u8>> = (0..sealed.len())
        .map(|place| {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            changed
        })
        .collect();
    let opened = vault.unseal(&changed.iter().map(|sealed| locator(who, sealed)).collect::<Vec<_>>()).await.unwrap();
    let unnoticed: Vec<usize> = (0..opened.len()).filter(|place| !matches!(opened[*place], Err(VaultError::NotAuthentic))).collect();
    assert_eq!(unnoticed, [] as [usize; 0]);

    // Nor can it be passed off as another subject's, in the row and in the segment.
    let (own, others) = (Subject::Patient(who).to_string(), Subject::Patient(other).to_string());
    let start = sealed.windows(own.len()).position(|bytes| bytes == own.as_bytes()).unwrap();
    let passed_off = [&sealed[..start], others.as_bytes(), &sealed[start + own.len()..]].concat();
    let opened = vault.unseal(&[locator(other, &passed_off), locator(who, &sealed)]).await.unwrap();
    assert!(matches!(opened[0], Err(VaultError::NotAuthentic)));
    assert!(opened[1].as_ref().is_ok_and(|(opened, _)| *opened == event));
}

#[tokio::test]
async fn a_wrapped_key_in_anothers_place_does_not_unwrap() {
    let log = TestLog::new().await;
    for _ in 0..2 {
        log.register(patient()).await;
    }
    let swap = "update vault.data_key d set wrapped = (select wrapped from vault.data_key o where o.id <> d.id and o.subject like 'patient/%') where subject like 'patient/%'";
    sqlx::query(swap).execute(&log.vault_pool).await.unwrap();
    let vault = log.databases.vault().await;
    let stored = log.store.stored(Position(0), 10).await.unwrap();
    let store = event_store::EventStore::open(event_store::Log::Clinical, log.owner.clone(), vault, event_store::Clock::system()).await.unwrap();
    let read = store.open_stored(&stored).await.unwrap();
    assert_eq!(read.len(), 2);
    assert!(read.iter().all(|event| matches!(event, Err(Unreadable { error: VaultError::NotAuthentic, .. }))));
}

#[tokio::test]
async fn a_destroyed_key_erases_one_subject_and_nobody_else() {
    let log = TestLog::new().await;
    let (ada, bob) = (patient(), patient());
    log.register(ada).await;
    log.register(bob).await;
    let body = log.vault.digest(log.tenant, Subject::Patient(ada), b"body").await;
    assert!(body.is_ok());
    let destroy = "update vault.data_key set wrapped = null, destroyed_at = now() where subject = $1";
    sqlx::query(destroy).bind(Subject::Patient(ada).to_string()).execute(&log.vault_pool).await.unwrap();

    // Another process, which has no key in memory.
    let store = log.databases.store(event_store::Clock::system()).await;
    let read = store.page(Position(0), 10, None).await.unwrap().events;
    let [erased, kept] = [0, 1].map(|index| read[index].as_ref().ok().unwrap());
    assert!(erased.occurred == Phi::Erased && kept.occurred.known().is_some());
    let Event::Patients(PatientsEvent::PatientRegistered(registered)) = &erased.event else { panic!("another event") };
    assert!(registered.patient == ada && registered.demographics == Phi::Erased && registered.identifiers == Phi::Erased);
    assert_eq!(family_name(&kept.event).unwrap(), "Lovelace");

    // Nothing more is sealed for that subject.
    let more = log.append(vec![crate::examples::registered(ada, "Again", "1")]).await;
    assert!(matches!(store.append(more).await, Err(AppendError::Vault(VaultError::Erased))));
    assert!(matches!(store.vault().digest(log.tenant, Subject::Patient(ada), b"body").await, Err(VaultError::Erased)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_once_however_many_want_it_first() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let vaults = join_all((0..8).map(|_| databases.vault())).await;
    let (tenant, who) = (TenantId(fresh_id()), Subject::Patient(patient()));
    let digests = join_all((0..64).map(|number| {
        let vault = vaults[number % 8].clone();
        tokio::spawn(async move { vault.digest(tenant, who, b"body").await.unwrap() })
    }))
    .await;
    let first = digests[0].as_ref().unwrap();
    assert!(digests.iter().all(|digest| digest.as_ref().unwrap() == first));
    let keys: (i64, i64) = sqlx::query_as("select (select count(*) from vault.tenant_key), (select count(*) from vault.data_key)")
        .fetch_one(&databases.pool(Kind::Vault))
        .await
        .unwrap();
    assert_eq!(keys, (1, 1));
    assert!(vaults[0].digest(tenant, who, b"other").await.unwrap() != *first);
    assert!(vaults[0].digest(TenantId(fresh_id()), who, b"body").await.unwrap() != *first);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_has_one_surrogate_in_its_tenant_whoever_claims_it() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let vaults = join_all((0..8).map(|_| databases.vault())).await;
    let tenant = TenantId(fresh_id());
    let tags: Vec<Tag> = (0..20).flat_map(|number| registered(patient(), "Lovelace", &number.to_string()).tags()).collect();
    let identifiers: Vec<Tag> = tags.into_iter().filter(|tag| tag.names_patient().is_none()).collect();
    let claims = join_all((0..32).map(|number| {
        let (vault, mut tags) = (vaults[number % 8].clone(), identifiers.clone());
        // In any order, so that claims meet from both sides.
        tags.rotate_left(number % 20);
        tokio::spawn(async move {
            let mut stored = vault.tags(tenant, &tags).await.unwrap();
            stored.rotate_right(number % 20);
            stored
        })
    }))
    .await;
    let first = claims[0].as_ref().unwrap();
    assert!(claims.iter().all(|claim| claim.as_ref().unwrap() == first));
    assert!(first.iter().collect::<std::collections::BTreeSet<_>>().len() == 20 && first[0].starts_with("identifier:"));
    let elsewhere = vaults[0].tags(TenantId(fresh_id()), &identifiers).await.unwrap();
    assert!(elsewhere.iter().all(|tag| !first.contains(tag)), "a surrogate tells nothing between tenants");
}

#[tokio::test]
async fn a_day_is_stored_as_a_keyed_hash_and_ids_as_they_are() {
    let databases = Databases::of(&[Kind::Vault]).await;
    let (vault, tenant, who) = (databases.vault().await, TenantId(fresh_id()), patient());
    let day = |day: &str| Tag::patient(who).on(day.parse().unwrap());
    let tags = [Tag::TENANT, Tag::patient(who), day("2027-01-05"), day("2027-01-06")];
    let stored = vault.tags(tenant, &tags).await.unwrap();
    assert_eq!(stored[..2], [format!("tenant:{tenant}"), format!("patient:{who}")]);
    for tag in &stored[2..] {
        let hash = tag.strip_prefix("patient-day:").unwrap();
        assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    assert_ne!(stored[2], stored[3]);
    assert_eq!(databases.vault().await.tags(tenant, &tags).await.unwrap(), stored);
    assert_ne!(vault.tags(TenantId(fresh_id()), &tags).await.unwrap()[2], stored[2]);
}

#[tokio::test]
async fn a_wrong_root_key_is_refused_and_the_right_one_is_made_once_for_its_owner_alone() {
    let databases = Databases::of(&[Kind::Vault]).await;
    databases.vault().await;
    let other = RootKey::open_or_create(databases.keys.join("other.key")).unwrap();
    assert!(matches!(Vault::open(databases.pool(Kind::Vault), other).await, Err(VaultError::RootKey(_))));
    databases.vault().await;

    let path = databases.keys.join("root.key");
    let (mode, key) = (std::fs::metadata(&path).unwrap().permissions().mode(), std::fs::read(&path).unwrap());
    assert_eq!((mode & 0o777, key.len()), (0o600, 32));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(RootKey::open(&path), Err(VaultError::RootKey(_))), "others can read it");
    assert!(matches!(RootKey::open(databases.keys.join("none.key")), Err(VaultError::RootKey(_))));
    let short = databases.keys.join("other.key");
    std::fs::write(&short, b"short").unwrap();
    assert!(matches!(RootKey::open_or_create(&short), Err(VaultError::RootKey(_))));
}

#[test]
fn processes_that_come_first_at_once_make_one_key_file() {
    let folder = std::env::temp_dir().join(format!("carelog-keys-{}", fresh_id()));
    let path = folder.join("root.key");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| RootKey::open_or_create(&path).unwrap());
        }
    });
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    std::fs::remove_dir_all(folder).unwrap();
}
