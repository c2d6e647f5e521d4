//! The relay goes away and comes back: the window says so, open visits can be joined all the same, what was pressed is shown
//! and sent when it is back, and whoever became ready meanwhile is not missed.

use e2e::wait;
use e2e::window::signal_companions;
use reqwest::Method;
use serde_json::json;

use crate::patient::Patient;
use crate::room::Room;

#[tokio::test]
async fn an_arrival_while_the_companion_was_cut_off_is_alerted_afterwards() {
    let mut room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    room.stack.stop_relay().await.unwrap();
    window.see("#connection:not([data-state='live'])").await.unwrap();
    room.picture(&window, "companion-reconnecting").await.unwrap();

    // Frozen, so that it cannot have been there when the patient came.
    assert_eq!(signal_companions("-STOP").await.unwrap().len(), 1);
    room.stack.start_relay().await.unwrap();
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    assert_eq!(room.alerts(&appointment), 0);
    signal_companions("-CONT").await.unwrap();

    window.see("#connection[data-state='live']").await.unwrap();
    window.see("#alert").await.unwrap();
    room.alerted(&appointment, 1).await.unwrap();
    window.close().await.unwrap();
}

#[tokio::test]
async fn an_open_visit_is_joined_without_the_relay_and_the_patient_is_called_when_it_is_back() {
    let mut room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    let patient = Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap();
    patient.ready().await.unwrap();
    window.see("#alert").await.unwrap();
    let visit = room.eyes().await.unwrap().get("/visits").await.unwrap()["visits"][0].clone();
    room.stack.stop_relay().await.unwrap();
    window.see("#connection:not([data-state='live'])").await.unwrap();
    window.see("[data-note='heard']").await.unwrap();
    let asked = room.desktop.asked();
    window.click("#join").await.unwrap();
    room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
    window.see("[data-pending='waiting']").await.unwrap();
    room.picture(&window, "companion-joined-alone").await.unwrap();

    room.stack.start_relay().await.unwrap();
    window.see("#connection[data-state='live']").await.unwrap();
    window.see("body:not(:has(#pending))").await.unwrap();
    let path = format!("/visits/{}", visit["id"].as_str().unwrap());
    let visit = room.eyes().await.unwrap().get(&path).await.unwrap();
    let called = visit["timeline"].as_array().unwrap().iter().filter(|it| it["what"] == "called").count();
    assert_eq!(called, 1, "{visit}");
    window.close().await.unwrap();
}

#[tokio::test]
async fn while_the_chart_cannot_be_told_the_visit_goes_on_and_the_window_counts_what_waits() {
    let room = Room::new().await.unwrap();
    let (window, appointment) = room.in_visit(0).await.unwrap();
    let down = json!({ "target": "epic.connection_status", "mode": "status", "status": 503, "times": 0 });
    room.stack.sandbox.send(Method::PUT, "/faults", &down).await.unwrap();
    Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap().ready().await.unwrap();
    window.see("#alert").await.unwrap();
    let asked = room.desktop.asked();
    window.click("#join").await.unwrap();
    room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
    window.click("#close-visit").await.unwrap();
    wait::until("the foot counts what the chart has not been told", async || {
        let foot = window.text("footer [data-chart='pending']").await?;
        Ok((foot == "1 update waiting for the chart").then_some(()))
    })
    .await
    .unwrap();
    room.picture(&window, "companion-chart-waits").await.unwrap();
    window.close().await.unwrap();
}
