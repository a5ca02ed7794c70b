//! The runner as it is in production: the owner of the read database, and no superuser.

use std::sync::Arc;

use domain::consents::ConsentGranted;
use domain::disclosures::DisclosureMade;
use domain::documents::DocumentUploaded;
use domain::emergency::GlassBroken;
use domain::identity::SessionsEnded;
use domain::records::ConditionRecorded;
use event_store::fresh_id;
use projections::Runner;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

use super::events::{Clinic, event, registered};
use super::{ReadSide, find_tables};
use crate::harness::Kind;

/// A read database that an ordinary role owns, and a connection as that role. Both go when it is dropped by [`Owned::remove`].
struct Owned {
    name: String,
    superuser: PgPool,
    pool: PgPool,
}

impl Owned {
    async fn new(side: &ReadSide) -> Self {
        let name = format!("test_{}_{}_owned", std::process::id(), fresh_id().simple());
        let superuser = side.read.clone();
        for statement in [format!("create role {name} login password 'owner'"), format!("create database {name} owner {name}")] {
            sqlx::query(AssertSqlSafe(statement)).execute(&superuser).await.unwrap();
        }
        let options = side.log.databases.options(Kind::Read).username(&name).password("owner").database(&name);
        let pool = PgPoolOptions::new().max_connections(6).connect_with(options).await.unwrap();
        Self { name, superuser, pool }
    }

    async fn remove(self) {
        self.pool.close().await;
        for statement in [format!("drop database {} with (force)", self.name), format!("drop role {}", self.name)] {
            sqlx::query(AssertSqlSafe(statement)).execute(&self.superuser).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_is_no_superuser_folds_checks_and_sees_nothing_in_between() {
    let (all, side) = (projections::all(), ReadSide::new().await);
    let owned = Owned::new(&side).await;
    projections::migrate(&owned.pool).await.unwrap();
    projections::prepare(&owned.pool, &all).await.unwrap();
    let runner = Runner::new(owned.pool.clone(), side.log.store.clone(), all.clone(), projections::log_source(side.log.store.clone()), None);
    let running = tokio::spawn(Arc::clone(&runner).run(std::future::pending()));
    let (clinic, patient) = (Clinic::new(), fresh_id());
    side.append(clinic.opened()).await;
    let condition = event::<ConditionRecorded>(json!({ "patient": patient, "fact": fresh_id(), "content": {}, "security": [], "screening": null }));
    let letter = json!({ "status": "current", "attachment": { "contentType": "text/plain" } });
    let blob = json!({ "address": "a".repeat(64), "size": 0, "fingerprint": "f".repeat(64) });
    let mut upload = json!({ "patient": patient, "document": fresh_id(), "content": letter, "security": [] });
    upload.as_object_mut().unwrap().extend(blob.as_object().unwrap().clone());
    let uploaded = event::<DocumentUploaded>(upload);
    let consent =
        json!({ "patient": patient, "consent": fresh_id(), "decision": "deny", "provision": { "recipient": "anyone" }, "signed": null, "note": null });
    let granted = event::<ConsentGranted>(consent);
    let broken = event::<GlassBroken>(json!({ "breakGlass": fresh_id(), "patient": patient, "user": fresh_id(), "reason": "unconscious",
        "starts": "2026-03-02T21:00:00Z", "ends": "2026-03-02T21:30:00Z", "reviewDue": "2026-03-05T21:00:00Z" }));
    let disclosed = event::<DisclosureMade>(json!({ "disclosure": fresh_id(), "patient": patient, "madeAt": "2026-03-02T16:30:00Z", "what": "A test",
        "kinds": [], "recipient": { "name": "County" }, "basis": "research", "source": "system" }));
    let ended = event::<SessionsEnded>(json!({ "user": fresh_id(), "before": "2026-03-02T21:00:00Z", "reason": "stolen" }));
    let of_the_patient = [registered(patient, "Ada", "Lovelace", "1815", "1"), condition, uploaded, granted, broken, disclosed];
    let last = side.append(of_the_patient.into_iter().chain([ended])).await;
    runner.state().wait_for(|states| !states.is_empty() && states.iter().all(|state| state.position >= last)).await.unwrap();
    let mut connection = owned.pool.acquire().await.unwrap();
    find_tables(&mut connection).await;
    let seen: i64 = sqlx::query_scalar("select count(*) from patient").fetch_one(&mut *connection).await.unwrap();
    assert_eq!(seen, 0, "the policies are forced on the owner too");
    drop(connection);
    for report in projections::check(&side.log.store, &owned.pool, &all, |_, _, _| {}).await.unwrap() {
        assert!(report.agrees() && report.tables.iter().map(|table| table.rows).sum::<i64>() >= i64::from(report.projection != "scheduling"), "{report:?}");
    }
    running.abort();
    running.await.ok();
    owned.remove().await;
}
