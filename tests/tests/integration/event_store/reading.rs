//! Reading: by tags and types, page by page, and past what does not read.

use std::collections::BTreeSet;

use domain::patients::{PatientDeactivated, PatientRegistered};
use domain::scheduling::AppointmentBooked;
use domain::{Event, Named, Query, Tag, TenantId};
use event_store::{Position, fresh_id};

use super::{DAY, NINE, at};
use crate::examples::{booked, bookings_of, patient, practitioner, registered, registration_of};
use crate::harness::TestLog;

#[tokio::test]
async fn reading_finds_what_matches_any_item_once_and_in_order() {
    let log = TestLog::new().await;
    let (ada, bob, doctor) = (patient(), patient(), practitioner());
    let identified = registered(bob, "Byron", "17");
    log.register(ada).await; // 1
    log.store.append(log.append(vec![identified.clone(), booked(ada, doctor, NINE)]).await).await.unwrap(); // 2, 3
    log.store.append(log.append(vec![booked(bob, doctor, "2027-01-05T23:45:00")]).await).await.unwrap(); // 4, on two days
    let mut of_another = log.append(vec![registered(ada, "Lovelace", "17")]).await;
    of_another.tenant = TenantId(fresh_id());
    log.store.append(of_another).await.unwrap(); // 5
    let read = async |query: Query| at(&log.store.read(log.tenant, &query, Position(5)).await.unwrap());

    assert_eq!(read(registration_of(ada)).await, [1]);
    assert_eq!(read(registration_of(ada).or(registration_of(bob))).await, [1, 2]);
    assert_eq!(read(bookings_of(doctor, DAY)).await, [3, 4]);
    assert_eq!(read(bookings_of(doctor, "2027-01-06")).await, [4]);
    assert_eq!(read(bookings_of(doctor, DAY).or(bookings_of(doctor, "2027-01-06"))).await, [3, 4]);
    assert_eq!(read(Query::new().and(&[PatientRegistered::TYPE, AppointmentBooked::TYPE], Tag::TENANT)).await, [1, 2, 3, 4]);
    assert_eq!(read(Query::new().and(&[PatientRegistered::TYPE, AppointmentBooked::TYPE], Tag::patient(bob))).await, [2, 4]);
    assert_eq!(read(Query::new().and(&[PatientDeactivated::TYPE], Tag::patient(bob))).await, [] as [i64; 0]);
    assert_eq!(read(Query::new()).await, [] as [i64; 0]);
    let mut doctors_bob = bookings_of(doctor, DAY);
    doctors_bob.items[0].tags.extend([Tag::TENANT, Tag::patient(bob)]);
    assert_eq!(read(doctors_bob).await, [4]);
    let by_identifier = identified.tags().into_iter().find(|tag| tag.names_patient().is_none()).unwrap();
    assert_eq!(read(Query::new().and(&[PatientRegistered::TYPE], by_identifier)).await, [2]);
    let early = log.store.read(log.tenant, &bookings_of(doctor, DAY), Position(3)).await.unwrap();
    assert_eq!(at(&early), [3]);

    let booking = &early[0];
    assert!(booking.event.event_type() == AppointmentBooked::TYPE && booking.tenant == log.tenant && booking.actor == log.actor);
    assert!(matches!(&booking.event, Event::Scheduling(_)));
    assert!(booking.occurred.known().is_some_and(|occurred| *occurred <= booking.recorded));
}

#[tokio::test]
async fn a_page_says_how_far_it_looked_also_when_it_found_nothing() {
    let log = TestLog::new().await;
    for number in 0..10 {
        let event = if number == 7 { booked(patient(), practitioner(), NINE) } else { registered(patient(), "Lovelace", &number.to_string()) };
        log.store.append(log.append(vec![event]).await).await.unwrap();
    }
    let page = async |after, limit, types: Option<&[domain::EventType]>| {
        let page = log.store.page(Position(after), limit, types).await.unwrap();
        (page.events.into_iter().map(|event| event.ok().unwrap().position.0).collect::<Vec<_>>(), page.through.0)
    };
    assert_eq!(page(0, 4, None).await, (vec![1, 2, 3, 4], 4));
    assert_eq!(page(8, 4, None).await, (vec![9, 10], 10));
    assert_eq!(page(10, 4, None).await, (vec![], 10));
    let bookings = Some(&[AppointmentBooked::TYPE][..]);
    assert_eq!(page(0, 4, bookings).await, (vec![], 4));
    assert_eq!(page(4, 4, bookings).await, (vec![8], 8));
    assert_eq!(page(8, 4, bookings).await, (vec![], 10));
    assert_eq!(page(10, 4, bookings).await, (vec![], 10));
    assert_eq!(page(4, 100, Some(&[AppointmentBooked::TYPE, PatientRegistered::TYPE])).await, ((5..=10).collect(), 10));
}

#[tokio::test]
async fn an_event_that_does_not_decode_spoils_no_page_but_no_decision_is_made_without_it() {
    let log = TestLog::new().await;
    let who = patient();
    log.register(who).await;
    log.register(patient()).await;
    for (position, change) in [(3, "'patients.NeverHeardOf', version, subject"), (4, "type, 9, subject"), (5, "type, version, 'ghost/1'")] {
        let copy = format!(
            "insert into clinical.event select {position}, event_id, tenant, {change}, tags, labels, actor_user, actor_role, correlation, causation, command_id, recorded_at, payload, sealed
            from clinical.event where position = 1"
        );
        sqlx::query(sqlx::AssertSqlSafe(copy)).execute(&log.owner).await.unwrap();
    }
    log.register(patient()).await;
    let page = log.store.page(Position(0), 10, None).await.unwrap();
    let unreadable: BTreeSet<i64> = page.events.iter().filter_map(|event| event.as_ref().err().map(|unreadable| unreadable.position.0)).collect();
    assert_eq!((unreadable, page.through), (BTreeSet::from([3, 4, 5]), Position(6)));

    sqlx::query("insert into clinical.event_tag select hash, 4 from clinical.event_tag where position = 1").execute(&log.owner).await.unwrap();
    let read = log.store.read(log.tenant, &registration_of(who), Position(6)).await;
    assert!(matches!(read, Err(event_store::ReadError::Unreadable { position: Position(4), .. })));
}
