//! Changes come over the socket: each once, soon, and only to those who may see them.

use domain::UserId;
use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::socket::Socket;

impl World {
    /// Follows something from now on.
    async fn follow(&self, token: &str, root: &str) -> Socket {
        let mut socket = Socket::open(self, token).await;
        let query = format!(
            "subscription {{ changes: {root} {{ position appointments {{ uuid status localStart patient {{ displayName }} practitioner {{ uuid }} }} }} }}"
        );
        let extensions = json!({ "carelog": { "waitFor": self.position() } });
        socket.subscribe("1", &json!({ "query": query, "extensions": extensions })).await;
        assert_eq!(socket.silence().await, None, "only what changes from now on");
        socket
    }
}

/// The changes that come until a position is reached: the appointments in the order they came.
async fn changes(socket: &mut Socket, position: i64) -> Vec<Value> {
    let mut changed = Vec::new();
    loop {
        let message = socket.next().await;
        assert_eq!(message["type"], "next", "{message}");
        let payload = &message["payload"];
        assert!(payload.get("errors").is_none(), "{message}");
        changed.extend(payload["data"]["changes"]["appointments"].as_array().unwrap().iter().cloned());
        let reached = payload["data"]["changes"]["position"].as_i64().unwrap();
        assert!(payload["extensions"]["carelog"]["reflects"].as_i64().unwrap() >= 0);
        if reached >= position {
            return changed;
        }
    }
}

fn uuids(changed: &[Value]) -> Vec<Uuid> {
    changed.iter().map(|appointment| appointment["uuid"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_booking_comes_to_whoever_follows_its_patient_practitioner_or_facility() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Byron").await);
    let earlier = clinic.book(&world, ada, "2031-03-03T09:00:00").await;
    let token = world.token(Role::FrontDesk);
    let mut sockets = Vec::new();
    for root in [
        format!("patientAppointments(patient: \"{ada}\")"),
        format!("practitionerAppointments(practitioner: \"{}\")", clinic.practitioners[0]),
        format!("facilityAppointments(facility: \"{}\")", clinic.facility),
    ] {
        sockets.push(world.follow(&token, &root).await);
    }
    let mut of_bob = world.follow(&token, &format!("patientAppointments(patient: \"{bob}\")")).await;

    let booked = clinic.book(&world, ada, "2031-03-04T09:00:00").await;
    for socket in &mut sockets {
        let changed = changes(socket, world.position()).await;
        assert_eq!(uuids(&changed), [booked]);
        assert_eq!(changed[0]["patient"]["displayName"], "Ada Lovelace");
        assert_eq!((&changed[0]["status"], &changed[0]["localStart"]), (&json!("BOOKED"), &json!("2031-03-04T09:00:00")));
    }
    world.tell(Role::FrontDesk, "scheduling/cancel-appointment", json!({ "appointment": earlier, "patient": ada, "reason": "ill" })).await;
    for socket in &mut sockets {
        let changed = changes(socket, world.position()).await;
        assert_eq!((uuids(&changed), &changed[0]["status"]), (vec![earlier], &json!("CANCELLED")));
        assert_eq!(socket.silence().await, None, "each change comes once");
    }
    assert_eq!(of_bob.silence().await, None);
}

#[tokio::test]
async fn an_appointment_that_moves_elsewhere_is_said_to_have_left() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let appointment = clinic.book(&world, patient, "2031-03-04T09:00:00").await;
    let [from, to] = clinic.practitioners;
    let token = world.token(Role::FrontDesk);
    let mut left = world.follow(&token, &format!("practitionerAppointments(practitioner: \"{from}\")")).await;
    let mut entered = world.follow(&token, &format!("practitionerAppointments(practitioner: \"{to}\")")).await;
    let placement = json!({ "practitioner": to, "facility": clinic.facility, "start": "2031-03-04T09:00:00", "minutes": 30 });
    world.tell(Role::FrontDesk, "scheduling/reschedule-appointment", json!({ "appointment": appointment, "patient": patient, "placement": placement })).await;
    for socket in [&mut left, &mut entered] {
        let changed = changes(socket, world.position()).await;
        assert_eq!((uuids(&changed), &changed[0]["practitioner"]["uuid"]), (vec![appointment], &json!(to)));
    }
    world.tell(Role::FrontDesk, "scheduling/cancel-appointment", json!({ "appointment": appointment, "patient": patient, "reason": "ill" })).await;
    assert_eq!(uuids(&changes(&mut entered, world.position()).await), [appointment]);
    assert_eq!(left.silence().await, None, "what happens after it left is no longer theirs");
}

#[tokio::test]
async fn many_changes_come_complete_and_few_messages_may_carry_them() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let mut socket = world.follow(&world.token(Role::FrontDesk), &format!("facilityAppointments(facility: \"{}\")", clinic.facility)).await;
    let mut booked = Vec::new();
    for number in 0..30 {
        let patient = clinic.patient(&world, "Ada", "Lovelace").await;
        booked.push(clinic.book(&world, patient, &format!("2031-03-{:02}T{:02}:{:02}:00", 3 + number / 18, 8 + number % 18 / 2, number % 2 * 30)).await);
    }
    assert_eq!(uuids(&changes(&mut socket, world.position()).await), booked);
}

#[tokio::test]
async fn a_grant_that_ends_ends_what_is_followed_under_it() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let patient = clinic.patient(&world, "Ada", "Lovelace").await;
    let user = fresh_id();
    world.tell(Role::Administrator, "patients/grant-access", json!({ "patient": patient, "grantee": user })).await;
    let token = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(user), [Role::Patient].into()));
    let mut socket = world.follow(&token, &format!("patientAppointments(patient: \"{patient}\")")).await;
    let booked = clinic.book(&world, patient, "2031-03-04T09:00:00").await;
    assert_eq!(uuids(&changes(&mut socket, world.position()).await), [booked]);

    let revoked = world.tell(Role::Administrator, "patients/revoke-access", json!({ "patient": patient, "grantee": user })).await;
    world.ask(&world.token(Role::Clinician), "{ viewer { user } }", json!({})).await;
    clinic.book(&world, patient, "2031-03-05T09:00:00").await;
    let message = socket.next().await;
    assert_eq!((&message["type"], &message["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("NOT_FOUND")), "after {revoked}: {message}");
}

#[tokio::test]
async fn a_patient_follows_a_practitioner_and_sees_their_own_appointments_alone() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let (ada, bob) = (clinic.patient(&world, "Ada", "Lovelace").await, clinic.patient(&world, "Bob", "Byron").await);
    let mut socket = world.follow(&world.token_of_patient(ada), &format!("practitionerAppointments(practitioner: \"{}\")", clinic.practitioners[0])).await;
    clinic.book(&world, bob, "2031-03-04T09:00:00").await;
    let own = clinic.book(&world, ada, "2031-03-04T10:00:00").await;
    assert_eq!(uuids(&changes(&mut socket, world.position()).await), [own]);
}
