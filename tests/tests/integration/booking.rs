//! Of many who want the same slot at once, exactly one gets it: within a process, and across processes.

use futures::future::join_all;
use gate::Role;
use reqwest::StatusCode;
use uuid::Uuid;

use crate::app::App;
use crate::clinic::{BOOK, Clinic};

/// Fifty patients want the same slot, spread over these processes.
async fn fifty_for_one_slot(app: &App, processes: usize) {
    let clinic = Clinic::open(app).await;
    let patients: Vec<Uuid> = join_all((0..50).map(|_| clinic.patient(app, "Lovelace"))).await;
    let token = app.token(Role::FrontDesk);
    let answers =
        join_all(patients.iter().enumerate().map(|(number, patient)| {
            let (clinic, token) = (&clinic, &token);
            async move {
                app.post_to(number % processes, BOOK, token, &clinic.booking(event_store::fresh_id(), *patient, "2031-03-03T09:00:00"), None).await.unwrap()
            }
        }))
        .await;
    let booked = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    let busy = answers.iter().filter(|(status, problem)| *status == StatusCode::UNPROCESSABLE_ENTITY && problem["code"] == "practitioner-busy").count();
    assert_eq!((booked, busy), (1, 49), "{answers:?}");
}

#[tokio::test]
async fn one_of_fifty_gets_the_slot() {
    let app = App::serve().await;
    fifty_for_one_slot(&app, 1).await;
}

#[tokio::test]
async fn one_of_fifty_gets_the_slot_across_two_processes() {
    let mut app = App::without_processes(&[]).await;
    app.start("command").await;
    app.start("command").await;
    fifty_for_one_slot(&app, 2).await;
}

#[tokio::test]
async fn forty_slots_of_one_day_are_all_booked_at_once() {
    let app = App::serve().await;
    let clinic = Clinic::open(&app).await;
    let patients: Vec<Uuid> = join_all((0..40).map(|_| clinic.patient(&app, "Lovelace"))).await;
    let token = app.token(Role::FrontDesk);
    let answers = join_all(patients.iter().enumerate().map(|(number, patient)| {
        let (app, clinic, token) = (&app, &clinic, &token);
        let start = format!("2031-03-03T{:02}:{:02}:00", number / 2, number % 2 * 30);
        async move { app.post(BOOK, token, &clinic.booking(event_store::fresh_id(), *patient, &start)).await }
    }))
    .await;
    let refused: Vec<_> = answers.iter().filter(|(status, _)| *status != StatusCode::OK).collect();
    assert!(refused.is_empty(), "those who lost a race decide again: {refused:?}");
}
