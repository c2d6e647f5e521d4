//! The Teams meeting of a visit, without a browser: people come, are let in, leave, and it ends.

use anyhow::Context;
use serde_json::{Value, json};

use crate::clinician::http;
use crate::stack::Stack;

/// The meeting of one visit, by its chat thread.
pub struct Room {
    teams: String,
    thread: String,
    http: reqwest::Client,
}

impl Room {
    /// The meeting whose `joinWebUrl` the clinician is given.
    pub async fn of(stack: &impl AsRef<Stack>, join: &Value) -> anyhow::Result<Self> {
        let sandbox = &stack.as_ref().sandbox;
        let known = http()?.get(format!("{}/_sandbox/meetings", sandbox.at("graph"))).send().await?;
        let known: Value = known.json().await?;
        let found = known["meetings"].as_array().into_iter().flatten().find(|it| it["joinWebUrl"] == join["https_url"]);
        let thread = found.context("Teams knows no such meeting")?["thread"].as_str().unwrap_or_default().to_owned();
        Ok(Self { teams: sandbox.at("teams").to_owned(), thread, http: http()? })
    }

    /// The only meeting that Teams knows.
    pub async fn only(stack: &impl AsRef<Stack>) -> anyhow::Result<Self> {
        let sandbox = &stack.as_ref().sandbox;
        let known = http()?.get(format!("{}/_sandbox/meetings", sandbox.at("graph"))).send().await?;
        let known: Value = known.json().await?;
        let [one] = known["meetings"].as_array().map(Vec::as_slice).unwrap_or_default() else {
            anyhow::bail!("Teams knows more meetings than one, or none");
        };
        let thread = one["thread"].as_str().unwrap_or_default().to_owned();
        Ok(Self { teams: sandbox.at("teams").to_owned(), thread, http: http()? })
    }

    /// Its chat thread.
    pub fn thread(&self) -> &str {
        &self.thread
    }

    /// The legs at its door or in it, in the order they came: `leg`, `kind`, `place`.
    pub async fn legs(&self) -> anyhow::Result<Vec<Value>> {
        let thread: String = url::form_urlencoded::byte_serialize(self.thread.as_bytes()).collect();
        let look: Value =
            self.http.get(format!("{}/_sandbox/meetings/{thread}", self.teams)).send().await?.json().await?;
        Ok(look["legs"].as_array().cloned().unwrap_or_default())
    }

    /// Of what kinds they are.
    pub async fn kinds(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.legs().await?.iter().filter_map(|it| it["kind"].as_str().map(str::to_owned)).collect())
    }

    /// Where a leg is: `waiting`, `lobby` or `in`.
    pub async fn place(&self, leg: &str) -> anyhow::Result<String> {
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
    pub async fn comes(&self, oid: &str) -> anyhow::Result<String> {
        self.joined(&json!({ "oid": oid })).await
    }

    /// A guest comes; answers with their leg.
    pub async fn guest(&self) -> anyhow::Result<String> {
        self.joined(&json!({ "guest": "Guest" })).await
    }

    async fn joined(&self, comer: &Value) -> anyhow::Result<String> {
        Ok(self.act("join", comer).await?["leg"].as_str().context("nobody came")?.to_owned())
    }

    /// The first in the lobby is let in.
    pub async fn admit(&self) -> anyhow::Result<()> {
        self.act("admit", &json!({})).await.map(drop)
    }

    /// Somebody is let in by this leg, if it may.
    pub async fn admitted(&self, leg: &str, by: &str) -> anyhow::Result<()> {
        self.act("admit", &json!({ "leg": leg, "by": by })).await.map(drop)
    }

    /// A leg goes.
    pub async fn leaves(&self, leg: &str) -> anyhow::Result<()> {
        self.act("leave", &json!({ "leg": leg })).await.map(drop)
    }

    /// The meeting is ended for everyone.
    pub async fn ends(&self) -> anyhow::Result<()> {
        self.act("end", &json!({})).await.map(drop)
    }
}
