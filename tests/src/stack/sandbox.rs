//! The sandbox as a process, and its control address: organizations, journal, write-backs, faults.

use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::organization::Organization;
use super::process::Process;
use crate::wait;

/// A line of the sandbox's journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub n: u64,
    /// RFC 3339.
    pub at: String,
    /// Which part of the hospital.
    pub who: String,
    /// What happened.
    pub what: String,
    /// The details.
    pub detail: Value,
}

/// A running stand-in hospital.
pub struct Sandbox {
    /// Where its parts listen.
    pub addresses: Value,
    http: reqwest::Client,
    _process: Option<Process>,
}

impl Sandbox {
    /// Starts it, if wanted with a canary in every patient and secret field.
    pub async fn start(directory: &Path, seed: Option<u64>, canaries: bool) -> anyhow::Result<Self> {
        let mut arguments = Vec::new();
        if canaries {
            arguments.push("--canaries".into());
        }
        if let Some(seed) = seed {
            arguments.extend(["--seed".into(), seed.to_string().into()]);
        }
        let mut process = Process::start("roomed-sandbox", arguments, [], &directory.join("logs/sandbox.log"))?;
        let line = process.first_line().await.context("the sandbox did not start; see logs/sandbox.log")?;
        let addresses = serde_json::from_str(&line).context("the sandbox's first line is no JSON")?;
        Ok(Self { addresses, http: client()?, _process: Some(process) })
    }

    /// One that somebody else has started, and goes on keeping.
    pub fn look_at(addresses: Value) -> anyhow::Result<Self> {
        Ok(Self { addresses, http: client()?, _process: None })
    }

    /// The address of a part: `entra`, `epic`, `graph`, `teams` or `control`.
    pub fn at(&self, part: &str) -> &str {
        self.addresses[part].as_str().unwrap_or_default()
    }

    /// `GET` at the control address.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.at("control"));
        Ok(self.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// `method` with a JSON body at the control address.
    pub async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.at("control"));
        let answer = self.http.request(method.clone(), url).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{method} {path} answered {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// What an admin and an analyst would type for this organization.
    pub async fn organization(&self, key: &str) -> anyhow::Result<Organization> {
        Ok(Organization(self.get(&format!("/organizations/{key}")).await?))
    }

    /// Registers the relay's redirect addresses, keys and launch addresses.
    pub async fn register_relay(&self, base: &str) -> anyhow::Result<()> {
        self.send(reqwest::Method::PUT, "/relay", &json!({ "base": base })).await.map(drop)
    }

    /// Schedules a visit now.
    pub async fn schedule(
        &self,
        organization: &Organization,
        practitioner: &Value,
        patient: &Value,
    ) -> anyhow::Result<Value> {
        let start = crate::clock::now();
        let body = json!({
            "org": organization.text("/key")?,
            "patient_id": patient["patient_id"],
            "practitioner_id": practitioner["practitioner_id"],
            "type": organization.text("/ehr/virtual_visit_types/0/code")?,
            "start": start.to_string(),
            "minutes": 30,
            "status": "booked",
        });
        self.send(reqwest::Method::POST, "/appointments", &body).await
    }

    /// The whole journal.
    pub async fn journal(&self) -> anyhow::Result<Vec<Entry>> {
        let answer = self.get("/journal").await?;
        let entries = answer["entries"].as_array().context("the journal has no entries")?;
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let entry = |it: &Value| Entry {
            n: it["n"].as_u64().unwrap_or_default(),
            at: text(it, "at"),
            who: text(it, "who"),
            what: text(it, "what"),
            detail: it["detail"].clone(),
        };
        Ok(entries.iter().map(entry).collect())
    }

    /// Waits for a journal entry.
    pub async fn saw(&self, what: &str, matches: impl Fn(&Entry) -> bool) -> anyhow::Result<Entry> {
        wait::until(&format!("the sandbox's journal says {what}"), async || {
            Ok(self.journal().await?.into_iter().find(|entry| entry.what == what && matches(entry)))
        })
        .await
    }

    /// The connection statuses the EHR has accepted, in time order.
    pub async fn write_backs(&self) -> anyhow::Result<Vec<Value>> {
        Ok(self.get("/write-backs").await?.as_array().cloned().unwrap_or_default())
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?)
}
