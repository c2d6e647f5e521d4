//! A visit on its way into the Teams meeting, and one with both inside. The meeting itself is `e2e::room`.

use e2e::clinician::Clinician;
pub(crate) use e2e::room::Room;
use reqwest::Method;
use serde_json::Value;

use crate::ground::{Ground, visit_until};
use crate::visitor::{Socket, Visitor};

/// A visit whose clinician has begun it and whose patient has said *I'm ready*.
pub(crate) struct Waiting {
    pub(crate) clinician: Clinician,
    pub(crate) visit: Value,
    pub(crate) appointment: Value,
    pub(crate) visitor: Visitor,
    page: Socket,
}

impl Waiting {
    /// Launch, patient on the page, ready.
    pub(crate) async fn start(ground: &Ground, patient: usize, appointment: Value) -> anyhow::Result<Self> {
        let clinician = ground.clinician(0).await?;
        let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
        let visitor = Visitor::enter(ground, patient, &appointment).await?;
        let page = visitor.stay().await?;
        visitor.ready().await?;
        Ok(Self { clinician, visit, appointment, visitor, page })
    }

    /// Clinician in, patient called, handed over and let in.
    pub(crate) async fn meet(self, ground: &Ground) -> anyhow::Result<Running> {
        let Self { clinician, visit, appointment, visitor, page } = self;
        let path = format!("/visits/{}/join", visit["id"].as_str().unwrap_or_default());
        let join = clinician.ask(Method::POST, &path, None).await?.accepted()?;
        let room = Room::of(ground, &join).await?;
        let own = room.comes(&clinician.oid).await?;
        let inside = |role: &'static str| move |visit: &Value| is(visit, role, "connected");
        visit_until(&clinician, &visit, "the clinician is in the meeting", inside("practitioner")).await?;
        visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
        visitor.post("handed-over").await?.accepted()?;
        let guest = room.guest().await?;
        room.admit().await?;
        let visit = visit_until(&clinician, &visit, "the patient is in the meeting", inside("patient")).await?;
        Ok(Running { clinician, visit, appointment, room, legs: (own, guest), _page: page })
    }
}

/// A visit with everybody in the meeting.
pub(crate) struct Running {
    pub(crate) clinician: Clinician,
    pub(crate) visit: Value,
    pub(crate) appointment: Value,
    pub(crate) room: Room,
    /// The clinician's and the patient's legs.
    pub(crate) legs: (String, String),
    _page: Socket,
}

impl Running {
    /// Launch, patient ready, clinician in, patient called, handed over and let in.
    pub(crate) async fn start(ground: &Ground, patient: usize) -> anyhow::Result<Self> {
        let appointment = ground.schedule(0, patient).await?;
        Waiting::start(ground, patient, appointment).await?.meet(ground).await
    }

    /// The visit as it is now.
    pub(crate) async fn look(&self) -> anyhow::Result<Value> {
        self.clinician.get(&format!("/visits/{}", self.visit["id"].as_str().unwrap_or_default())).await
    }
}

/// Whether somebody of this role has this presence.
pub(crate) fn is(visit: &Value, role: &str, presence: &str) -> bool {
    crate::ground::participant(visit, role)["presence"] == presence
}
