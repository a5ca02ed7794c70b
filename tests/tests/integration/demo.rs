//! `carelog demo`: what a newcomer finds, and what the guides rely on.

use chrono::{Days, NaiveDate};
use domain::{TenantId, UserId};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::app::App;

// As the guides write them.
const TENANT: TenantId = TenantId(Uuid::from_u128(0xde30_0000_0000_4000_8000_0000_0000_0001));
const FACILITY: &str = "de300002-0000-4000-8000-000000000001";
const PRACTITIONER: &str = "de300004-0000-4000-8000-000000000001";
const PATIENT: &str = "de300005-0000-4000-8000-000000000001";

async fn events(app: &App) -> i64 {
    let pool = PgPool::connect(&app.url(0)).await.unwrap();
    sqlx::query_scalar("select max(position) from clinical.event").fetch_one(&pool).await.unwrap()
}

fn load(app: &App) {
    let loaded = app.command(&["demo"]).output().unwrap();
    let said = String::from_utf8(loaded.stderr).unwrap();
    assert!(loaded.status.success() && !said.contains("does not fit"), "{said}");
}

#[tokio::test]
async fn the_demo_clinic_is_loaded_once_and_tomorrow_at_ten_is_free_in_it() {
    let app = App::serve().await;
    load(&app);
    let loaded = events(&app).await;
    load(&app);
    assert_eq!(events(&app).await, loaded);

    let token = app.token_for(TENANT, Role::Clinician, UserId(event_store::fresh_id()), None);
    let query =
        "{ patients(first: 100) { nodes { id } } practitioners { nodes { id } } facilities { nodes { id } } appointments(first: 100) { nodes { status } } }";
    let answer = app.graphql(&token, query, Some(loaded)).await;
    let shown = ["patients", "practitioners", "facilities", "appointments"].map(|field| answer["data"][field]["nodes"].as_array().map(Vec::len));
    assert_eq!(shown, [12, 4, 2, 21].map(Some), "{answer}");
    let statuses: std::collections::BTreeSet<&str> =
        answer["data"]["appointments"]["nodes"].as_array().unwrap().iter().filter_map(|node| node["status"].as_str()).collect();
    assert_eq!(statuses.len(), 5, "every status: {statuses:?}");

    let today: NaiveDate = event_store::Clock::system().now().with_timezone(&chrono_tz::America::Chicago).date_naive();
    for ahead in 1..=7 {
        let start = format!("{}T10:00:00", today + Days::new(ahead));
        let placement = json!({ "practitioner": PRACTITIONER, "facility": FACILITY, "start": start, "minutes": 30 });
        let body: Value = json!({ "appointment": event_store::fresh_id(), "patient": PATIENT, "placement": placement });
        let (status, answer) = app.post("/v1/scheduling/book-appointment", &token, &body).await;
        assert_eq!(status, StatusCode::OK, "{start}: {answer}");
    }
    let check = app.command(&["check"]).output().unwrap();
    assert!(check.status.success(), "{}{}", String::from_utf8_lossy(&check.stdout), String::from_utf8_lossy(&check.stderr));
}
