//! A patient who is somewhere else: the way in from MyChart and *I'm ready*, without a screen of their own.

use anyhow::Context;
use e2e::redirect::{cookie, location};
use reqwest::Method;
use serde_json::{Value, json};

use crate::room::Room;

/// A patient on the visit page.
pub(crate) struct Patient {
    http: reqwest::Client,
    relay: String,
    cookie: String,
}

impl Patient {
    /// Comes in through MyChart.
    pub(crate) async fn enter(room: &Room, patient: &Value, appointment: &str) -> anyhow::Result<Self> {
        let body = json!({ "mychart_user": patient["mychart_user"], "appointment_id": appointment });
        let begun = room.stack.sandbox.send(Method::POST, "/launch", &body).await?;
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        let answer = http.get(begun["https_url"].as_str().context("MyChart gave no link")?).send().await?;
        let launch = cookie(&answer)?;
        let answer = http.get(location(&answer)?).send().await?;
        let answer = http.get(location(&answer)?).header("cookie", launch).send().await?;
        anyhow::ensure!(location(&answer)? == "/v/", "the patient is sent elsewhere");
        Ok(Self { http, relay: room.stack.relay.clone(), cookie: cookie(&answer)? })
    }

    /// *I'm ready*.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let request = self.http.post(format!("{}/v/api/ready", self.relay));
        let answer = request.header("cookie", &self.cookie).header("origin", &self.relay).send().await?;
        anyhow::ensure!(answer.status().is_success(), "the relay answered {}", answer.status());
        Ok(())
    }
}
