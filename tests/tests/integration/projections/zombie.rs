//! A runner that was held up while another took over.

use std::sync::Arc;

use event_store::fresh_id;
use projections::{Batch, OpenSource, Source, SourceError};
use tokio::sync::Semaphore;

use super::ReadSide;
use super::events::registered;
use super::tally::Tally;

/// Has read a batch, and holds it until it is let go.
struct Held {
    source: Box<dyn Source>,
    read: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
}

#[async_trait::async_trait]
impl Source for Held {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        let batch = self.source.next().await?;
        self.read.add_permits(1);
        self.let_go.acquire().await.unwrap().forget();
        Ok(batch)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_was_held_up_is_fenced() {
    let tally = Tally::alone();
    let side = ReadSide::of(&tally).await;
    let the_log = projections::log_source(side.log.store.clone());
    let (read, let_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let held: OpenSource = {
        let (the_log, read, let_go) = (Arc::clone(&the_log), Arc::clone(&read), Arc::clone(&let_go));
        Arc::new(move |subscription| {
            let (opening, read, let_go) = (the_log(subscription), Arc::clone(&read), Arc::clone(&let_go));
            Box::pin(async move { Ok(Box::new(Held { source: opening.await?, read, let_go }) as Box<dyn Source>) })
        })
    };
    let patient = || registered(fresh_id(), "Ada", "Lovelace", "1815", "1");
    side.append([patient(), patient()]).await;
    let zombie = side.start(&tally, held);
    read.acquire().await.unwrap().forget();
    // Another takes over, and goes further.
    let successor = side.start(&tally, the_log);
    let last = side.append([patient()]).await;
    side.reached(last).await;
    let_go.add_permits(1_000);
    let last = side.append([patient()]).await;
    side.reached(last).await;
    // The zombie's batch had no effect; it has begun again from where the other is, and can go on alone.
    successor.kill().await;
    let last = side.append([patient()]).await;
    side.reached(last).await;
    zombie.kill().await;
    let counted: (i64, i64) =
        sqlx::query_as("select sum(events)::bigint, sum(positions)::bigint from tally").fetch_one(&mut *side.tables().await).await.unwrap();
    assert_eq!(counted, (5, 15), "each event once");
    side.agrees(&tally).await;
}
