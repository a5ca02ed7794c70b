//! What a source may give, apart from events that go well: the same twice, what was not asked for, erased values, and what does not read.

use std::sync::Arc;

use domain::{Event, EventType, Phi, Subject};
use event_store::{PARTITIONS, Position, Recorded, Unreadable, fresh_id, partition_of};
use projections::{Batch, Cursors, OpenSource, Source, SourceError, Subscription};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::events::{Clinic, registered};
use super::tally::Tally;
use super::{ReadSide, find_tables};

/// Gives these batches to each projection, whatever its cursors, and then nothing more.
struct Given(Vec<Batch>);

#[async_trait::async_trait]
impl Source for Given {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        if self.0.is_empty() { std::future::pending().await } else { Ok(self.0.remove(0)) }
    }
}

fn given(batches: impl Fn(Subscription) -> Vec<Batch> + Send + Sync + 'static) -> OpenSource {
    Arc::new(move |subscription| {
        let source: Box<dyn Source> = Box::new(Given(batches(subscription)));
        Box::pin(async move { Ok(source) })
    })
}

/// In every partition up to there.
fn through(position: i64) -> Cursors {
    (0..PARTITIONS).map(|partition| (partition, Position(position))).collect()
}

/// An event of the test's tenant as if it was in the log.
fn recorded(side: &ReadSide, position: i64, event: Event) -> Recorded {
    let now = side.log.store.clock().now();
    Recorded {
        position: Position(position),
        event_id: fresh_id(),
        tenant: side.log.tenant,
        actor: side.log.actor.clone(),
        correlation: fresh_id(),
        causation: None,
        command: fresh_id(),
        labels: vec![],
        occurred: Phi::Known(now),
        recorded: now,
        event,
    }
}

/// The event as it reads once its subject's key is destroyed.
fn erased(event: &Event) -> Event {
    let event_type = event.event_type();
    let (clear, _) = event.split().unwrap();
    Event::decode(&event_type.to_string(), event_type.version, clear, Phi::Erased).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_and_what_was_not_asked_for_is_dropped() {
    let side = ReadSide::of(&Tally::alone()).await;
    let events: Vec<Recorded> = (1..=4).map(|position| recorded(&side, position, registered(fresh_id(), "Ada", "Lovelace", "1815", "1"))).collect();
    let partition = partition_of(side.log.tenant);
    let open = given(move |_| {
        let batch = |from: usize, to: usize, through: Cursors| Batch { events: events[from..to].iter().cloned().map(Ok).collect(), through };
        // The whole again, a partition that does not move, and one that moves alone.
        vec![
            batch(0, 2, vec![(partition, Position(2))]),
            batch(0, 3, vec![(partition, Position(3))]),
            batch(0, 1, vec![(partition, Position(1))]),
            batch(2, 4, through(4)),
        ]
    });
    let running = side.start(&Tally::alone(), open);
    side.reached(Position(4)).await;
    running.kill().await;
    assert_eq!(side.value::<i64>("select sum(events)::bigint from tally").await, 4);
}

/// Whoever waits for a position, or follows a calendar, is told of the partitions that moved once the rows can be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_moved_cursor_is_announced() {
    let side = ReadSide::of(&Tally::alone()).await;
    let mut listener = sqlx::postgres::PgListener::connect_with(&side.read).await.unwrap();
    listener.listen("carelog_read").await.unwrap();
    let running = side.start(&Tally::alone(), given(|_| vec![Batch { events: vec![], through: vec![(3, Position(7))] }]));
    let heard = tokio::time::timeout(super::PATIENCE, listener.recv()).await.expect("it is announced").unwrap();
    assert_eq!(heard.payload(), "tally:3");
    let cursor = side.value::<i64>("select position from projection.cursor where partition = 3").await;
    assert_eq!(cursor, 7);
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_values_leave_gaps_and_history_says_so() {
    let all = projections::all();
    let side = ReadSide::of(&all).await;
    let (clinic, patient) = (Clinic::new(), fresh_id());
    let events =
        clinic.opened().into_iter().chain([registered(patient, "Ada", "Lovelace", "1815", "1"), clinic.booked(fresh_id(), patient, "2027-01-05T09:00:00")]);
    let events: Vec<Recorded> =
        events.zip(1..).map(|(event, position)| Recorded { occurred: Phi::Erased, ..recorded(&side, position, erased(&event)) }).collect();
    let last = i64::try_from(events.len()).unwrap();
    let running = side.start(&all, given(move |_| vec![Batch { events: events.iter().cloned().map(Ok).collect(), through: through(last) }]));
    side.reached(Position(last)).await;
    running.kill().await;
    assert_eq!(side.value::<i64>("select count(*) from projection.parked").await, 0);
    assert!(side.value::<bool>("select erased and display_name is null and name = '[]' and identifiers = '[]' and birth_date is null from patient").await);
    assert!(side.value::<bool>("select erased and start_at is null and local_start is null and reason is null from appointment").await);
    assert!(side.value::<bool>("select erased and display_name is null from practitioner").await);
    assert_eq!(side.value::<i64>("select count(*) from patient_name").await, 0);
    let summaries: Vec<String> =
        sqlx::query_scalar("select summary from history_entry where occurred is null order by position").fetch_all(&mut *side.tables().await).await.unwrap();
    assert_eq!(summaries, ["Registered: erased".to_owned(), format!("Booked with {} on erased", clinic.practitioner)]);
    let shown: Vec<Value> = sqlx::query_scalar("select details from history_entry").fetch_all(&mut *side.tables().await).await.unwrap();
    assert!(!json!(shown).to_string().contains("Lovelace"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_does_not_read_parks_its_subject_where_its_type_is_folded() {
    let all = projections::all();
    let side = ReadSide::of(&all).await;
    let (clinic, sick, well) = (Clinic::new(), fresh_id(), fresh_id());
    side.append(clinic.opened()).await;
    side.append([registered(sick, "Ada", "Lovelace", "1815", "1"), registered(well, "Bob", "Byrd", "1950", "2")]).await;
    side.append([clinic.booked(fresh_id(), sick, "2027-01-05T09:00:00")]).await;
    // Not what was sealed: its version is another.
    sqlx::query(
        "insert into clinical.event select (select max(position) + 1 from clinical.event), gen_random_uuid(), tenant, type, version + 1, subject, tags, \
         labels, actor_user, actor_role, correlation, causation, command_id, recorded_at, payload, sealed from clinical.event order by position desc limit 1",
    )
    .execute(&side.log.owner)
    .await
    .unwrap();
    let last = side.append([clinic.booked(fresh_id(), sick, "2027-01-06T09:00:00"), clinic.booked(fresh_id(), well, "2027-01-06T09:00:00")]).await;
    let running = side.start(&all, projections::log_source(side.log.store.clone()));
    side.reached(last).await;
    running.kill().await;
    let parked: Vec<(String, String, String)> =
        sqlx::query_as("select name, subject, reason from projection.parked join projection.version using (schema_name) order by name")
            .fetch_all(&side.read)
            .await
            .unwrap();
    let reason = "a sealed value does not open".to_owned();
    let subject = format!("patient/{sick}");
    assert_eq!(parked, [("history".to_owned(), subject.clone(), reason.clone()), ("scheduling".to_owned(), subject, reason)]);
    assert_eq!(side.value::<i64>("select count(*) from appointment").await, 2);
    assert_eq!(side.value::<i64>("select count(*) from patient").await, 2);
    side.agrees(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_event_of_another_context_parks_nothing() {
    let all = projections::all();
    let side = ReadSide::of(&all).await;
    let tenant = side.log.tenant;
    let batches = move |_| {
        let unreadable = |event_type: &str| {
            let subject = Subject::Patient(domain::PatientId(fresh_id())).to_string();
            let error = domain::DecodeError::UnknownType(event_type.to_owned()).into();
            Err(Unreadable { position: Position(1), tenant, subject, event_type: event_type.to_owned(), error })
        };
        vec![Batch { events: vec![unreadable("billing.InvoiceSent")], through: through(1) }]
    };
    let running = side.start(&all, given(batches));
    side.reached(Position(1)).await;
    running.kill().await;
    assert_eq!(side.value::<i64>("select count(*) from projection.parked").await, 0);
}

/// Every event that concerns a patient is in their history, and every type is folded by the read model of its context.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_type_is_folded() {
    let folded: Vec<EventType> = projections::all().iter().flat_map(|projection| projection.types()).collect();
    assert!(Event::types().iter().all(|event_type| folded.contains(event_type)));
    let side = ReadSide::of(&projections::all()).await;
    let examples: Vec<Event> = event_schemas::examples::examples().into_iter().map(|example| example.event).collect();
    let concerned: Vec<String> =
        examples.iter().filter(|event| matches!(event.subject(), Subject::Patient(_))).map(|event| event.event_type().to_string()).collect();
    let recorded: Vec<Recorded> = examples.into_iter().zip(1..).map(|(event, position)| recorded(&side, position, event)).collect();
    let history = projections::all().into_iter().find(|projection| projection.name() == "history").unwrap();
    let mut transaction = side.read.begin().await.unwrap();
    let connection: &mut PgConnection = &mut transaction;
    find_tables(connection).await;
    history.apply(connection, &recorded).await.unwrap();
    let told: Vec<String> = sqlx::query_scalar("select distinct event_type from history_entry").fetch_all(connection).await.unwrap();
    let untold: Vec<&String> = concerned.iter().filter(|event_type| !told.contains(event_type)).collect();
    assert!(untold.is_empty(), "not in any history: {untold:?}");
}
