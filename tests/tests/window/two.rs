//! *Join* for one visit while in another: the window asks whether the other one is over, and does what is answered.

use e2e::room::Room as Meeting;
use serde_json::Value;

use crate::inside::{Inside, count, says};
use crate::patient::Patient;
use crate::room::Room;

/// In the first visit, with the question about the second on the screen; answers with where the first one stands.
async fn asked(room: &Room) -> (Inside, Value) {
    let inside = Inside::start(room).await;
    let window = &inside.window;
    let second = room.schedule(0, 1, 5).await.unwrap();
    let patient = Patient::enter(room, room.patient(1).unwrap(), &second.id).await.unwrap();
    patient.ready().await.unwrap();
    room.alerted(&second, 1).await.unwrap();
    let joined = room.desktop.addresses().iter().filter(|it| it.contains("/l/meetup-join/")).count();
    // The launch goes straight in where nothing speaks against it. Here something does.
    room.launch(&room.begin(&second).await.unwrap()).await.unwrap();
    let words =
        says(window, "dialog#join-guard[open], #join-guard dialog[open], dialog[open]", "still in the visit").await;
    assert!(words.contains("Is your other visit over?"), "{words}");
    assert!(words.contains("inside: the patient and you."), "{words}");
    assert!(words.contains(&second.local_start()), "{words}");
    let meetings = room.desktop.addresses().iter().filter(|it| it.contains("/l/meetup-join/")).count();
    assert_eq!(meetings, joined, "a meeting was opened before there was an answer");
    let eyes = room.eyes().await.unwrap();
    let visits = eyes.get("/visits").await.unwrap()["visits"].clone();
    let first = visits.as_array().unwrap().iter().find(|it| it["stage"] == "in-progress").unwrap().clone();
    (inside, first)
}

async fn now(room: &Room, visit: &Value) -> Value {
    room.eyes().await.unwrap().get(&format!("/visits/{}", visit["id"].as_str().unwrap())).await.unwrap()
}

#[tokio::test]
async fn the_other_visit_is_left_open_where_that_is_the_answer() {
    let room = Room::new().await.unwrap();
    let (Inside { window, meeting, .. }, first) = asked(&room).await;
    room.picture(&window, "companion-still-in-another").await.unwrap();
    let pressed = room.desktop.asked();
    window.click("#guard-join").await.unwrap();
    room.desktop.asked_for("/l/meetup-join/", pressed).await.unwrap();
    let first = now(&room, &first).await;
    assert_eq!((&first["closing"], &first["stage"]), (&false.into(), &"in-progress".into()));
    assert_eq!(meeting.kinds().await.unwrap(), ["user", "guest"]);
    window.close().await.unwrap();
}

#[tokio::test]
async fn the_other_visit_is_ended_for_all_where_that_is_the_answer() {
    let room = Room::new().await.unwrap();
    let (Inside { window, meeting, legs, patient }, first) = asked(&room).await;
    let pressed = room.desktop.asked();
    window.click("#guard-end").await.unwrap();
    let opened = room.desktop.asked_for("/l/meetup-join/", pressed).await.unwrap();
    let ended = now(&room, &first).await;
    assert_eq!(ended["closing"], true, "{ended}");
    patient.sees("ended").await.unwrap();
    // The one that was opened is the other one's meeting.
    let second = room.eyes().await.unwrap().get("/visits").await.unwrap()["visits"].clone();
    let second = second.as_array().unwrap().iter().find(|it| it["id"] != first["id"]).unwrap().clone();
    let path = format!("/visits/{}/join", second["id"].as_str().unwrap());
    let join = room.eyes().await.unwrap().ask(reqwest::Method::POST, &path, None).await.unwrap().accepted().unwrap();
    let other = Meeting::of(&room.stack, &join).await.unwrap();
    assert_ne!(other.thread(), meeting.thread());
    assert_eq!(join["https_url"].as_str().unwrap(), opened);
    // Out of the first: nothing is asked any more.
    meeting.leaves(&legs.0).await.unwrap();
    assert_eq!(count(&window, "dialog[open]").await, 0);
    window.close().await.unwrap();
}
