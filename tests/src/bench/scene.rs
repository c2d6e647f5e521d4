//! What an arrival needs before it can be measured: the real stack with a tap before the relay, a clinician who sits in
//! the meetings of several visits, and a thousand people of another organization who are merely signed in.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::tap::Tap;
use crate::clinician::{self, Clinician};
use crate::clock::Stopwatch;
use crate::stack::{Options, Organization, Stack};
use crate::wait;

/// Enough that no visit collects more comings and goings than a bad line gives a real one.
const VISITS: usize = 12;

/// Everything that runs.
pub(super) struct Scene {
    /// Sandbox and relay.
    pub(super) stack: Stack,
    /// Between Graph and the relay.
    pub(super) tap: Tap,
    /// Who is told.
    pub(super) clinician: Clinician,
    crowd: roomed_sandbox::Running,
    crowd_of: Organization,
    threads: Vec<String>,
    http: reqwest::Client,
}

impl Scene {
    /// Sets it up in `directory`. Times at the tap are those of `watch`.
    pub(super) async fn set(directory: &Path, watch: Stopwatch) -> anyhow::Result<Self> {
        // Somebody who drops off the line for less than the product's own default is not gone.
        let options = Options { grace_seconds: 90, ..Options::default() };
        let mut stack = Stack::start(directory, &options).await?;
        stack.stop_relay().await?;
        // A hospital in this process: its tenant's tokens can be made without a person at a sign-in page.
        let crowd = roomed_sandbox::Sandbox::start(roomed_sandbox::Options::default()).await?;
        let http = clinician::http()?;
        let published = http.get(format!("{}/organizations/northside", crowd.addresses.control)).send().await?;
        let mut crowd_of = Organization(published.error_for_status()?.json().await?);
        crowd_of.0["key"] = json!("crowd");
        let relay: SocketAddr = stack.relay.trim_start_matches("http://").parse()?;
        let tap = Tap::open(relay, watch).await?;
        configure(&directory.join("relay.toml"), &tap.base, &crowd_of)?;
        stack.start_relay().await?;

        let northside = stack.sandbox.organization("northside").await?;
        let person = northside.of_role("practitioner", 0)?.clone();
        let clinician = Clinician::sign_in(&stack, &northside, &person).await?;
        let mut scene = Self { stack, tap, clinician, crowd, crowd_of, threads: Vec::new(), http };
        scene.open_visits(&northside, &person).await?;
        Ok(scene)
    }

    /// Visits with the clinician in their meetings and nothing left to be written to the chart.
    async fn open_visits(&mut self, northside: &Organization, person: &Value) -> anyhow::Result<()> {
        let patients = northside.0["patients"].as_array().context("there is no patient")?;
        for patient in patients.iter().cycle().take(VISITS) {
            let visit = self.stack.sandbox.schedule(northside, person, patient).await?;
            let appointment = visit["appointment_id"].as_str().context("there is no appointment")?;
            self.clinician.enter(&self.stack, appointment).await?;
        }
        let threads = format!("{}/_sandbox/subscriptions", self.stack.sandbox.at("graph"));
        self.threads = wait::until("every meeting is watched", async || {
            let known: Value = self.http.get(&threads).send().await?.error_for_status()?.json().await?;
            let known = known["subscriptions"].as_array().context("no subscriptions")?;
            let threads: Vec<String> = known.iter().filter_map(|it| it["thread"].as_str().map(str::to_owned)).collect();
            Ok((threads.len() == VISITS).then_some(threads))
        })
        .await?;
        for thread in &self.threads {
            let joined = self.teams(thread, "join", json!({ "oid": self.clinician.oid })).await?;
            anyhow::ensure!(joined["place"] == "in", "Teams keeps the clinician out of their own meeting");
        }
        wait::until("the chart shows the clinician in every visit", async || {
            Ok((self.stack.sandbox.write_backs().await?.len() >= VISITS).then_some(()))
        })
        .await
    }

    /// What a guest on a bad line does, act by act: comes to the lobby, is let in, drops off; then the next visit.
    pub(super) async fn act(&self, number: usize, guest: &mut String) -> anyhow::Result<()> {
        let thread = &self.threads[number / 3 % self.threads.len()];
        match number % 3 {
            0 => {
                let joined = self.teams(thread, "join", json!({ "guest": "Guest" })).await?;
                anyhow::ensure!(joined["place"] == "lobby", "Teams lets a guest pass the lobby");
                *guest = joined["leg"].as_str().context("a guest without a leg")?.to_owned();
            }
            1 => drop(self.teams(thread, "admit", json!({ "leg": guest })).await?),
            _ => drop(self.teams(thread, "leave", json!({ "leg": guest })).await?),
        }
        Ok(())
    }

    async fn teams(&self, thread: &str, what: &str, body: Value) -> anyhow::Result<Value> {
        let mut url = Url::parse(self.stack.sandbox.at("teams"))?;
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("the address of Teams has no path"))?
            .extend(["_sandbox", "meetings", thread, what]);
        let answer = self.http.request(Method::POST, url).json(&body).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null))
    }

    /// Access tokens of `count` people, no two the same, with the claims Entra puts into them.
    pub(super) fn tokens(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let text = |pointer: &str| self.crowd_of.text(pointer);
        let (tid, authority) = (text("/tid")?, text("/entra/authority")?);
        let (relay, companion) = (text("/entra/relay_client_id")?, text("/entra/companion_client_id")?);
        let now = crate::clock::now().as_second();
        let token = |number: usize| {
            let oid = uuid::Uuid::from_u128(0xc0de_0000_0000_4000_8000_0000_0000_0000 + number as u128);
            self.crowd.hospital.entra.key.sign(&json!({
                "aud": relay, "iss": authority, "iat": now - 5, "nbf": now - 5, "exp": now + 3_600, "azp": companion,
                "azpacr": "0", "name": format!("Clinician {number}"), "oid": oid, "scp": "access_as_user",
                "sub": oid.simple().to_string(), "tid": tid, "ver": "2.0",
            }))
        };
        Ok((0..count).map(token).collect())
    }
}

/// The configuration of the stack with the tap as the address Graph is told, the product's own level of logging, and
/// the crowd's organization.
fn configure(file: &Path, public_url: &str, crowd: &Organization) -> anyhow::Result<()> {
    let mut configuration: Value = toml::from_str(&std::fs::read_to_string(file)?)?;
    configuration["public_url"] = json!(public_url);
    configuration["log"]["level"] = json!("info");
    let organizations = configuration["organizations"].as_array_mut().context("the relay serves nobody")?;
    organizations.push(crowd.configuration()?);
    std::fs::write(file, toml::to_string(&configuration)?)?;
    Ok(())
}
