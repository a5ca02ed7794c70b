//! Killed in the middle of the work, as a power cut would: nothing acknowledged is lost, nothing is doubled, and the read models are the fold of the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use gate::Role;
use reqwest::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::clinic::{BOOK, Clinic};

/// A booking that was sent, and the answer if one came.
struct Sent {
    key: Uuid,
    body: Value,
    answer: Option<(StatusCode, Value)>,
}

/// Sends bookings one after the other until told to stop or until the process is gone.
async fn client(app: &App, clinic: &Clinic, patient: Uuid, number: usize, stop: &AtomicBool) -> Vec<Sent> {
    let token = app.token(Role::FrontDesk);
    let mut sent = Vec::new();
    for slot in 0..1000_usize {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let start = format!("2031-{:02}-{:02}T{:02}:{:02}:00", number + 1, slot / 48 + 1, slot % 48 / 2, slot % 2 * 30);
        let (key, body) = (event_store::fresh_id(), clinic.booking(event_store::fresh_id(), patient, &start));
        let answer = app.post_to(0, BOOK, &token, &body, Some(key)).await.ok();
        let gone = answer.is_none();
        sent.push(Sent { key, body, answer });
        if gone {
            break;
        }
    }
    sent
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed_under_load() {
    let mut app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let patients: Vec<Uuid> = join_all((0..8).map(|_| clinic.patient(&app, "Lovelace"))).await;
    let mut sent: Vec<Sent> = Vec::new();
    for round in 0..3_usize {
        let stop = Arc::new(AtomicBool::new(false));
        let shared: &App = &app;
        let clients = join_all(patients.iter().enumerate().map(|(number, patient)| client(shared, &clinic, *patient, (number + round) % 12, &stop)));
        let pid = app.pid(0);
        let (results, ()) = tokio::join!(clients, async move {
            tokio::time::sleep(Duration::from_millis(700)).await;
            App::kill_pid(pid);
        });
        stop.store(true, Ordering::Relaxed);
        sent.extend(results.into_iter().flatten());
        app.restart(0, "serve").await;
    }
    let acknowledged = sent.iter().filter(|sent| sent.answer.is_some()).count();
    assert!(acknowledged > 20, "the load was real: {acknowledged}");
    let token = app.token(Role::FrontDesk);
    for Sent { key, body, answer } in &sent {
        // A retry under the same key tells what became of it; what was acknowledged is there, once.
        let (status, again) = app.post_to(0, BOOK, &token, body, Some(*key)).await.unwrap();
        if let Some((StatusCode::OK, first)) = answer {
            assert_eq!((status, &again["repeated"]), (StatusCode::OK, &Value::Bool(true)), "an acknowledged booking is gone: {again}");
            assert_eq!(again["position"], first["position"]);
        }
    }
    let check = app.command(&["check"]).output().unwrap();
    assert!(check.status.success(), "{}{}", String::from_utf8_lossy(&check.stdout), String::from_utf8_lossy(&check.stderr));
}
