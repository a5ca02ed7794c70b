//! Appointments: lists, times, and what the caller may do with each.

use std::collections::BTreeSet;

use domain::{PatientId, UserId};
use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};

use super::World;
use super::clinic::Clinic;

async fn listed(world: &World, filter: Value) -> Vec<String> {
    let query = "query($filter: AppointmentFilter) { appointments(filter: $filter) { nodes { localStart } } }";
    let data = world.data(&world.token(Role::FrontDesk), query, json!({ "filter": filter })).await;
    data["appointments"]["nodes"].as_array().unwrap().iter().map(|node| node["localStart"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn appointments_are_listed_by_day_person_place_and_status() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let late = json!({ "practitioner": clinic.practitioners[1], "facility": clinic.facility, "start": "2031-03-04T23:45:00", "minutes": 30 });
    let overbooked = json!({ "appointment": fresh_id(), "patient": patient, "placement": late, "exception": { "kind": "overbooked", "reason": "night" } });
    world.tell(Role::Clinician, "scheduling/book-appointment", overbooked).await;
    clinic.book(&world, patient, "2031-03-05T09:00:00").await;
    let cancelled = clinic.book(&world, patient, "2031-03-04T08:00:00").await;
    world.tell(Role::FrontDesk, "scheduling/cancel-appointment", json!({ "appointment": cancelled, "patient": patient, "reason": "ill" })).await;
    let (early, night, next) = ("2031-03-04T08:00:00", "2031-03-04T23:45:00", "2031-03-05T09:00:00");
    for (filter, expected) in [
        (Value::Null, vec![early, night, next]),
        (json!({ "day": "2031-03-04" }), vec![early, night]),
        (json!({ "day": "2031-03-05" }), vec![night, next]),
        (json!({ "day": "2031-03-06" }), vec![]),
        (json!({ "day": "2031-03-05", "practitioner": clinic.practitioners[1] }), vec![night]),
        (json!({ "from": "2031-03-05T06:15:00Z" }), vec![next]),
        (json!({ "from": "2031-03-05T06:14:59Z", "to": "2031-03-05T15:00:00Z" }), vec![night]),
        (json!({ "to": "2031-03-05T05:45:00Z" }), vec![early]),
        (json!({ "practitioner": format!("Practitioner/{}", clinic.practitioners[0]) }), vec![early, next]),
        (json!({ "room": clinic.rooms[0] }), vec![early, next]),
        (json!({ "room": clinic.rooms[1] }), vec![]),
        (json!({ "facility": clinic.facility, "status": ["BOOKED"] }), vec![night, next]),
        (json!({ "status": ["CANCELLED", "NO_SHOW"] }), vec![early]),
        (json!({ "status": [] }), vec![]),
        (json!({ "facility": fresh_id() }), vec![]),
    ] {
        assert_eq!(listed(&world, filter.clone()).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn an_appointment_says_when_it_is_on_the_clocks_of_its_place() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let (winter, summer) = (clinic.book(&world, patient, "2031-03-04T09:00:00").await, clinic.book(&world, patient, "2031-07-01T09:00:00").await);
    let query = "query($id: ID!) { appointment(id: $id) { id start end localStart zone minutes status room { name facility { name } } exception { kind } statusReason } }";
    let token = world.token(Role::FrontDesk);
    let shown = world.data(&token, query, json!({ "id": winter })).await["appointment"].clone();
    assert_eq!((&shown["start"], &shown["end"]), (&json!("2031-03-04T09:00:00-06:00"), &json!("2031-03-04T09:30:00-06:00")));
    assert_eq!((&shown["localStart"], &shown["zone"], &shown["minutes"]), (&json!("2031-03-04T09:00:00"), &json!("America/Chicago"), &json!(30)));
    assert_eq!((&shown["status"], &shown["exception"]), (&json!("BOOKED"), &Value::Null));
    assert_eq!(shown["room"], json!({ "name": "Room 1", "facility": { "name": "Lakeside Main" } }));
    assert_eq!(world.data(&token, query, json!({ "id": summer })).await["appointment"]["start"], "2031-07-01T09:00:00-05:00");
    let node = "query($id: ID!) { node(id: $id) { __typename id ... on Appointment { zone } } }";
    let data = world.data(&token, node, json!({ "id": shown["id"] })).await;
    assert_eq!(data["node"], json!({ "__typename": "Appointment", "id": shown["id"], "zone": "America/Chicago" }));
    for id in [
        format!("Organization/{}", clinic.organization),
        format!("Facility/{}", clinic.facility),
        format!("Room/{}", clinic.rooms[0]),
        format!("Practitioner/{}", clinic.practitioners[0]),
        format!("Patient/{patient}"),
    ] {
        assert_eq!(world.data(&token, node, json!({ "id": id })).await["node"]["id"], id);
    }
}

/// Every action with whether it is allowed or why not.
async fn actions(world: &World, token: &str, appointment: uuid::Uuid) -> Vec<(String, String)> {
    let query = "query($id: ID!) { appointment(id: $id) { actions { name allowed code reason } } }";
    let data = world.data(token, query, json!({ "id": appointment })).await;
    let actions = data["appointment"]["actions"].as_array().unwrap();
    let said = |action: &Value| {
        assert_eq!(action["allowed"] == true, action["reason"].is_null(), "{action}");
        (action["name"].as_str().unwrap().to_owned(), action["code"].as_str().unwrap_or("allowed").to_owned())
    };
    actions.iter().map(said).collect()
}

#[tokio::test]
async fn an_appointment_lists_what_this_caller_may_do_with_it() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let coming = clinic.book(&world, patient, "2031-03-04T09:00:00").await;
    let begun = clinic.enter(&world, patient, "2026-03-04T09:00:00").await;
    let expected = |codes: [&str; 6]| {
        let names = ["check-in-appointment", "fulfil-appointment", "mark-no-show", "reschedule-appointment", "cancel-appointment", "undo-status"];
        names.iter().zip(codes).map(|(name, code)| ((*name).to_owned(), code.to_owned())).collect::<Vec<_>>()
    };
    let front_desk = world.token(Role::FrontDesk);
    let of_coming = actions(&world, &front_desk, coming).await;
    assert!(
        of_coming.contains(&("cancel-appointment".into(), "allowed".into())) && of_coming.contains(&("mark-no-show".into(), "not-started".into())),
        "{of_coming:?}"
    );
    assert_eq!(of_coming.last().unwrap(), &("undo-status".into(), "status-forbids".into()));
    world.tell(Role::FrontDesk, "scheduling/check-in-appointment", json!({ "appointment": begun, "patient": patient })).await;
    let checked_in = actions(&world, &front_desk, begun).await;
    assert_eq!(checked_in, expected(["status-forbids", "allowed", "status-forbids", "status-forbids", "allowed", "allowed"]));
    let missing = "permission-missing";
    assert_eq!(actions(&world, &world.token(Role::ComplianceOfficer), begun).await, expected([missing; 6]));
    let own = actions(&world, &world.token_of_patient(patient), coming).await;
    assert_eq!(own, expected([missing, missing, missing, "allowed", "allowed", missing]));
}

#[tokio::test]
async fn what_someone_may_do_for_some_patients_is_not_offered_for_others() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (own, other, granted) =
        (clinic.patient(&world, "Ada", "Own").await, clinic.patient(&world, "Bob", "Other").await, clinic.patient(&world, "Cleo", "Granted").await);
    let user = fresh_id();
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": granted, "grantee": user })).await;
    let token = world.token_of(|claims| {
        claims.sub = UserId(user);
        claims.roles = BTreeSet::from([Role::Patient, Role::ComplianceOfficer]);
        claims.patient = Some(PatientId(own));
    });
    for (patient, start, may_cancel) in [(own, "2031-03-04T09:00:00", true), (other, "2031-03-04T10:00:00", false), (granted, "2031-03-04T11:00:00", true)] {
        let appointment = clinic.book(&world, patient, start).await;
        let offered = actions(&world, &token, appointment).await;
        assert_eq!(offered.contains(&("cancel-appointment".into(), "allowed".into())), may_cancel, "{offered:?}");
    }
}
