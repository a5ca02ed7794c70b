//! Practitioners' calendars and the slots that can be booked.

use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};

use super::World;
use super::clinic::Clinic;

const WEEK: &str = r#"from: "2031-03-03T00:00:00-06:00", to: "2031-03-08T00:00:00-06:00""#;

fn starts(slots: &Value) -> Vec<&str> {
    slots.as_array().unwrap().iter().map(|slot| slot["start"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn free_slots_are_those_that_can_be_booked_whoever_asks() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Byron").await);
    clinic.book(&world, ada, "2031-03-04T08:30:00").await;
    let cancelled = clinic.book(&world, ada, "2031-03-04T09:00:00").await;
    world.tell(Role::FrontDesk, "scheduling/cancel-appointment", json!({ "appointment": cancelled, "patient": ada, "reason": "ill" })).await;
    let (practitioner, facility) = (clinic.practitioners[0], clinic.facility);
    let block = json!({ "practitioner": practitioner, "block": fresh_id(), "facility": facility, "start": "2031-03-04T10:00:00", "end": "2031-03-04T11:00:00", "reason": "Needle" });
    world.tell(Role::Administrator, "providers/block-time", block).await;
    let query = format!(
        "{{ practitioner(id: \"{practitioner}\") {{ freeSlots(facility: \"{facility}\", from: \"2031-03-04T08:00:00-06:00\", to: \"2031-03-04T12:00:00-06:00\") {{ start end }} }} }}"
    );
    let expected: Vec<String> = ["08:00", "09:00", "09:30", "11:00", "11:30"].iter().map(|time| format!("2031-03-04T{time}:00-06:00")).collect();
    for token in [world.token(Role::FrontDesk), world.token_of_patient(ada), world.token_of_patient(bob)] {
        let data = world.data(&token, &query, json!({})).await;
        assert_eq!(starts(&data["practitioner"]["freeSlots"]), expected);
        assert_eq!(data["practitioner"]["freeSlots"][0]["end"], "2031-03-04T08:30:00-06:00");
    }
    let first = query.replace("to: \"2031-03-04T12:00:00-06:00\"", "to: \"2031-03-06T12:00:00-06:00\", first: 2");
    let data = world.data(&world.token(Role::FrontDesk), &first, json!({})).await;
    assert_eq!(starts(&data["practitioner"]["freeSlots"]), expected[..2]);
    let elsewhere = query.replace(&facility.to_string(), &fresh_id().to_string());
    let data = world.data(&world.token(Role::FrontDesk), &elsewhere, json!({})).await;
    assert_eq!(data["practitioner"]["freeSlots"], json!([]));
}

#[tokio::test]
async fn a_calendar_shows_what_makes_it_up() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    clinic.book(&world, patient, "2031-03-04T08:30:00").await;
    let (practitioner, facility) = (clinic.practitioners[0], clinic.facility);
    let hours = json!([{ "start": "10:00:00", "end": "12:00:00" }]);
    let other_hours = json!({ "practitioner": practitioner, "facility": facility, "date": "2031-03-05", "hours": hours });
    world.tell(Role::Administrator, "providers/set-availability-exception", other_hours).await;
    let blocks: Vec<_> = ["2031-03-06T08:00:00", "2031-03-07T08:00:00"].iter().map(|start| (fresh_id(), *start)).collect();
    for (block, start) in &blocks {
        let body = json!({ "practitioner": practitioner, "block": block, "facility": facility, "start": start, "end": start.replace("T08", "T10"), "reason": "Needle" });
        world.tell(Role::Administrator, "providers/block-time", body).await;
    }
    world.tell(Role::Administrator, "providers/unblock-time", json!({ "practitioner": practitioner, "block": blocks[1].0 })).await;
    let query = format!(
        "{{ practitioner(id: \"{practitioner}\") {{ calendar({WEEK}) {{ \
         availability {{ facility {{ uuid }} zone from until slotMinutes weekly {{ day hours {{ start end }} }} }} exceptions {{ date hours {{ start end }} }} \
         blocks {{ uuid start end reason }} open(facility: \"{facility}\") {{ start end }} appointments {{ nodes {{ localStart patient {{ displayName }} }} }} }} }} }}"
    );
    let data = world.data(&world.token(Role::Clinician), &query, json!({})).await;
    let calendar = &data["practitioner"]["calendar"];
    let set = &calendar["availability"][0];
    assert_eq!(
        (&set["facility"]["uuid"], &set["zone"], &set["from"], &set["until"], &set["slotMinutes"]),
        (&json!(facility), &json!("America/Chicago"), &json!("2026-01-01"), &Value::Null, &json!(30))
    );
    assert_eq!(set["weekly"][0], json!({ "day": "MON", "hours": { "start": "08:00:00", "end": "17:00:00" } }));
    assert_eq!(calendar["exceptions"], json!([{ "date": "2031-03-05", "hours": [{ "start": "10:00:00", "end": "12:00:00" }] }]));
    let block = json!({ "uuid": blocks[0].0, "start": "2031-03-06T08:00:00-06:00", "end": "2031-03-06T10:00:00-06:00", "reason": "Needle" });
    assert_eq!(calendar["blocks"], json!([block]));
    let open: Vec<String> = calendar["open"]
        .as_array()
        .unwrap()
        .iter()
        .map(|open| format!("{} {}", &open["start"].as_str().unwrap()[8..13], &open["end"].as_str().unwrap()[8..13]))
        .collect();
    assert_eq!(open, ["03T08 03T17", "04T08 04T17", "05T10 05T12", "06T10 06T17", "07T08 07T17"]);
    assert_eq!(calendar["appointments"]["nodes"], json!([{ "localStart": "2031-03-04T08:30:00", "patient": { "displayName": "Ada Lovelace" } }]));

    let private = world.data(&world.token_of_patient(patient), &query, json!({})).await;
    assert_eq!(private["practitioner"]["calendar"]["blocks"][0]["reason"], Value::Null);
    assert!(!private.to_string().contains("Needle"));
}

#[tokio::test]
async fn a_calendar_is_read_two_months_at_a_time() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    for range in [r#"from: "2031-03-03T00:00:00Z", to: "2031-05-05T00:00:00Z""#, r#"from: "2031-03-03T00:00:00Z", to: "2031-03-03T00:00:00Z""#] {
        let query = format!("{{ practitioner(id: \"{}\") {{ calendar({range}) {{ exceptions {{ date }} }} }} }}", clinic.practitioners[0]);
        let answer = world.ask(&world.token(Role::Clinician), &query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    }
}
