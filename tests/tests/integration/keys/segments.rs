//! An event that tells about two persons: each one's part is sealed under their own key.

use domain::patients::{PatientAccessGranted, PatientsEvent};
use domain::{Event, PatientId, Phi, PhiOf, Subject, UserId};
use event_store::{Position, Recorded, Unreadable, fresh_id};
use serde_json::json;

use crate::examples::patient;
use crate::harness::TestLog;

fn granted(patient: PatientId, grantee: UserId) -> Event {
    let name = serde_json::from_value(json!({ "family": "Quillfeather" })).unwrap();
    PatientAccessGranted { patient, grantee, grantee_name: Some(PhiOf { of: Subject::User(grantee), value: Phi::Known(name) }), scope: Phi::default() }.into()
}

/// What another process reads, which has nothing in memory.
async fn read(log: &TestLog) -> Vec<Result<Recorded, Unreadable>> {
    log.databases.store(event_store::Clock::system()).await.page(Position(0), 10, None).await.unwrap().events
}

/// Whether the name and the time are known.
fn known(recorded: &Result<Recorded, Unreadable>) -> (bool, bool) {
    let recorded = recorded.as_ref().ok().expect("it opens");
    let Event::Patients(PatientsEvent::PatientAccessGranted(event)) = &recorded.event else { panic!("another event") };
    (event.grantee_name.as_ref().unwrap().value != Phi::Erased, recorded.occurred != Phi::Erased)
}

#[tokio::test]
async fn destroying_one_persons_key_leaves_the_others_readable() {
    for (destroyed, left) in [(0, (true, false)), (1, (false, true))] {
        let (log, who, grantee) = (TestLog::new().await, patient(), UserId(fresh_id()));
        log.store.append(log.append(vec![granted(who, grantee)]).await).await.unwrap();
        assert_eq!(known(&read(&log).await[0]), (true, true));
        let keys: Vec<String> = sqlx::query_scalar("select subject from vault.data_key order by subject").fetch_all(&log.vault_pool).await.unwrap();
        assert!(keys.contains(&format!("patient/{who}")) && keys.contains(&format!("user/{grantee}")));

        let subject = [Subject::Patient(who), Subject::User(grantee)][destroyed];
        log.vault.destroy(&log.databases.register(), log.tenant, subject).await.unwrap();
        assert_eq!(known(&read(&log).await[0]), left);
        // Nothing more that tells of them is sealed, be they the subject or not.
        assert!(log.store.append(log.append(vec![granted(who, grantee)]).await).await.is_err());
        log.vault.destroy(&log.databases.register(), log.tenant, [Subject::User(grantee), Subject::Patient(who)][destroyed]).await.unwrap();
        assert_eq!(known(&read(&log).await[0]), (false, false));
    }
}

/// The segments of what is stored; see `vault/src/segments.rs`.
fn segments(sealed: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut segments) = (&sealed[2..], vec![]);
    while !rest.is_empty() {
        let before = 1 + usize::from(rest[0]) + 16 + 32;
        let length = u32::from_be_bytes(rest[before..before + 4].try_into().unwrap());
        let (segment, others) = rest.split_at(before + 4 + usize::try_from(length).unwrap());
        segments.push(segment);
        rest = others;
    }
    segments
}

#[tokio::test]
async fn a_segment_is_neither_left_out_nor_put_in_anothers_place() {
    let (log, who, grantee) = (TestLog::new().await, patient(), UserId(fresh_id()));
    for to in [grantee, UserId(fresh_id())] {
        log.store.append(log.append(vec![granted(who, to)]).await).await.unwrap();
    }
    let stored = log.store.stored(Position(0), 2).await.unwrap();
    let [first, second] = [0, 1].map(|index| segments(&stored[index].sealed));
    assert_eq!((first.len(), second.len()), (2, 2));
    for (what, parts) in [
        ("without the other's", vec![first[0]]),
        ("without its own", vec![first[1]]),
        ("the other way round", vec![first[1], first[0]]),
        ("its own twice", vec![first[0], first[0]]),
        ("with another event's", vec![first[0], second[1]]),
    ] {
        let mut forged = stored[0].clone();
        forged.sealed = [&[1, u8::try_from(parts.len()).unwrap()], parts.concat().as_slice()].concat();
        let opened = log.store.open_stored(&[forged, stored[0].clone()]).await.unwrap();
        assert!(opened[0].is_err() && opened[1].is_ok(), "{what}");
    }
}
