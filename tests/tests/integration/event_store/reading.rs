//! Reading: by tags and types, page by page, and past what does not read.

use std::collections::BTreeSet;

use domain::access::{Authority, DecisionFact, Permit, Permitted, PurposeOfUse};
use domain::patients::{PatientDeactivated, PatientRegistered};
use domain::scheduling::AppointmentBooked;
use domain::{Event, Named, PatientId, Query, Subject, Tag, TenantId};
use event_store::{Append, Clock, CommandKey, Position, fresh_id};

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

#[tokio::test]
async fn what_a_request_carried_out_is_found_by_it_with_its_authority() {
    let log = TestLog::new().await;
    let (request, command) = (fresh_id(), fresh_id());
    let permit = Permit { action: "book-appointments".to_owned(), policies: vec!["front-desk".to_owned()], facts: vec![DecisionFact::Operator] };
    let permitted = Permitted { policy: "0123456789abcdef".to_owned(), purpose: PurposeOfUse::Operations, permits: vec![permit] };
    let append =
        async |id, events| Append { correlation: request, authority: Authority::Policies(permitted.clone()), ..log.append_as(id, b"body", events).await };
    log.register(patient()).await; // 1: of another request
    log.store.append(append(command, vec![booked(patient(), practitioner(), NINE), booked(patient(), practitioner(), NINE)]).await).await.unwrap(); // 2, 3
    log.store.append(append(fresh_id(), vec![]).await).await.unwrap(); // changes nothing
    let of_another = Append { tenant: TenantId(fresh_id()), ..append(command, vec![registered(patient(), "Lovelace", "17")]).await };
    log.store.append(of_another).await.unwrap(); // 4
    log.store.append(append(fresh_id(), vec![registered(patient(), "Lovelace", "17")]).await).await.unwrap(); // 5
    let found = async |before, limit| log.store.carried_out(log.tenant, request, Position(before), limit).await.unwrap();

    let all = found(i64::MAX, 10).await;
    assert_eq!(all.iter().map(|command| (command.position.0, command.event_ids.len())).collect::<Vec<_>>(), [(5, 1), (2, 2)]);
    assert_eq!((found(i64::MAX, 1).await, found(5, 10).await), (all[..1].to_vec(), all[1..].to_vec()));
    let stored = log.store.stored(Position(1), 2).await.unwrap();
    assert_eq!(all[1].event_ids, stored.iter().map(|event| event.event_id).collect::<Vec<_>>());
    assert_eq!((&all[1].command, &all[1].subject, &all[1].actor), (&"test.command".to_owned(), &stored[0].subject, &log.actor));
    assert_eq!(all[1].authority, Some(Authority::Policies(permitted.clone())));
    let mut planning = log.owner.begin().await.unwrap();
    sqlx::query("set local enable_seqscan = off").execute(&mut *planning).await.unwrap();
    let plan = "explain select from clinical.event where correlation = $1 and type not like 'access.%' and position < 9 order by position desc limit 1";
    let plan: Vec<String> = sqlx::query_scalar(plan).bind(request).fetch_all(&mut *planning).await.unwrap();
    assert!(plan.concat().contains("using event_correlation"), "{plan:?}");
    assert_eq!(log.store.carried_out(log.tenant, fresh_id(), Position(i64::MAX), 10).await.unwrap(), []);

    // The earliest events have none, and what a later build wrote is not understood; both are found.
    for (position, authority) in [(6, "null"), (7, r#"'{"oracle":{}}'"#)] {
        let copy = format!(
            "insert into clinical.event select {position}, event_id, tenant, type, version, subject, tags, labels, actor_user, actor_role, correlation, causation, \
             gen_random_uuid(), recorded_at, payload, sealed, {authority} from clinical.event where position = 5; insert into clinical.command select tenant, actor_user, \
             command_id, 'test.command', '', {position}, {position}, array[event_id], 'null', recorded_at from clinical.event where position = {position}"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&log.owner).await.unwrap();
        let [unknown, ..] = &found(i64::MAX, 1).await[..] else { panic!("it is found") };
        assert_eq!((unknown.position, &unknown.authority), (Position(position), &None));
    }
}

#[tokio::test]
async fn events_of_a_type_are_found_in_every_tenant_without_a_key() {
    let log = TestLog::new().await;
    let mut bookings = Vec::new();
    for tenant in [log.tenant, TenantId(fresh_id()), log.tenant] {
        for event in [registered(patient(), "Lovelace", "1"), booked(patient(), practitioner(), NINE)] {
            let append = log.append(vec![event]).await;
            let digest = log.vault.digest(tenant, Subject::Patient(PatientId(fresh_id())), b"{}").await.unwrap();
            let command = CommandKey { digest, ..append.command };
            bookings.push((tenant, log.store.append(Append { tenant, command, ..append }).await.unwrap().position));
        }
    }
    let bookings: Vec<_> = bookings.into_iter().skip(1).step_by(2).collect();
    // Whatever became of the keys.
    sqlx::query("update vault.tenant_key set wrapped = 'nothing'").execute(&log.vault_pool).await.unwrap();
    let store = log.databases.store(Clock::system()).await;
    let found = async |after: Position, limit| {
        let stretch = store.stored_of_types(&[AppointmentBooked::TYPE], after, limit).await.unwrap();
        assert!(stretch.events.iter().all(|stored| matches!(stored.without_protected(), Ok(Event::Scheduling(_)))));
        (stretch.events.iter().map(|stored| (stored.tenant, stored.position)).collect::<Vec<_>>(), stretch.through)
    };
    let head = store.head().await.unwrap();
    assert_eq!(found(Position(0), 10).await, (bookings.clone(), head));
    assert_eq!(found(Position(0), 2).await, (bookings[..2].to_vec(), bookings[1].1));
    assert_eq!(found(bookings[1].1, 2).await, (bookings[2..].to_vec(), head));
    assert_eq!(found(head, 2).await, (vec![], head));
}
