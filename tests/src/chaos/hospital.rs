//! What the stand-in hospital can be asked from outside the relay: visits to be scheduled, faults to be set, every effect
//! that took place, and the marks that its own Hyperspace shows.

use std::collections::BTreeMap;

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use super::checker::{Applied, Key};
use crate::stack::{Organization, Sandbox};

const PAGE: u64 = 10_000;

/// The hospital and one of its organizations.
pub(super) struct Hospital {
    /// The process.
    pub(super) sandbox: Sandbox,
    /// The customer whose visits these are.
    pub(super) northside: Organization,
    http: reqwest::Client,
}

/// What took effect.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Epic's connection statuses, by key, in order.
    pub(super) statuses: BTreeMap<Key, Vec<Applied>>,
    /// Creates beside Epic: type, id and identifiers, in order.
    pub(super) creates: Vec<Value>,
    /// Connection statuses of a number that nobody was ever told.
    pub(super) unknown: u64,
}

impl Hospital {
    /// Starts one.
    pub(super) async fn start(directory: &std::path::Path, seed: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory.join("logs"))?;
        Self::of(Sandbox::start(directory, Some(seed), false).await?).await
    }

    /// One that somebody else has started, and goes on keeping.
    pub(super) async fn look_at(addresses: Value) -> anyhow::Result<Self> {
        Self::of(Sandbox::look_at(addresses)?).await
    }

    async fn of(sandbox: Sandbox) -> anyhow::Result<Self> {
        let northside = sandbox.organization("northside").await?;
        Ok(Self { sandbox, northside, http: crate::clinician::http()? })
    }

    /// Sets a fault switch.
    pub(super) async fn fault(&self, fault: &Value) -> anyhow::Result<()> {
        self.sandbox.send(Method::PUT, "/faults", fault).await.map(drop)
    }

    /// Clears all of them.
    pub(super) async fn well(&self) -> anyhow::Result<()> {
        self.sandbox.send(Method::DELETE, "/faults", &Value::Null).await.map(drop)
    }

    /// How often switches of this target have struck since the hospital began, by what they do.
    pub(super) async fn struck(&self, target: &str) -> anyhow::Result<BTreeMap<String, u64>> {
        let all = self.sandbox.get("/faults").await?;
        let modes = all["struck"][target].as_object().cloned().unwrap_or_default();
        Ok(modes.into_iter().map(|(mode, times)| (mode, times.as_u64().unwrap_or_default())).collect())
    }

    /// A visit that begins now.
    pub(super) async fn schedule(&self, practitioner: &Value, patient: &Value) -> anyhow::Result<Value> {
        self.sandbox.schedule(&self.northside, practitioner, patient).await
    }

    /// A visit at one of the other EHRs (`oracle`, `r4`). For about half of them the desk has planned no Encounter: where
    /// there is one, it is ours to make.
    pub(super) async fn schedule_at(&self, ehr: &str, practitioner: &Value, patient: &Value) -> anyhow::Result<Value> {
        let planned =
            patient["patient_id"].as_str().unwrap_or_default().bytes().fold(0, |sum: u8, it| sum ^ it) % 2 == 0;
        let body = json!({
            "ehr": ehr, "encounter": planned, "org": "northside", "patient_id": patient["patient_id"],
            "practitioner_id": practitioner["practitioner_id"], "type": "VV-TEAMS",
            "start": crate::clock::now().to_string(),
        });
        self.sandbox.send(Method::POST, "/appointments", &body).await
    }

    /// The number of the newest effect.
    pub(super) async fn newest_effect(&self) -> anyhow::Result<u64> {
        let page = self.sandbox.get("/effects?since=0&limit=1").await?;
        page["newest"].as_u64().context("the effects have no newest")
    }

    /// Everything that took effect after `since`.
    pub(super) async fn effects(&self, since: u64) -> anyhow::Result<Effects> {
        let status = |name: &str| self.northside.0["ehr"]["connection_status"][name].as_u64();
        let (connected, disconnected) = (status("connected"), status("disconnected"));
        let mut effects = Effects::default();
        let mut since = since;
        loop {
            let page = self.sandbox.get(&format!("/effects?since={since}&limit={PAGE}")).await?;
            for it in page["effects"].as_array().context("no effects")? {
                let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
                if it["kind"] != "connection-status" {
                    effects.creates.push(it.clone());
                    continue;
                }
                let connected = match it["status"].as_u64() {
                    number if number == connected => true,
                    number if number == disconnected => false,
                    _ => {
                        effects.unknown += 1;
                        continue;
                    }
                };
                let at: jiff::Timestamp = text("at").parse()?;
                let key = Key { conference: text("conference_id"), person: text("external_id") };
                effects.statuses.entry(key).or_default().push(Applied { connected, at: at.as_millisecond() });
            }
            since = page["next"].as_u64().context("no next")?;
            if page["more"] != true {
                return Ok(effects);
            }
        }
    }

    /// What stands at the connection-status service by its own account, as numbers.
    pub(super) async fn standing(&self) -> anyhow::Result<BTreeMap<Key, bool>> {
        let connected = &self.northside.0["ehr"]["connection_status"]["connected"];
        let all = self.sandbox.get("/standing?ehr=epic").await?;
        let all = all["epic"]["connection_statuses"].as_array().cloned().context("nothing stands")?;
        let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let stands = |it: &Value| {
            let key = Key { conference: text(it, "conference_id"), person: text(it, "external_id") };
            (key, it["status"] == *connected)
        };
        Ok(all.iter().map(stands).collect())
    }

    /// The marks a clinician of the hospital sees in Hyperspace now: by appointment, the patient's and the practitioner's
    /// words. Read as the page reads them.
    pub(super) async fn marks(&self) -> anyhow::Result<BTreeMap<String, (String, String)>> {
        let epic = self.sandbox.at("epic");
        let user = self.northside.of_role("practitioner", 0)?["emp_user"].as_str().context("no Hyperspace user")?;
        let signed_in = self.http.post(format!("{epic}/hyperspace/sign-in")).form(&[("emp_user", user)]).send().await?;
        let cookie = signed_in.headers().get("set-cookie").and_then(|it| it.to_str().ok()).context("no cookie")?;
        let cookie = cookie.split(';').next().unwrap_or_default();
        let events = self.http.get(format!("{epic}/hyperspace/events")).header("cookie", cookie).send().await?;
        let mut events = events.error_for_status()?;
        let mut text = Vec::new();
        // One event: it ends with an empty line.
        while !text.windows(2).any(|two| two == b"\n\n") {
            text.extend_from_slice(&events.chunk().await?.context("Hyperspace shows nothing")?);
        }
        let text = String::from_utf8(text)?;
        let data: String = text.split("\n\n").next().unwrap_or_default().lines().filter_map(data).collect();
        let rows: Vec<Value> = serde_json::from_str(&data)?;
        let word = |row: &Value, whose: &str| row["marks"][whose].as_str().unwrap_or_default().to_owned();
        let row = |row: &Value| {
            let id = row["id"].as_str().unwrap_or_default().to_owned();
            (id, (word(row, "patient"), word(row, "practitioner")))
        };
        Ok(rows.iter().map(row).collect())
    }
}

/// A line of a server-sent event.
fn data(line: &str) -> Option<&str> {
    line.strip_prefix("data: ").or_else(|| line.strip_prefix("data:"))
}
