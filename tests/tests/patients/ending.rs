//! *End for all* as a patient in the meeting sees it on their phone, where the organization removes people and where it
//! cannot; the end taken back; and coming back, by our page and by Teams' own button. By HTTP the same is in
//! `adapters/removal.rs` and `adapters/ending.rs`.

use e2e::browser::Browser;
use e2e::room::Room;
use e2e::wait;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{Clinic, Visit, count, knocks, ready};

/// A visit with both in the meeting, the patient on a phone.
struct Inside {
    visit: Visit,
    phone: Browser,
    room: Room,
    /// The clinician's leg.
    own: String,
}

impl Inside {
    async fn start(clinic: &Clinic) -> Self {
        let (visit, phone) = clinic.on_the_ready_screen().await.unwrap();
        ready(&phone).await.unwrap();
        visit.patient_is("waiting").await.unwrap();
        let (room, own) = visit.met(clinic).await.unwrap();
        // Called, the page opens the meeting by itself.
        let inside = Self { visit, phone, room, own };
        inside.let_in().await;
        inside.visit.patient_is("connected").await.unwrap();
        inside
    }

    /// At the door of the meeting: knocks as a guest and is let in.
    async fn let_in(&self) {
        knocks(&self.phone, "Guest").await.unwrap();
        self.room.admit().await.unwrap();
        self.phone.see("#in-call:not([hidden])").await.unwrap();
    }

    /// Their own page, in a tab beside the meeting.
    async fn own_page(&self, clinic: &Clinic, stage: &str, picture: &str) {
        let page = &self.phone.page;
        let tab = page.new_window(true).await.unwrap();
        page.switch_to_window(tab.handle).await.unwrap();
        self.phone.open(&format!("{}/v/", clinic.public)).await.unwrap();
        self.phone.see(&format!("html[data-stage='{stage}']")).await.unwrap();
        self.phone.picture(&clinic.shot(picture).unwrap()).await.unwrap();
    }

    /// Closes it again.
    async fn back_to_the_meeting(&self) {
        let page = &self.phone.page;
        page.close_window().await.unwrap();
        let meeting = page.windows().await.unwrap().remove(0);
        page.switch_to_window(meeting).await.unwrap();
    }

    /// Their own page says that it is over, and what to do where Teams still runs.
    async fn told_that_it_is_over(&self, clinic: &Clinic, picture: &str) {
        self.own_page(clinic, "ended", picture).await;
        let said = self.phone.text("main").await.unwrap();
        assert!(said.contains("Your visit is over") && said.contains("Teams"), "{said}");
        self.back_to_the_meeting().await;
    }
}

/// What the chart was told of the patient, as far as its numbers go, once it is this.
async fn chart_says(clinic: &Clinic, words: &[&str]) {
    let status = &clinic.northside.0["ehr"]["connection_status"];
    let expected: Vec<Value> = words.iter().map(|it| status[*it].clone()).collect();
    let mut told = Vec::new();
    let what = format!("the chart says {words:?} of the patient");
    let done = wait::until(&what, async || {
        let all = clinic.stack.sandbox.write_backs().await?;
        told = all.into_iter().filter(|it| it["external_id_type"] == status["external_id_type"]["patient"]).collect();
        for it in &mut told {
            *it = it["connection_status"].take();
        }
        // The newest may be said again.
        told.dedup();
        Ok((told == expected).then_some(()))
    });
    if done.await.is_err() {
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn where_people_are_removed_the_phone_is_out_and_back_in_once_the_end_is_taken_back() {
    let wanted: fn(&mut Value) = |configuration| {
        configuration["organizations"][0]["meeting"] = json!({ "removal": true, "lobby": "organizer" });
    };
    let clinic = Clinic::open_with(wanted).await.unwrap();
    let tenant = json!({ "value": "past-lobby", "org": "northside" });
    clinic.stack.sandbox.send(Method::PUT, "/switches/removal", &tenant).await.unwrap();
    let inside = Inside::start(&clinic).await;
    let Inside { visit, phone, room, .. } = &inside;
    chart_says(&clinic, &["connected"]).await;

    visit.does("end").await.unwrap();
    phone.see("#over[data-stage='removed']").await.unwrap();
    visit.becomes("it is over", |it| it["closing"] == false && it["stage"] == "finished").await.unwrap();
    chart_says(&clinic, &["connected", "disconnected"]).await;
    inside.told_that_it_is_over(&clinic, "removed-page").await;

    // Teams lets them try again, and they are put out again.
    phone.click("#rejoin").await.unwrap();
    knocks(phone, "Guest").await.unwrap();
    phone.see("#over[data-stage='removed']").await.unwrap();
    chart_says(&clinic, &["connected", "disconnected"]).await;

    // The end is taken back: their page offers the way in, and they are themselves again.
    let back = visit.does("undo").await.unwrap();
    assert_eq!((&back["closing"], &back["stage"]), (&json!(false), &json!("in-progress")));
    room.comes(&visit.clinician.oid).await.unwrap();
    visit.becomes("the clinician is back", |it| count(it, "practitioner", "connected") == 1).await.unwrap();
    inside.own_page(&clinic, "called", "undone-page").await;
    inside.let_in().await;
    let back = visit.becomes("the patient is back", |it| count(it, "patient", "connected") == 1).await.unwrap();
    assert_eq!(count(&back, "unattributed", "connected"), 0, "and nobody else");
    chart_says(&clinic, &["connected", "disconnected", "connected"]).await;
    inside.phone.close().await.unwrap();
}

#[tokio::test]
async fn where_nobody_can_be_removed_the_page_says_that_it_is_over_and_who_comes_back_comes_by_it() {
    let clinic = Clinic::open().await.unwrap();
    let inside = Inside::start(&clinic).await;
    let Inside { visit, phone, room, own } = &inside;

    let ended = visit.does("end").await.unwrap();
    assert_eq!((&ended["closing"], &ended["stage"]), (&json!(true), &json!("in-progress")));
    inside.told_that_it_is_over(&clinic, "over-page").await;
    // A press is no witness: they are still in there, and nothing else is written.
    phone.see("#in-call:not([hidden])").await.unwrap();
    chart_says(&clinic, &["connected"]).await;

    let back = visit.does("undo").await.unwrap();
    assert_eq!((&back["closing"], count(&back, "patient", "connected")), (&json!(false), 1));
    inside.own_page(&clinic, "in-meeting", "in-meeting-page").await;
    phone.see("#open-meeting").await.unwrap();
    inside.back_to_the_meeting().await;

    // They leave, and come back by Teams alone: a link may have been forwarded, so this is nobody we know.
    phone.click("#leave").await.unwrap();
    visit.patient_is("disconnected").await.unwrap();
    chart_says(&clinic, &["connected", "disconnected"]).await;
    phone.click("#rejoin").await.unwrap();
    inside.let_in().await;
    let stranger = |it: &Value| count(it, "unattributed", "connected") == 1;
    let now = visit.becomes("a stranger is inside", stranger).await.unwrap();
    assert_eq!(count(&now, "patient", "connected"), 0);
    phone.click("#leave").await.unwrap();
    visit.becomes("the stranger is gone", |it| count(it, "unattributed", "connected") == 0).await.unwrap();

    // By our page they are themselves again.
    phone.open(&format!("{}/v/", clinic.public)).await.unwrap();
    phone.click("#open-meeting").await.unwrap();
    inside.let_in().await;
    visit.patient_is("connected").await.unwrap();
    chart_says(&clinic, &["connected", "disconnected", "connected"]).await;

    // And it ends, for real.
    visit.does("end").await.unwrap();
    phone.click("#leave").await.unwrap();
    room.leaves(own).await.unwrap();
    visit.becomes("it is over", |it| it["closing"] == false && it["stage"] == "finished").await.unwrap();
    chart_says(&clinic, &["connected", "disconnected", "connected", "disconnected"]).await;
    inside.phone.close().await.unwrap();
}
