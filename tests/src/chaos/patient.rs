//! A patient without a screen, for the real relay: in from MyChart, and handed over to the meeting by our page each time they
//! go there, as only then is a guest who appears in Teams known to be them.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinician::http;
use crate::redirect::{cookie, location};
use crate::stack::Stack;

/// The open visit page of one patient.
pub(super) struct Patient {
    relay: String,
    cookie: String,
    http: reqwest::Client,
}

impl Patient {
    /// *Begin virtual visit* in MyChart, the launch, and the page's cookie.
    pub(super) async fn enter(stack: &Stack, patient: &Value, appointment: &str) -> anyhow::Result<Self> {
        let http = http()?;
        let body = json!({ "mychart_user": patient["mychart_user"], "appointment_id": appointment });
        let begun = stack.sandbox.send(Method::POST, "/launch", &body).await?;
        let begun = http.get(begun["https_url"].as_str().context("MyChart gave no link")?).send().await?;
        let browser = cookie(&begun)?;
        let authorized = http.get(location(&begun)?).send().await?;
        let entered = http.get(location(&authorized)?).header("cookie", browser).send().await?;
        anyhow::ensure!(location(&entered)?.starts_with("/v/p/"), "a patient is sent elsewhere");
        Ok(Self { relay: stack.relay.clone(), cookie: cookie(&entered)?, http })
    }

    /// The page opens the meeting for them. False where the relay is not there to hear it.
    pub(super) async fn is_handed_over(&self) -> bool {
        let request = self.http.post(format!("{}/v/api/handed-over", self.relay)).header("cookie", &self.cookie);
        request.header("origin", &self.relay).send().await.is_ok_and(|it| it.status().is_success())
    }
}
