//! The check finds what somebody changed by hand, and says how much without showing it.

use event_store::fresh_id;
use projections::CheckReport;

use super::events::{Clinic, registered};
use super::{ReadSide, find_tables};

async fn differences(side: &ReadSide, corruption: &'static str) -> Vec<(String, i64, i64)> {
    let mut connection = side.read.acquire().await.unwrap();
    find_tables(&mut connection).await;
    sqlx::query(corruption).execute(&mut *connection).await.unwrap();
    drop(connection);
    let reports = projections::check(&side.log.store, &side.read, &projections::all(), |_, _, _| {}).await.unwrap();
    let found = reports.iter().flat_map(|report: &CheckReport| &report.tables).filter(|table| table.missing + table.unexpected > 0);
    found.map(|table| (table.table.clone(), table.missing, table.unexpected)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_changed_by_hand_is_found() {
    let all = projections::all();
    let side = ReadSide::of(&all).await;
    let running = side.start(&all, projections::log_source(side.log.store.clone()));
    let (clinic, patient) = (Clinic::new(), fresh_id());
    side.append(clinic.opened()).await;
    let last = side.append([registered(patient, "Ada", "Lovelace", "1815", "1"), clinic.booked(fresh_id(), patient, "2027-01-05T09:00:00")]).await;
    side.reached(last).await;
    // The runner goes on while it is checked.
    side.agrees(&all).await;
    let changed = differences(&side, "update patient set display_name = 'Mallory'").await;
    assert_eq!(changed, [("patient".to_owned(), 1, 1)]);
    let deleted = differences(&side, "with gone as (delete from appointment) update patient set display_name = 'Ada Lovelace'").await;
    assert_eq!(deleted, [("appointment".to_owned(), 1, 0)]);
    let doubled = differences(
        &side,
        "insert into history_entry select tenant, patient_id, position + 1000, event_id, event_type, occurred, recorded, actor_user, actor_role, summary, \
         details, about, place, security from history_entry",
    )
    .await;
    assert_eq!(doubled, [("appointment".to_owned(), 1, 0), ("history_entry".to_owned(), 0, 2)]);
    let left_behind = side.value::<i64>("select count(*) from pg_namespace where nspname like 'check%'").await;
    assert_eq!(left_behind, 0);
    running.kill().await;
}
