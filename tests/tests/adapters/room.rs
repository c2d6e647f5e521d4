//! What happens in the Teams meeting of a visit, without a browser: people come, are let in, leave, and it ends.

use anyhow::Context;
use e2e::clinician::{Clinician, http};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, visit_until};
use crate::visitor::{Socket, Visitor};

/// The meeting of one visit, by its chat thread.
pub(crate) struct Room {
    teams: String,
    thread: String,
    http: reqwest::Client,
}

impl Room {
    /// The meeting whose `joinWebUrl` the clinician is given.
    pub(crate) async fn of(ground: &Ground, join: &Value) -> anyhow::Result<Self> {
        let known: Value =
            http()?.get(format!("{}/_sandbox/meetings", ground.stack.sandbox.at("graph"))).send().await?.json().await?;
        let found = known["meetings"].as_array().into_iter().flatten().find(|it| it["joinWebUrl"] == join["https_url"]);
        let thread = found.context("Teams knows no such meeting")?["thread"].as_str().unwrap_or_default().to_owned();
        Ok(Self { teams: ground.stack.sandbox.at("teams").to_owned(), thread, http: http()? })
    }

    /// Its chat thread.
    pub(crate) fn thread(&self) -> &str {
        &self.thread
    }

    /// The legs at its door or in it, in the order they came: `leg`, `kind`, `place`.
    pub(crate) async fn legs(&self) -> anyhow::Result<Vec<Value>> {
        let thread: String = url::form_urlencoded::byte_serialize(self.thread.as_bytes()).collect();
        let look: Value =
            self.http.get(format!("{}/_sandbox/meetings/{thread}", self.teams)).send().await?.json().await?;
        Ok(look["legs"].as_array().cloned().unwrap_or_default())
    }

    /// Of what kinds they are.
    pub(crate) async fn kinds(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.legs().await?.iter().filter_map(|it| it["kind"].as_str().map(str::to_owned)).collect())
    }

    /// Where a leg is: `waiting`, `lobby` or `in`.
    pub(crate) async fn place(&self, leg: &str) -> anyhow::Result<String> {
        let all = self.legs().await?;
        let found = all.iter().find(|it| it["leg"] == leg).and_then(|it| it["place"].as_str());
        Ok(found.context("no such leg is there")?.to_owned())
    }

    async fn act(&self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let thread: String = url::form_urlencoded::byte_serialize(self.thread.as_bytes()).collect();
        let address = format!("{}/_sandbox/meetings/{thread}/{what}", self.teams);
        let answer = self.http.post(address).json(body).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null))
    }

    /// A person of the tenant comes; answers with their leg.
    pub(crate) async fn comes(&self, oid: &str) -> anyhow::Result<String> {
        self.joined(&json!({ "oid": oid })).await
    }

    /// A guest comes; answers with their leg.
    pub(crate) async fn guest(&self) -> anyhow::Result<String> {
        self.joined(&json!({ "guest": "Guest" })).await
    }

    async fn joined(&self, comer: &Value) -> anyhow::Result<String> {
        Ok(self.act("join", comer).await?["leg"].as_str().context("nobody came")?.to_owned())
    }

    /// The first in the lobby is let in.
    pub(crate) async fn admit(&self) -> anyhow::Result<()> {
        self.act("admit", &json!({})).await.map(drop)
    }

    /// Somebody is let in by this leg, if it may.
    pub(crate) async fn admitted(&self, leg: &str, by: &str) -> anyhow::Result<()> {
        self.act("admit", &json!({ "leg": leg, "by": by })).await.map(drop)
    }

    /// A leg goes.
    pub(crate) async fn leaves(&self, leg: &str) -> anyhow::Result<()> {
        self.act("leave", &json!({ "leg": leg })).await.map(drop)
    }

    /// The meeting is ended for everyone.
    pub(crate) async fn ends(&self) -> anyhow::Result<()> {
        self.act("end", &json!({})).await.map(drop)
    }
}

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
