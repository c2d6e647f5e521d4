//! A visit of the window's clinician with somebody in its meeting: grounds for what a clinician does once people are inside.

use e2e::room::Room as Meeting;
use e2e::window::Window;
use fantoccini::Locator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::patient::Patient;
use crate::room::{Appointment, Room};

/// A meeting with the clinician and the patient in it, and the visit open in the window.
pub(crate) struct Inside {
    pub(crate) window: Window,
    pub(crate) patient: Patient,
    pub(crate) meeting: Meeting,
    /// The clinician's leg and the patient's.
    pub(crate) legs: (String, String),
}

impl Inside {
    /// Launch, patient ready, *Join* pressed in the window, both in.
    pub(crate) async fn start(room: &Room) -> Self {
        let (window, appointment) = room.in_visit(0).await.unwrap();
        let patient = Patient::enter(room, room.patient(0).unwrap(), &appointment.id).await.unwrap();
        patient.ready().await.unwrap();
        window.see("[data-participant='patient'][data-presence='waiting']").await.unwrap();
        let asked = room.desktop.asked();
        window.click("#join").await.unwrap();
        room.desktop.asked_for("/l/meetup-join/", asked).await.unwrap();
        let meeting = Meeting::only(&room.stack).await.unwrap();
        let own = meeting.comes(room.me().unwrap()["oid"].as_str().unwrap()).await.unwrap();
        patient.handed_over().await.unwrap();
        let guest = meeting.guest().await.unwrap();
        meeting.admit().await.unwrap();
        for role in ["practitioner", "patient"] {
            window.see(&format!("[data-participant='{role}'][data-presence='connected']")).await.unwrap();
        }
        Self { window, patient, meeting, legs: (own, guest) }
    }
}

/// What the window says, until it says this.
pub(crate) async fn says(window: &Window, css: &str, words: &str) -> String {
    e2e::wait::until(&format!("{css} says: {words}"), async || {
        let text = window.page.find(Locator::Css(css)).await?.text().await?;
        Ok(text.contains(words).then_some(text))
    })
    .await
    .unwrap()
}

/// Waits until something is gone.
pub(crate) async fn gone(window: &Window, css: &str) {
    e2e::wait::until(&format!("{css} is gone"), async || {
        Ok(window.page.find_all(Locator::Css(css)).await?.is_empty().then_some(()))
    })
    .await
    .unwrap();
}

/// How many of these there are.
pub(crate) async fn count(window: &Window, css: &str) -> usize {
    window.page.find_all(Locator::Css(css)).await.unwrap().len()
}

impl Room {
    /// A visit of the first practitioner and the second, now: with this patient, or among themselves.
    pub(crate) async fn schedule_two(&self, patient: Option<usize>) -> anyhow::Result<Appointment> {
        let mut body = json!({
            "org": "northside",
            "practitioner_id": self.northside.of_role("practitioner", 0)?["practitioner_id"],
            "more_practitioners": [self.northside.of_role("practitioner", 1)?["practitioner_id"]],
            "type": self.northside.text("/ehr/virtual_visit_types/0/code")?,
            "start": e2e::clock::now().to_string(),
        });
        if let Some(patient) = patient {
            body["patient_id"] = self.patient(patient)?["patient_id"].clone();
        }
        Ok(Appointment::of(&self.stack.sandbox.send(Method::POST, "/appointments", &body).await?))
    }

    /// A group of the first practitioner and the first `size` patients, now: an appointment for each.
    pub(crate) async fn schedule_group(&self, size: usize) -> anyhow::Result<Vec<Appointment>> {
        let ids: anyhow::Result<Vec<Value>> = (0..size).map(|n| Ok(self.patient(n)?["patient_id"].clone())).collect();
        let body = json!({
            "org": "northside", "patient_ids": ids?,
            "practitioner_id": self.northside.of_role("practitioner", 0)?["practitioner_id"],
            "start": e2e::clock::now().to_string(),
        });
        let made = self.stack.sandbox.send(Method::POST, "/groups", &body).await?;
        Ok(made["appointments"].as_array().into_iter().flatten().map(Appointment::of).collect())
    }
}
