//! *End for all* with people inside, as the clinician sees it: what the question says, who is still there or being removed,
//! what can be taken back, and who comes again.

use e2e::stack::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::inside::{Inside, count, gone, says};
use crate::room::Room;

/// An organization that wants people removed, and a tenant whose switch `removal` stands at `value`.
async fn removing(value: &str) -> Room {
    let wanted: fn(&mut Value) = |configuration| {
        configuration["organizations"][0]["meeting"] = json!({ "removal": true, "lobby": "organizer" });
    };
    let room = Room::with(Options { adjust: vec![wanted], ..Options::default() }).await.unwrap();
    let body = json!({ "value": value, "org": "northside" });
    room.stack.sandbox.send(Method::PUT, "/switches/removal", &body).await.unwrap();
    room
}

#[tokio::test]
async fn everybody_is_asked_to_leave_and_who_is_inside_is_said_until_nobody_is() {
    let room = Room::new().await.unwrap();
    let Inside { window, meeting, legs, .. } = Inside::start(&room).await;
    window.click("#end-visit").await.unwrap();
    let asked = says(&window, "dialog[open] #end-what", "inside.").await;
    assert!(asked.starts_with("The patient and you are inside."), "{asked}");
    assert!(asked.contains("everybody is asked to leave. Roomed cannot remove people from Teams."), "{asked}");
    room.picture(&window, "companion-end-question").await.unwrap();
    // The question is no answer.
    window.click("#keep-visit").await.unwrap();
    gone(&window, "dialog[open]").await;
    assert_eq!(count(&window, "[data-note='undo']").await, 0, "ended without a yes");
    window.click("#end-visit").await.unwrap();
    window.click("#confirm-end").await.unwrap();
    says(&window, ".lead [role='status']", "Still inside: the patient and you.").await;
    window.see("#undo-end").await.unwrap();
    assert_eq!(count(&window, "#join, #end-visit").await, 0, "there is nothing to join or to end any more");
    room.picture(&window, "companion-still-inside").await.unwrap();

    // One goes and comes back, and is waited for again.
    meeting.leaves(&legs.0).await.unwrap();
    says(&window, ".lead [role='status']", "Still inside: the patient.").await;
    let back = meeting.comes(room.me().unwrap()["oid"].as_str().unwrap()).await.unwrap();
    says(&window, ".lead [role='status']", "Still inside: the patient and you.").await;
    meeting.leaves(&legs.1).await.unwrap();
    says(&window, ".lead [role='status']", "Still inside: you.").await;
    meeting.leaves(&back).await.unwrap();
    says(&window, "#visit-title", "Finished").await;
    assert_eq!(count(&window, ".lead [role='status']").await, 0);
    room.picture(&window, "companion-all-out").await.unwrap();
    window.close().await.unwrap();
}

#[tokio::test]
async fn an_end_is_taken_back_from_the_window() {
    let room = Room::new().await.unwrap();
    let Inside { window, patient, meeting, .. } = Inside::start(&room).await;
    window.click("#end-visit").await.unwrap();
    window.click("#confirm-end").await.unwrap();
    patient.sees("ended").await.unwrap();
    window.click("#undo-end").await.unwrap();
    window.see("#end-visit").await.unwrap();
    gone(&window, "[data-note='undo']").await;
    says(&window, "#visit-title", "In visit").await;
    room.picture(&window, "companion-taken-back").await.unwrap();
    // Both were in the meeting all the time, and nobody is put out of it afterwards.
    assert_eq!(meeting.kinds().await.unwrap(), ["user", "guest"]);
    assert_eq!(patient.stage().await.unwrap(), "in-meeting");
    window.close().await.unwrap();
}

#[tokio::test]
async fn where_people_are_removed_the_window_says_so_and_who_comes_back_is_put_out() {
    let room = removing("past-lobby").await;
    let Inside { window, meeting, .. } = Inside::start(&room).await;
    window.click("#end-visit").await.unwrap();
    let asked = says(&window, "dialog[open] [data-ending='removes']", "removed").await;
    assert!(asked.contains("everybody is removed from the meeting, you too"), "{asked}");
    assert_eq!(count(&window, "dialog[open] [data-ending='asks'], [data-note='not-removed']").await, 0);
    room.picture(&window, "companion-end-removes").await.unwrap();
    // Graph is slow about it: so long it is said.
    let busy = json!({ "target": "graph.calls.remove", "mode": "status", "status": 503, "times": 0 });
    room.stack.sandbox.send(Method::PUT, "/faults", &busy).await.unwrap();
    window.click("#confirm-end").await.unwrap();
    says(&window, ".lead [role='status']", "Being removed: the patient and you.").await;
    room.picture(&window, "companion-being-removed").await.unwrap();
    room.stack.sandbox.send(Method::DELETE, "/faults", &Value::Null).await.unwrap();
    says(&window, "#visit-title", "Finished").await;

    let removed = async || {
        let all = room.stack.sandbox.journal().await.unwrap();
        all.iter().filter(|it| it.what == "participant.removed").count()
    };
    let before = removed().await;
    meeting.comes(room.me().unwrap()["oid"].as_str().unwrap()).await.unwrap();
    e2e::wait::until("who came back is put out", async || Ok((removed().await > before).then_some(()))).await.unwrap();
    assert_eq!(window.text("#visit-title").await.unwrap(), "Finished");
    assert_eq!(count(&window, "[data-presence='connected']").await, 0);
    window.close().await.unwrap();
}

#[tokio::test]
async fn where_it_is_not_allowed_the_window_says_who_can_help() {
    let room = removing("consented").await;
    let Inside { window, meeting, legs, .. } = Inside::start(&room).await;
    window.click("#end-visit").await.unwrap();
    window.click("#confirm-end").await.unwrap();
    // Nobody has tried before somebody ended it; then it is known.
    let said = says(&window, ".lead [data-note='not-removed']", "Your Microsoft 365 admin can fix this.").await;
    says(&window, ".lead [role='status']", "Still inside: the patient and you.").await;
    assert!(said.len() > "Your Microsoft 365 admin can fix this.".len(), "what is missing is said, too: {said}");
    room.picture(&window, "companion-not-removed").await.unwrap();
    meeting.leaves(&legs.0).await.unwrap();
    meeting.leaves(&legs.1).await.unwrap();
    says(&window, "#visit-title", "Finished").await;
    window.close().await.unwrap();
}
