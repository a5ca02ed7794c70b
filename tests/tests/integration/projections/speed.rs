use super::ReadSide;
use super::events::{Clinic, registered};
use event_store::fresh_id;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn catch_up_speed() {
    let all = projections::all();
    let side = ReadSide::new().await;
    let clinic = Clinic::new();
    side.append(clinic.opened()).await;
    let start = "2027-01-05T09:00:00";
    for _ in 0..80 {
        let mut events = vec![];
        for _ in 0..84 {
            let (patient, visit) = (fresh_id(), fresh_id());
            events.extend([
                registered(patient, "Ada", "Lovelace", "1815", &patient.to_string()),
                clinic.booked(visit, patient, start),
                clinic.checked_in(visit, patient, start),
            ]);
        }
        side.log.store.append(side.log.append(events).await).await.unwrap();
    }
    let head = side.log.store.head().await.unwrap();
    // reading alone
    let began = Instant::now();
    let mut after = event_store::Position(0);
    while after < head {
        after = side.log.store.page(after, 1000, None).await.unwrap().through;
    }
    let reading = began.elapsed();
    println!("{} events: read and opened {:.0}/s", head.0, head.0 as f64 / reading.as_secs_f64());
    for projection in &all {
        projections::prepare(&side.read, &vec![projection.clone()]).await.unwrap();
        let began = Instant::now();
        let rebuilt = projections::rebuild(&side.read, &side.log.store, projection.as_ref()).await.unwrap();
        println!("{}: {:.0} positions/s ({:?}), parked {}", projection.name(), head.0 as f64 / began.elapsed().as_secs_f64(), began.elapsed(), rebuilt.parked);
    }
    sqlx::raw_sql("delete from projection.version").execute(&side.read).await.unwrap();
    projections::prepare(&side.read, &all).await.unwrap();
    let began = Instant::now();
    let running = side.start(&all, projections::log_source(side.log.store.clone()));
    side.reached(head).await;
    println!("all five together: {:.0} positions/s ({:?})", head.0 as f64 / began.elapsed().as_secs_f64(), began.elapsed());
    let began = Instant::now();
    let last = side.append([clinic.booked(fresh_id(), fresh_id(), start)]).await;
    side.reached(last).await;
    println!("one event, until every read model has it: {:?} (poll of 10 ms included)", began.elapsed());
    running.kill().await;
    let began = Instant::now();
    side.agrees(&all).await;
    println!("check: {:?}", began.elapsed());
}
