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
        anyhow::ensure!(location(&answer)?.starts_with("/v/p/"), "the patient is sent elsewhere");
        Ok(Self { http, relay: room.stack.relay.clone(), cookie: cookie(&answer)? })
    }

    /// *I'm ready*.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let request = self.http.post(format!("{}/v/api/ready", self.relay));
        let answer = request.header("cookie", &self.cookie).header("origin", &self.relay).send().await?;
        anyhow::ensure!(answer.status().is_success(), "the relay answered {}", answer.status());
        Ok(())
    }

    /// How their page shows the visit.
    pub(crate) async fn stage(&self) -> anyhow::Result<String> {
        let answer = self.http.get(format!("{}/v/api/visit", self.relay)).header("cookie", &self.cookie).send().await?;
        let view: Value = answer.error_for_status()?.json().await?;
        Ok(view["stage"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until it shows that.
    pub(crate) async fn sees(&self, stage: &str) -> anyhow::Result<()> {
        let what = format!("the patient's page says {stage}");
        e2e::wait::until(&what, async || Ok((self.stage().await? == stage).then_some(()))).await
    }

    /// Called, and on from the page into the meeting.
    pub(crate) async fn handed_over(&self) -> anyhow::Result<()> {
        self.sees("called").await?;
        let request = self.http.post(format!("{}/v/api/handed-over", self.relay));
        let answer = request.header("cookie", &self.cookie).header("origin", &self.relay).send().await?;
        anyhow::ensure!(answer.status().is_success(), "the relay answered {}", answer.status());
        Ok(())
    }
}
