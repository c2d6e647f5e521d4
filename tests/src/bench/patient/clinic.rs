//! The real stack, a clinician whom an earlier launch has linked and whose companion is online, and any number of patients
//! who have come in from the portal and not yet said that they are ready.

use std::path::Path;

use anyhow::Context;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::clinician::{self, Clinician};
use crate::redirect::{cookie, location};
use crate::stack::{Options, Organization, Stack};

/// How many people come in at the same time.
const AT_ONCE: usize = 8;

/// Everything that runs.
pub(super) struct Clinic {
    pub(super) stack: Stack,
    pub(super) clinician: Clinician,
    pub(super) http: Client,
    northside: Organization,
}

/// Somebody on the visit page: their cookie.
pub(super) struct Entered(pub(super) String);

impl Clinic {
    pub(super) async fn open(directory: &Path) -> anyhow::Result<Self> {
        let roomy: fn(&mut Value) = |configuration| {
            configuration["limits"] =
                json!({ "anonymous_per_minute": 1_000_000, "person_per_minute": 1_000_000, "sockets": 20_000 });
            configuration["log"]["level"] = json!("info");
        };
        // Somebody who drops off the line for less than the product's own default is not gone.
        let options = Options { grace_seconds: 90, adjust: vec![roomy], ..Options::default() };
        let stack = Stack::start(directory, &options).await?;
        let northside = stack.sandbox.organization("northside").await?;
        let person = northside.of_role("practitioner", 0)?.clone();
        let clinician = Clinician::sign_in(&stack, &northside, &person).await?;
        let clinic = Self { http: clinician::http()?, stack, clinician, northside };
        let (_, appointment) = clinic.scheduled(0).await?;
        clinic.clinician.enter(&clinic.stack, &appointment).await?;
        Ok(clinic)
    }

    /// The link that the portal opens for a patient of a visit that was not there before.
    pub(super) async fn link(&self) -> anyhow::Result<String> {
        let (user, appointment) = self.scheduled(0).await?;
        let body = json!({ "mychart_user": user, "appointment_id": appointment });
        let begun = self.stack.sandbox.send(Method::POST, "/launch", &body).await?;
        Ok(begun["https_url"].as_str().context("MyChart gave no link")?.to_owned())
    }

    async fn scheduled(&self, n: usize) -> anyhow::Result<(Value, String)> {
        let patients = self.northside.0["patients"].as_array().context("there is no patient")?;
        let patient = &patients[n % patients.len()];
        let clinician = self.northside.of_role("practitioner", 0)?;
        let made = self.stack.sandbox.schedule(&self.northside, clinician, patient).await?;
        let appointment = made["appointment_id"].as_str().context("nothing was scheduled")?.to_owned();
        Ok((patient["mychart_user"].clone(), appointment))
    }

    /// That many people come in, each to a visit of their own.
    pub(super) async fn enter(&self, people: usize) -> anyhow::Result<Vec<Entered>> {
        let mut all = Vec::new();
        while all.len() < people {
            let mut coming = JoinSet::new();
            for _ in 0..AT_ONCE.min(people - all.len()) {
                let (link, http) = (self.link().await?, self.http.clone());
                coming.spawn(async move { come_in(&http, &link).await });
            }
            while let Some(entered) = coming.join_next().await {
                all.push(entered??);
            }
        }
        Ok(all)
    }

    /// Whom the clinician signs in as.
    pub(super) fn account(&self) -> anyhow::Result<&str> {
        self.northside.of_role("practitioner", 0)?["upn"].as_str().context("nobody has a upn")
    }

    /// *I'm ready*; the status of the answer.
    pub(super) async fn ready(&self, who: &Entered) -> anyhow::Result<u16> {
        press_ready(&self.http, &self.stack.relay, who).await
    }
}

/// *I'm ready*, as the page says it.
pub(super) async fn press_ready(http: &Client, relay: &str, who: &Entered) -> anyhow::Result<u16> {
    let request = http.post(format!("{relay}/v/api/ready")).header("cookie", &who.0).header("origin", relay);
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    answer.bytes().await?;
    Ok(status)
}

async fn come_in(http: &Client, link: &str) -> anyhow::Result<Entered> {
    let begun = http.get(link).send().await?;
    let launch = cookie(&begun)?;
    let authorized = http.get(location(&begun)?).send().await?;
    let back = http.get(location(&authorized)?).header("cookie", launch).send().await?;
    anyhow::ensure!(location(&back)?.starts_with("/v/p/"), "the patient is sent elsewhere");
    Ok(Entered(cookie(&back)?))
}
