//! What the past costs: as much as the patient has events, however long the log is.

use std::time::Duration;

use domain::records::ConditionRecorded;
use domain::{Event, PatientId};
use event_store::{Clock, EventStore, Position, fresh_id};
use gate::{Authority, Caller, Gate, Moment, Reading, Role};
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};

use crate::harness::Kind;
use crate::projections::ReadSide;
use crate::projections::events::event;

/// Facts of the patient who is looked at.
const OWN: usize = 40;
/// Facts of somebody else.
const OTHERS: usize = 160;

/// What was read of the log's tables.
#[derive(Clone, Copy, Debug)]
struct Read {
    rows: i64,
    pages: i64,
}

struct Log {
    side: ReadSide,
    patient: PatientId,
}

fn facts(patient: PatientId, number: usize) -> Vec<Event> {
    let fact = || json!({ "patient": patient, "fact": fresh_id(), "content": { "code": { "text": "Cough" } }, "security": [], "screening": null });
    (0..number).map(|_| event::<ConditionRecorded>(fact())).collect()
}

impl Log {
    async fn new() -> Self {
        let side = ReadSide::of(&projections::all()).await;
        Self { side, patient: PatientId(fresh_id()) }
    }

    /// Connections that are told apart by their name; what they read is counted when they are closed.
    fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(4).connect_lazy_with(self.side.log.databases.options(Kind::Log).application_name("counted"))
    }

    async fn store(&self, pool: &PgPool) -> EventStore {
        EventStore::open(event_store::Log::Clinical, pool.clone(), self.side.log.databases.vault().await, Clock::system()).await.unwrap()
    }

    async fn append(&self, events: Vec<Event>) {
        let pool = self.pool();
        self.store(&pool).await.append(self.side.log.append(events).await).await.unwrap();
        self.close(pool).await;
    }

    /// As autovacuum leaves it.
    async fn settle(&self) {
        let options = self.side.log.databases.options(Kind::Log).application_name("counted");
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        sqlx::query("vacuum analyze").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        self.gone().await;
    }

    async fn close(&self, pool: PgPool) {
        pool.close().await;
        self.gone().await;
    }

    /// Waits for the ends of the sessions, which report before they are gone.
    async fn gone(&self) {
        for _ in 0..500 {
            let statement = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'counted'";
            let left: i64 = sqlx::query_scalar(statement).fetch_one(&self.side.log.owner).await.unwrap();
            if left == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the sessions do not end");
    }

    async fn read_so_far(&self) -> Read {
        let statement = "select (select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_user_tables), \
            (select sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0))::bigint from pg_statio_user_tables)";
        let (rows, pages) = sqlx::query_as(statement).fetch_one(&self.side.log.owner).await.unwrap();
        Read { rows, pages }
    }

    /// What it takes to look at the patient's past.
    async fn cost(&self, moment: Moment) -> Read {
        let (authority, _) = Authority::development(&self.side.log.databases.keys).unwrap();
        let pool = self.pool();
        let read = self.side.log.databases.pool(Kind::Read);
        let store = self.store(&pool).await;
        let access =
            EventStore::open(event_store::Log::Access, self.side.log.databases.pool(Kind::Access), store.vault().clone(), Clock::system()).await.unwrap();
        let gate = Gate::new(store, access, read, authority, Duration::from_secs(1));
        let caller = Caller::operator(self.side.log.tenant, "test", [Role::Clinician]);
        let reading = Reading::of("test", fresh_id());
        let before = self.read_so_far().await;
        let patient = self.patient;
        let past = gate.read(&caller, reading, |snapshot| async move { snapshot.past(patient, moment).await }).await.unwrap().value.unwrap();
        assert_eq!(past.events.len(), OWN);
        drop(gate);
        self.close(pool).await;
        let after = self.read_so_far().await;
        Read { rows: after.rows - before.rows, pages: after.pages - before.pages }
    }
}

#[tokio::test]
async fn the_past_costs_what_the_patient_has_however_long_the_log_is() {
    let log = Log::new().await;
    log.append(facts(log.patient, OWN)).await;
    log.append(facts(PatientId(fresh_id()), OTHERS)).await;
    let then = Clock::system().now();
    let through = log.side.log.store.head().await.unwrap();
    log.settle().await;
    let moments = [Moment::Position(through), Moment::Time(then), Moment::Position(Position(i64::MAX))];
    let mut short = Vec::new();
    for moment in moments {
        short.push(log.cost(moment).await);
    }
    let factor = 50;
    for _ in 0..factor {
        log.append(facts(PatientId(fresh_id()), OWN + OTHERS)).await;
    }
    log.settle().await;
    let length = i64::try_from((factor + 1) * (OWN + OTHERS)).unwrap();
    assert_eq!(log.side.log.store.head().await.unwrap(), Position(length));
    for (moment, short) in moments.into_iter().zip(short) {
        let long = log.cost(moment).await;
        eprintln!("{moment:?}: {short:?} of {}, {long:?} of {length}", OWN + OTHERS);
        let own = i64::try_from(OWN).unwrap();
        assert!(short.rows >= own && long.rows >= own, "what is read is counted: {short:?}, {long:?}");
        // An index of a longer log is a level or two deeper, and a short table may be read whole.
        assert!(long.rows <= short.rows + own && long.rows < 5 * own, "{moment:?}: {short:?}, {long:?}");
        assert!(long.pages < 2 * short.pages + 20, "{moment:?}: {short:?}, {long:?}");
    }
}
