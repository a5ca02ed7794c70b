//! Versions: built beside the one that is read, and changed over to without a gap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::{EventType, PatientId};
use event_store::{Log, Position, Recorded, fresh_id};
use projections::{ApplyError, PrepareError, Projection};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::events::registered;
use super::tally::Tally;
use super::{PATIENCE, Projections, ReadSide};

fn later() -> Projections {
    vec![Arc::new(Tally { later_version: true, ..Tally::default() })]
}

/// The schema that is read.
async fn active(read: &PgPool) -> String {
    sqlx::query_scalar("select schema_name from projection.version where active").fetch_one(read).await.unwrap()
}

/// Reads as the gate does, over and over, until told to stop: rows and position never go back. Says how many snapshots it saw, and of how many schemas.
async fn watch(read: PgPool, stop: Arc<AtomicBool>) -> (usize, usize) {
    let (mut snapshots, mut schemas) = (0, std::collections::BTreeSet::new());
    let (mut rows_before, mut position_before) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        let mut snapshot = read.begin_with("begin isolation level repeatable read read only").await.unwrap();
        let (schema, position): (String, i64) = sqlx::query_as(
            "select schema_name, min(position) from projection.version join projection.cursor using (schema_name) where active group by schema_name",
        )
        .fetch_one(&mut *snapshot)
        .await
        .unwrap();
        // Time enough for the schema to be replaced before its first row is read.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let statement = format!("select coalesce(sum(events), 0)::bigint from {schema}.tally");
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut *snapshot).await.unwrap();
        assert!(rows >= rows_before && position >= position_before, "{rows} rows after {rows_before}, position {position} after {position_before}");
        assert_eq!(rows, position, "the rows are those of the position");
        (rows_before, position_before) = (rows, position);
        schemas.insert(schema);
        snapshots += 1;
    }
    (snapshots, schemas.len())
}

async fn append_until(side: &ReadSide, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        side.append([registered(fresh_id(), "Ada", "Lovelace", "1815", &fresh_id().to_string())]).await;
    }
}

/// Waits until another schema is read, a while longer, and then says so.
async fn changed(side: &ReadSide, from: &str, stop: &AtomicBool) {
    let change = async {
        while active(&side.read).await == from {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, change).await.expect("readers change over");
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::SeqCst);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_change_over_to_a_newer_version_without_a_gap() {
    let earlier = Tally::alone();
    let side = ReadSide::of(&earlier).await;
    let open = projections::log_source(side.log.store.clone());
    let old = side.start(&earlier, Arc::clone(&open));
    let last = side.append((0..200).map(|_| registered(fresh_id(), "Ada", "Lovelace", "1815", &fresh_id().to_string()))).await;
    side.reached(last).await;
    // The newer Carelog starts while the older one still runs.
    let later = later();
    projections::prepare(&side.read, &later).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3).map(|_| tokio::spawn(watch(side.log.databases.pool(crate::harness::Kind::Read), Arc::clone(&stop)))).collect();
    let new = side.start(&later, open);
    tokio::join!(append_until(&side, &stop), changed(&side, "tally_v1", &stop));
    for reader in readers {
        let (snapshots, schemas) = reader.await.unwrap();
        assert!(snapshots > 10 && schemas == 2, "{snapshots} snapshots of {schemas} schemas");
    }
    side.reached(side.log.store.head().await.unwrap()).await;
    old.kill().await;
    assert_eq!(active(&side.read).await, "tally_v2");
    side.agrees(&later).await;
    // The older one does not come back by itself.
    let refused = projections::prepare(&side.read, &earlier).await.unwrap_err();
    assert!(matches!(refused, PrepareError::Newer { active: 2, own: 1, .. }));
    // The replaced tables stay for a while, and then go.
    let there = "select count(*) from pg_namespace where nspname = 'tally_v1'";
    assert_eq!(side.value::<i64>(there).await, 1);
    sqlx::query("update projection.version set retired_at = retired_at - interval '1 hour' where not active").execute(&side.read).await.unwrap();
    let swept = async {
        while side.value::<i64>(there).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, swept).await.expect("the replaced tables are dropped");
    new.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_of_the_same_version_leaves_no_gap_and_goes_on_from_a_kill() {
    let tally = Tally::alone();
    let side = ReadSide::of(&tally).await;
    let running = side.start(&tally, projections::log_source(side.log.store.clone()));
    let last = side.append((0..300).map(|_| registered(fresh_id(), "Ada", "Lovelace", "1815", &fresh_id().to_string()))).await;
    side.reached(last).await;
    sqlx::query("update tally_v1.tally set events = 1000").execute(&side.read).await.unwrap();
    // Killed somewhere on the way, again and again; the runner or the next rebuild takes it up.
    for millis in [1, 5, 20] {
        tokio::time::timeout(Duration::from_millis(millis), projections::rebuild(&side.read, &side.log.store, tally[0].as_ref())).await.ok();
    }
    let rebuilt = projections::rebuild(&side.read, &side.log.store, tally[0].as_ref()).await.unwrap();
    assert!(rebuilt.position >= last && rebuilt.parked == 0 && rebuilt.schema.starts_with("tally_v1_"));
    side.agrees(&tally).await;
    // The runner has changed over too.
    let stop = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(watch(side.read.clone(), Arc::clone(&stop)));
    let before = active(&side.read).await;
    let again = async {
        projections::rebuild(&side.read, &side.log.store, tally[0].as_ref()).await.unwrap();
        changed(&side, &before, &stop).await;
    };
    tokio::join!(append_until(&side, &stop), again);
    let (snapshots, schemas) = reader.await.unwrap();
    assert!(snapshots > 10 && schemas >= 2, "{snapshots} snapshots of {schemas} schemas");
    side.reached(side.log.store.head().await.unwrap()).await;
    running.kill().await;
    side.agrees(&tally).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_another_epoch_is_folded_anew() {
    folded_anew(async |side| {
        event_store::begin_epoch(&side.log.owner, Log::Clinical).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_before_what_was_folded_is_folded_anew() {
    folded_anew(async |side| {
        sqlx::query("update projection.cursor set position = 1000").execute(&side.read).await.unwrap();
    })
    .await;
}

/// After something has happened to a log that was folded.
async fn folded_anew(happens: impl AsyncFn(&ReadSide)) {
    let tally = Tally::alone();
    let side = ReadSide::of(&tally).await;
    let running = side.start(&tally, projections::log_source(side.log.store.clone()));
    let last = side.append([registered(fresh_id(), "Ada", "Lovelace", "1815", "1")]).await;
    side.reached(last).await;
    running.kill().await;
    // What was folded is not what the restored log says.
    sqlx::query("update tally_v1.tally set events = 1000").execute(&side.read).await.unwrap();
    happens(&side).await;
    let running = side.start(&tally, projections::log_source(side.log.store.clone()));
    let stop = AtomicBool::new(false);
    changed(&side, "tally_v1", &stop).await;
    side.reached(last).await;
    running.kill().await;
    side.agrees(&tally).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_parked_comes_back_once_it_can_be_applied() {
    let (patient, poisoned) = (PatientId(fresh_id()), Arc::new(AtomicBool::new(true)));
    let tally: Projections = vec![Arc::new(Tally { poisoned: Some((patient, Arc::clone(&poisoned))), ..Tally::default() })];
    let side = ReadSide::of(&tally).await;
    let running = side.start(&tally, projections::log_source(side.log.store.clone()));
    let events = [registered(patient.0, "Ada", "Lovelace", "1815", "1"), registered(fresh_id(), "Bob", "Byrd", "1950", "2")];
    let last = side.append(events).await;
    side.reached(last).await;
    assert_eq!(side.value::<i64>("select sum(events)::bigint from tally").await, 1);
    // Still at fault: it parks again, in the new build.
    let rebuilt = projections::rebuild(&side.read, &side.log.store, tally[0].as_ref()).await.unwrap();
    assert_eq!(rebuilt.parked, 1);
    poisoned.store(false, Ordering::SeqCst);
    let rebuilt = projections::rebuild(&side.read, &side.log.store, tally[0].as_ref()).await.unwrap();
    assert_eq!(rebuilt.parked, 0);
    assert_eq!(side.value::<i64>("select sum(events)::bigint from tally").await, 2);
    let last = side.append([registered(fresh_id(), "Eve", "Byrd", "1950", "3")]).await;
    side.reached(last).await;
    running.kill().await;
    side.agrees(&tally).await;
}

/// A projection of tables alone.
struct TablesOnly(&'static str);

#[async_trait::async_trait]
impl Projection for TablesOnly {
    fn name(&self) -> &'static str {
        "tables_only"
    }
    fn sql(&self) -> &'static str {
        self.0
    }
    fn types(&self) -> Vec<EventType> {
        Vec::new()
    }
    async fn apply(&self, _connection: &mut PgConnection, _events: &[Recorded]) -> Result<(), ApplyError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_kept_apart_is_refused() {
    let side = ReadSide::new().await;
    let unprotected = [
        ("create table t (id uuid not null)", "tenant"),
        ("create table t (tenant uuid)", "tenant"),
        ("create table t (tenant text not null)", "tenant"),
        ("create table t (tenant uuid not null, patient_id uuid)", "patient_id"),
    ];
    for (sql, missing) in unprotected {
        let refused = projections::prepare(&side.read, &[Arc::new(TablesOnly(sql)) as Arc<dyn Projection>]).await.unwrap_err();
        assert!(matches!(refused, PrepareError::Unprotected { column, .. } if column == missing), "{sql}");
    }
    assert_eq!(side.value::<i64>("select count(*) from projection.version").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tables_of_the_same_version_are_built_beside_it_too() {
    let side = ReadSide::new().await;
    let before: Projections = vec![Arc::new(TablesOnly("create table t (tenant uuid not null)"))];
    let after: Projections = vec![Arc::new(TablesOnly("create table t (tenant uuid not null, name text)"))];
    projections::prepare(&side.read, &before).await.unwrap();
    projections::prepare(&side.read, &before).await.unwrap();
    assert_eq!(side.value::<i64>("select count(*) from projection.version").await, 1, "preparing what is there changes nothing");
    projections::prepare(&side.read, &after).await.unwrap();
    assert_eq!(projections::not_yet_read(&side.read, &after).await.unwrap(), ["tables_only"]);
    let running = side.start(&after, projections::log_source(side.log.store.clone()));
    changed(&side, "tables_only_v1", &AtomicBool::new(false)).await;
    side.reached(Position(0)).await;
    running.kill().await;
    assert_eq!(active(&side.read).await, "tables_only_v1_2");
    assert!(projections::not_yet_read(&side.read, &after).await.unwrap().is_empty());
}
