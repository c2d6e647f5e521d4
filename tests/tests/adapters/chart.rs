//! A vendor's file of the relay, without the relay around it, before a whole stand-in EHR: intents go in, and what stands in
//! the chart afterwards is looked at. Delivery is played as the outbox does it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use e2e::clock::Stopwatch;
use e2e::stack::{Organization, Sandbox};
use e2e::wait;
use reqwest::Method;
use roomed_relay::clock::{Clock, Random, SystemClock, SystemRandomness};
use roomed_relay::config::Config;
use roomed_relay::ehr::{Attempt, Ehr, Gate, ReadBack, Said, connect};
use roomed_relay::outbox::{About, Attendance, Presence, Role, WriteBack};
use roomed_relay::store::{Channel, Others};
use roomed_smart::UrlPolicy;
use roomed_smart::keys::{SigningKey, jwks};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than a request of these tests may land late.
const SETTLE: Duration = Duration::from_millis(600);
/// More than any fault of these tests lasts.
const ATTEMPTS: u32 = 8;

/// One EHR, and two nodes that write to it.
pub(crate) struct Chart {
    pub(crate) sandbox: Sandbox,
    /// What the sandbox publishes of this EHR.
    pub(crate) published: Value,
    pub(crate) ehr: Arc<dyn Ehr>,
    pub(crate) other_node: Arc<dyn Ehr>,
    word: &'static str,
    _folder: TempDir,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) said: Said,
    pub(crate) attempts: u32,
}

struct Leased;

#[async_trait]
impl Gate for Leased {
    async fn may_send(&self) -> bool {
        true
    }
}

impl Chart {
    /// `vendor` in the relay's word.
    pub(crate) async fn start(vendor: &'static str) -> anyhow::Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let folder = tempfile::tempdir()?;
        std::fs::create_dir_all(folder.path().join("logs"))?;
        let sandbox = Sandbox::start(folder.path(), None, true).await?;
        let northside = sandbox.organization("northside").await?;
        let pem = SigningKey::generate_pem()?;
        let key = Arc::new(SigningKey::from_pem(pem.expose_secret())?);
        sandbox.register_relay(&publish(&key).await?).await?;
        let (word, published) = published(&northside, vendor)?;
        let config = config(&northside, vendor)?;
        let node = || {
            let ehr = config.organizations.first().and_then(|it| it.ehr.first()).context("no EHR")?;
            let policy = UrlPolicy::AllowLoopbackHttp;
            let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
                (Arc::new(SystemClock), Arc::new(SystemRandomness::default()));
            let http = roomed_smart::http::client(policy)?;
            anyhow::Ok(connect(ehr, "northside", &config, &key, &http, policy, &clock, &random))
        };
        let (ehr, other_node) = (node()?, node()?);
        Ok(Self { sandbox, published, ehr, other_node, word, _folder: folder })
    }

    /// A visit of the first practitioner and the n-th patient.
    pub(crate) async fn schedule(&self, patient: usize, status: &str) -> anyhow::Result<Value> {
        self.schedule_with(patient, status, json!({})).await
    }

    /// The same, at a desk that plans no Encounter for it.
    pub(crate) async fn schedule_without_encounter(&self, patient: usize) -> anyhow::Result<Value> {
        self.schedule_with(patient, "booked", json!({ "encounter": false })).await
    }

    async fn schedule_with(&self, patient: usize, status: &str, more: Value) -> anyhow::Result<Value> {
        let id = |list: &str, n: usize, name: &str| self.published[list][n][name].clone();
        let mut body = json!({
            "ehr": self.word, "org": "northside", "type": "VV-TEAMS", "status": status,
            "patient_id": id("patients", patient, "patient_id"),
            "practitioner_id": id("people", 0, "practitioner_id"), "start": e2e::clock::now().to_string(),
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.sandbox.send(Method::POST, "/appointments", &body).await
    }

    /// An intent about an appointment.
    pub(crate) fn intent(&self, appointment: &Value, channel: Channel, about: About) -> WriteBack {
        let text = |name: &str| appointment[name].as_str().unwrap_or_default().to_owned();
        WriteBack {
            iss: self.published["iss"].as_str().unwrap_or_default().to_owned(),
            appointment: text("appointment_id"),
            conference_id: Some(text("csn")),
            patient: Some(text("patient_id")),
            channel,
            about,
        }
    }

    /// Somebody on the appointment comes or goes.
    pub(crate) fn presence(&self, appointment: &Value, channel: Channel, role: Role, presence: Presence) -> WriteBack {
        let (participant, id) = match role {
            Role::Patient => ("patient", &appointment["patient_id"]),
            Role::Practitioner => ("clinician", &appointment["practitioner_id"]),
        };
        let (participant, fhir_id) = (participant.to_owned(), id.as_str().unwrap_or_default().to_owned());
        let about = Attendance { participant, role, fhir_id, presence, at: e2e::clock::now() };
        self.intent(appointment, channel, About::Attendance(about))
    }

    /// Tries until it is settled, as the outbox does.
    pub(crate) async fn deliver(&self, intent: &WriteBack, key: &str) -> anyhow::Result<Delivered> {
        deliver(&self.ehr, intent, key).await
    }

    /// Sets a fault switch.
    pub(crate) async fn fault(&self, fault: Value) -> anyhow::Result<()> {
        self.sandbox.send(Method::PUT, "/faults", &fault).await.map(drop)
    }

    /// How many creates of this business key took effect.
    pub(crate) async fn creates(&self, key: &str) -> anyhow::Result<usize> {
        let is_create = |it: &&Value| it["kind"] == "create" && it["identifiers"].to_string().contains(key);
        Ok(self.effects().await?.iter().filter(is_create).count())
    }

    /// Everything that took effect here, oldest first.
    pub(crate) async fn effects(&self) -> anyhow::Result<Vec<Value>> {
        let all = self.sandbox.get("/effects?since=0&limit=10000").await?;
        let all = all["effects"].as_array().context("no effects")?;
        Ok(all.iter().filter(|it| it["ehr"] == self.word).cloned().collect())
    }

    /// Every fault has been met.
    pub(crate) async fn no_fault_left(&self) -> anyhow::Result<()> {
        let faults = self.sandbox.get("/faults").await?;
        anyhow::ensure!(faults["faults"] == json!([]), "a fault was never met: {faults}");
        Ok(())
    }

    /// The EHR shows it, by a fresh read.
    pub(crate) async fn shows(&self, intent: &WriteBack, key: &str) -> ReadBack {
        self.ehr.reads_back(intent, key).await
    }
}

pub(crate) async fn deliver(ehr: &Arc<dyn Ehr>, intent: &WriteBack, key: &str) -> anyhow::Result<Delivered> {
    let mut uncertain = false;
    for attempts in 1..=ATTEMPTS {
        match ehr
            .write_back(intent, &Attempt { key, uncertain, settling: false, others: Others::Clear, gate: &Leased })
            .await
        {
            Said::NobodyKnows { .. } => uncertain = true,
            Said::NotNow { .. } => uncertain = false,
            said => return Ok(Delivered { said, attempts }),
        }
        settle().await?;
    }
    anyhow::bail!("not settled after {ATTEMPTS} attempts")
}

/// Waits for what may still land.
async fn settle() -> anyhow::Result<()> {
    let began = Stopwatch::start();
    wait::until("the settle delay is over", async || Ok((began.elapsed() > SETTLE).then_some(()))).await
}

/// Serves the public key where the EHR looks for it.
async fn publish(key: &SigningKey) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let document = serde_json::to_value(jwks([key]))?;
    let answer = move || async move { axum::Json(document) };
    let app = axum::Router::new().route("/.well-known/jwks.json", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(base)
}

/// The sandbox's word for a vendor.
pub(crate) fn sandbox_word(vendor: &str) -> &'static str {
    match vendor {
        "epic" => "epic",
        "oracle-health" => "oracle",
        _ => "r4",
    }
}

fn published(northside: &Organization, vendor: &str) -> anyhow::Result<(&'static str, Value)> {
    if vendor == "epic" {
        let mut epic = northside.0["ehr"].clone();
        for list in ["people", "patients"] {
            epic[list] = northside.0[list].clone();
        }
        // The delegate practises nowhere.
        let practising = |it: &Value| it["practitioner_id"].is_string();
        let people = epic["people"].as_array().cloned().unwrap_or_default().into_iter().filter(practising);
        epic["people"] = people.collect();
        return Ok(("epic", epic));
    }
    Ok((sandbox_word(vendor), northside.ehr(vendor)?.clone()))
}

/// As an admin and an analyst would type it.
fn config(northside: &Organization, vendor: &str) -> anyhow::Result<Config> {
    let mut organization = northside.configuration_at(vendor)?;
    organization["ehr"][0]["communication"] = json!(vendor != "oracle-health");
    let whole = json!({
        "public_url": "https://roomed.example", "dev": { "loopback_http": true },
        "keys": { "master_key": hex::encode([7_u8; 32]) }, "organizations": [organization],
    });
    let config = Config::assemble(&toml::to_string(&whole)?, Path::new("test"), Vec::new())?;
    config.validate()?;
    Ok(config)
}
