//! Nothing else to do: from the moment a state is accepted until the EHR has it and the store knows, one after the other.
//! Beside it the disk and the network alone.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use roomed_relay::clock::{Clock, Random, SystemClock, SystemRandomness};
use roomed_relay::config::Config;
use roomed_relay::ehr::Ehr;
use roomed_relay::keys::{Keys, VisitKey};
use roomed_relay::outbox::{About, Attendance, ChartListener, Presence, Role, Worker, WriteBack};
use roomed_relay::store::{Change, Channel, VisitRow};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::super::floor::Floor;
use super::super::report::percentile;
use super::ehr::Taking;
use super::given::{Database, EHR, ORGANIZATION, Opened, entry, now, visit};
use crate::clock::Stopwatch;

const WARM: usize = 20;

/// Counts deliveries that the store knows of.
#[derive(Default)]
pub(super) struct Board {
    bell: Arc<Notify>,
    delivered: AtomicUsize,
    news: Notify,
}

impl Board {
    /// Waits for the `count`-th delivery.
    pub(super) async fn until(&self, count: usize) -> anyhow::Result<()> {
        while self.delivered.load(Ordering::SeqCst) < count {
            let news = self.news.notified();
            if self.delivered.load(Ordering::SeqCst) >= count {
                break;
            }
            timeout(Duration::from_secs(300), news).await.context("deliveries came to a halt")?;
        }
        Ok(())
    }
}

#[async_trait]
impl ChartListener for Board {
    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    async fn chart_changed(&self, _: &str) {
        self.delivered.fetch_add(1, Ordering::SeqCst);
        self.news.notify_one();
    }
}

/// A store, keys and a worker, with nobody else around.
pub(super) struct Office {
    pub(super) opened: Opened,
    pub(super) worker: Worker,
    pub(super) board: Arc<Board>,
    keys: Arc<Keys>,
    _folder: tempfile::TempDir,
}

impl Office {
    pub(super) async fn open(database: &Database, ehr: Arc<Taking>, at_once: u32) -> anyhow::Result<Self> {
        let opened = database.fresh().await?;
        let folder = tempfile::tempdir()?;
        let config = configuration(folder.path(), at_once)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandomness::default());
        let keys = Arc::new(Keys::open(&config, &opened.store, &clock, &random).await?);
        let board = Arc::new(Board::default());
        let ehr: Arc<dyn Ehr> = ehr;
        let ehrs = HashMap::from([((ORGANIZATION.to_owned(), EHR.to_owned()), ehr)]);
        let worker = Worker::new(&config, &opened.store, &keys, &ehrs, &clock, &random, &board);
        Ok(Self { opened, worker, board, keys, _folder: folder })
    }

    /// A visit and its key.
    pub(super) fn visit(&self, id: &str) -> anyhow::Result<(VisitRow, VisitKey)> {
        let (key, wrapped) = self.keys.new_visit_key(ORGANIZATION, id, now())?;
        Ok((VisitRow { key: wrapped, ..visit(id) }, key))
    }

    /// A sealed intent.
    pub(super) fn intent(&self, key: &VisitKey, id: &str) -> anyhow::Result<Vec<u8>> {
        let about = About::Attendance(Attendance {
            participant: "p".into(),
            role: Role::Patient,
            fhir_id: "f".into(),
            presence: Presence::Connected,
            at: now(),
        });
        let intent = WriteBack {
            iss: EHR.into(),
            appointment: "a".into(),
            conference_id: Some("1853".into()),
            patient: None,
            channel: Channel::State,
            about,
        };
        Ok(key.seal(id.as_bytes(), &serde_json::to_vec(&intent)?))
    }
}

fn configuration(folder: &Path, at_once: u32) -> anyhow::Result<Config> {
    let text = format!(
        "[dev]\nloopback_http = true\n[keys]\nmaster_key = \"{}\"\n[outbox]\nconcurrency = {at_once}\n\
         per_ehr_per_second = 1000000\nper_ehr_burst = 1000000\n\
         [[organizations]]\nkey = \"{ORGANIZATION}\"\nname = \"Bench\"\nregion = \"emea\"\n\
         tid = \"11111111-1111-4111-8111-111111111111\"\norganizer_oid = \"22222222-2222-4222-8222-222222222222\"\n\
         ehr = []\n[organizations.entra]\nauthority = \"http://127.0.0.1:1/e\"\ncompanion_client_id = \"c\"\n\
         relay_client_id = \"r\"\nrelay_client_secret = \"s\"\nscope = \"api://r/access_as_user\"\n\
         [organizations.graph]\nbase = \"http://127.0.0.1:2\"\nsubscriptions_base = \"http://127.0.0.1:2\"\n\
         token_endpoint = \"http://127.0.0.1:1/t\"\nvalidation_keys = \"http://127.0.0.1:1/k\"\n\
         validation_issuer = \"http://127.0.0.1:1/i\"\nnotification_app_id = \"n\"\n",
        "ab".repeat(32)
    );
    let mut config = Config::assemble(&text, Path::new("bench"), Vec::new())?;
    config.keys.directory = folder.join("keys");
    Ok(config)
}

/// Both, in microseconds.
pub(super) struct Idle {
    pub(super) delivered_p99: f64,
    pub(super) floor_p99: f64,
}

pub(super) async fn run(database: &Database, directory: &Path, deliveries: usize) -> anyhow::Result<Idle> {
    let ehr = Arc::new(Taking::start().await?);
    let office = Office::open(database, ehr, 8).await?;
    let (row, key) = office.visit("v")?;
    office.opened.commit(Change::of(row, None, now())).await?;
    let (stop, stopping) = watch::channel(false);
    let board = Arc::clone(&office.board);
    let mut floor = Floor::new(directory)?;
    let (mut delivered, mut floors) = (Vec::new(), Vec::new());
    let mut intents = Vec::new();
    for n in 0..WARM + deliveries {
        intents.push((format!("o{n}"), office.intent(&key, &format!("o{n}"))?));
    }
    let Office { opened, worker, .. } = office;
    let running = tokio::spawn(worker.run(stopping));
    for (n, (id, sealed)) in intents.into_iter().enumerate() {
        let stored = opened.visit("v").await?.context("the visit")?;
        let outbox = vec![entry(id, format!("v/{n}/state"), sealed)];
        let change = Change::of(stored.row, Some(stored.version), now());
        opened.commit(Change { outbox, ..change }).await?;
        let began = Stopwatch::start();
        board.bell.notify_one();
        board.until(n + 1).await?;
        let took = began.elapsed();
        let alone;
        (floor, alone) = floor.measure().await?;
        if n >= WARM {
            delivered.push(took.as_secs_f64() * 1e6);
            floors.push(alone.as_secs_f64() * 1e6);
        }
    }
    stop.send_replace(true);
    running.await?;
    opened.close().await;
    let p99 = |values: &[f64]| percentile(values, 99).context("nothing was measured");
    Ok(Idle { delivered_p99: p99(&delivered)?, floor_p99: p99(&floors)? })
}
