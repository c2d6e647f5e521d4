//! Visits of more than two people in the window: a group, clinicians among themselves, and a patient with two clinicians.
//! Whoever is in them is told apart by role and number; no name is among them.

use e2e::clinician::Clinician;
use e2e::room::Room as Meeting;
use fantoccini::Locator;
use reqwest::Method;
use serde_json::Value;

use crate::inside::{count, gone, says};
use crate::patient::Patient;
use crate::room::Room;

/// What of a patient would be a name.
fn names(room: &Room, n: usize) -> Vec<String> {
    let patient = room.patient(n).unwrap();
    let all = ["given", "family", "name", "display_name"].iter().filter_map(|it| patient[it].as_str());
    all.map(str::to_owned).collect()
}

#[tokio::test]
async fn of_a_group_the_window_says_how_many_wait_and_names_nobody_among_them() {
    let room = Room::new().await.unwrap();
    let appointments = room.schedule_group(3).await.unwrap();
    let mut patients = Vec::new();
    for (n, appointment) in appointments.iter().enumerate() {
        patients.push(Patient::enter(&room, room.patient(n).unwrap(), &appointment.id).await.unwrap());
    }
    let window = room.signed_in().await.unwrap();
    room.first_launch(&window, &room.begin(&appointments[1]).await.unwrap()).await.unwrap();
    window.see("[data-participant='patient']").await.unwrap();
    assert_eq!(count(&window, "[data-participant='patient']").await, 3);
    for (ready, words) in [(1, "Patient ready"), (2, "2 people ready")] {
        patients[ready].ready().await.unwrap();
        says(&window, "#visit-title", words).await;
    }
    let there = says(&window, "section[aria-labelledby='people-title']", "Patient 3").await;
    assert!(there.contains("Patient 1") && there.contains("Patient 2"), "{there}");
    room.picture(&window, "companion-group").await.unwrap();
    // The chart's own patient stands above; of the others nothing is on the page, and of nobody among the people.
    let page = window.page.source().await.unwrap();
    for n in [0, 1, 2] {
        let known = names(&room, n);
        assert!(!known.is_empty(), "the sandbox does not say what the patient is called");
        for name in known {
            assert!(!there.contains(&name), "{name} among the people");
            assert!(n == 1 || !page.contains(&name), "{name} of another chart");
        }
    }
    // Back in the day's list it is the same by numbers only.
    window.click("#close-visit").await.unwrap();
    let card = says(&window, "section[data-visit]", "2 people ready").await;
    assert!(card.contains("Patient"), "{card}");
    let page = window.page.source().await.unwrap();
    assert!((0..3).all(|n| names(&room, n).iter().all(|name| !page.contains(name))), "a name in the list");
    room.picture(&window, "companion-group-today").await.unwrap();

    // *End for all* counts them, too.
    let asked = room.desktop.asked();
    window.click("#join").await.unwrap();
    room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
    let meeting = Meeting::only(&room.stack).await.unwrap();
    meeting.comes(room.me().unwrap()["oid"].as_str().unwrap()).await.unwrap();
    for patient in &patients[1..] {
        patient.handed_over().await.unwrap();
        meeting.guest().await.unwrap();
        meeting.admit().await.unwrap();
    }
    e2e::wait::until("both are in", async || {
        let inside = window.page.find_all(Locator::Css("[data-participant='patient'][data-presence='connected']"));
        Ok((inside.await?.len() == 2).then_some(()))
    })
    .await
    .unwrap();
    window.click("#end-visit").await.unwrap();
    says(&window, "dialog[open] #end-what", "2 patients and you are inside.").await;
    room.picture(&window, "companion-group-end").await.unwrap();
    window.close().await.unwrap();
}

async fn second(room: &Room) -> Clinician {
    Clinician::sign_in(&room.stack, &room.northside, room.northside.of_role("practitioner", 1).unwrap()).await.unwrap()
}

async fn joins(room: &Room, who: &Clinician, visit: &Value) -> Meeting {
    let path = format!("/visits/{}/join", visit["id"].as_str().unwrap());
    let join = who.ask(Method::POST, &path, None).await.unwrap().accepted().unwrap();
    let meeting = Meeting::of(&room.stack, &join).await.unwrap();
    meeting.comes(&who.oid).await.unwrap();
    meeting
}

#[tokio::test]
async fn a_colleague_who_comes_to_a_talk_among_clinicians_is_announced_as_one() {
    let room = Room::new().await.unwrap();
    let talk = room.schedule_two(None).await.unwrap();
    let window = room.signed_in().await.unwrap();
    room.first_launch(&window, &room.begin(&talk).await.unwrap()).await.unwrap();
    window.see("[data-participant='practitioner']").await.unwrap();
    assert_eq!(count(&window, "#patient-name, [data-participant='patient']").await, 0, "there is no patient in it");
    let colleague = second(&room).await;
    let visit = colleague.enter(&room.stack, &talk.id).await.unwrap();
    let meeting = joins(&room, &colleague, &visit).await;

    let shown = room.bus.saw("Colleague ready").await.unwrap();
    assert_eq!(shown.body, talk.local_start(), "time and role only");
    let twin = says(&window, "#alert", "ready").await;
    assert!(twin.starts_with("Colleague ready"), "{twin}");
    assert_eq!(room.alerts(&talk), 0, "nobody is a patient here");
    says(&window, "#visit-title", "Clinician in the meeting").await;
    let there = says(&window, "section[aria-labelledby='people-title']", "You").await;
    assert!(there.contains("Clinician In the meeting"), "the only other one has no number: {there}");
    let happened =
        says(&window, "section[aria-labelledby='timeline-title']", "Colleague called into the meeting").await;
    assert!(!happened.contains("Patient"), "{happened}");
    room.picture(&window, "companion-colleague-ready").await.unwrap();
    window.click("#join").await.unwrap();
    meeting.comes(room.me().unwrap()["oid"].as_str().unwrap()).await.unwrap();
    says(&window, "#visit-title", "In visit").await;
    window.click("#end-visit").await.unwrap();
    let asked = says(&window, "dialog[open] #end-what", "inside.").await;
    assert!(asked.starts_with("You and the clinician are inside."), "{asked}");
    window.close().await.unwrap();
}

#[tokio::test]
async fn a_patient_with_two_clinicians_is_announced_as_the_patient_and_the_colleague_as_nobody() {
    let room = Room::new().await.unwrap();
    room.linked().await.unwrap();
    let appointment = room.schedule_two(Some(0)).await.unwrap();
    let window = room.signed_in().await.unwrap();
    room.launch(&room.begin(&appointment).await.unwrap()).await.unwrap();
    window.see("#patient-name").await.unwrap();
    let patient = Patient::enter(&room, room.patient(0).unwrap(), &appointment.id).await.unwrap();
    patient.ready().await.unwrap();
    room.alerted(&appointment, 1).await.unwrap();
    says(&window, "#alert", "Patient ready").await;
    // The colleague sees to it: nobody is waited for any more, and nobody is announced.
    let colleague = second(&room).await;
    let visit = colleague.enter(&room.stack, &appointment.id).await.unwrap();
    joins(&room, &colleague, &visit).await;
    window.see("[data-participant='practitioner'][data-presence='connected']").await.unwrap();
    gone(&window, "#alert").await;
    assert!(room.bus.seen().iter().all(|it| it.summary != "Colleague ready"), "a colleague is no patient");
    let there = says(&window, "section[aria-labelledby='people-title']", "Clinician").await;
    assert!(there.contains("You") && there.contains("Patient"), "{there}");
    assert_eq!(count(&window, "#join").await, 1, "they may still come in");
    room.picture(&window, "companion-two-clinicians").await.unwrap();
    window.close().await.unwrap();
}
