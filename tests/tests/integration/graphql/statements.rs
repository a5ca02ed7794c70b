//! How many statements an operation takes does not depend on how many rows it shows.

use gate::Role;
use serde_json::json;

use super::World;
use super::clinic::Clinic;
use super::listening::Listening;

const EVERYTHING: &str = "query($first: Int) { \
    appointments(first: $first) { nodes { \
        patient { displayName mergedInto { id } mergedRecords { id } appointments(first: 3) { nodes { id } } history(first: 3) { nodes { summary } } } \
        practitioner { displayName qualifications { issuer } roles { organization { name } facilities { name } } \
            freeSlots(facility: \"FACILITY\", from: \"2031-03-03T00:00:00Z\", to: \"2031-03-04T00:00:00Z\") { start } \
            calendar(from: \"2031-03-03T00:00:00Z\", to: \"2031-03-04T00:00:00Z\") { blocks { start } appointments(first: 3) { nodes { id } } } } \
        facility { name organization { name partOf { name } } rooms(first: 2) { nodes { name } } } \
        room { name } \
        actions { name allowed } } } }";

#[tokio::test]
async fn fifty_appointments_take_as_many_statements_as_one() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    for number in 0..50 {
        let patient = clinic.patient(&world, "Ada", &format!("Lovelace {number}")).await;
        clinic.book(&world, patient, &format!("2031-03-{:02}T{:02}:{:02}:00", 3 + number / 18, 8 + number % 18 / 2, number % 2 * 30)).await;
    }
    let query = EVERYTHING.replace("FACILITY", &clinic.facility.to_string());
    let token = world.token(Role::Clinician);
    // The projections come to rest, so that only the query's own statements are counted.
    // Whoever looks for the first time gets a key, under which their looks are recorded.
    world.data(&token, &query, json!({ "first": 1 })).await;
    let world = world.at_rest().await;
    let listening = Listening::start();
    let mut statements = Vec::new();
    for first in [1, 50] {
        listening.statements();
        let data = world.data(&token, &query, json!({ "first": first })).await;
        assert_eq!(data["appointments"]["nodes"].as_array().unwrap().len(), first);
        statements.push(listening.statements());
    }
    assert!(statements[0] > 10, "the statements are counted: {statements:?}");
    // It can be one less: whoever sees all patients at the top needs nothing more to know of them below.
    assert!(statements[1] <= statements[0], "{statements:?}");
    assert!(statements[1] <= 30, "{statements:?}");
}
