//! An EHR that takes everything at once, over HTTP on loopback, and the client that asks it: what an EHR without a limit
//! of its own would let through.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use roomed_relay::ehr::{AppointmentFacts, Attempt, Ehr, EhrError, Said, requests};
use roomed_relay::outbox::WriteBack;

use crate::clock::Stopwatch;

/// The client's side.
pub(super) struct Taking {
    address: String,
    client: reqwest::Client,
    taken: Arc<AtomicU64>,
}

impl Taking {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&taken);
        let take = move || {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/take", listener.local_addr()?);
        let app = Router::new().route("/take", get(take));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, client: reqwest::Client::builder().no_proxy().build()?, taken })
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    async fn ask(&self) -> bool {
        matches!(self.client.get(&self.address).send().await, Ok(answer) if answer.status().is_success())
    }

    /// Requests per second with `callers` at once and nothing else to do.
    pub(super) async fn alone(self: &Arc<Self>, callers: usize, requests: usize) -> anyhow::Result<f64> {
        let began = Stopwatch::start();
        let each = requests / callers;
        let mut tasks = Vec::new();
        for _ in 0..callers {
            let ehr = Arc::clone(self);
            tasks.push(tokio::spawn(async move {
                for _ in 0..each {
                    anyhow::ensure!(ehr.ask().await, "the EHR did not answer");
                }
                Ok(())
            }));
        }
        for task in tasks {
            task.await??;
        }
        Ok(f64::from(u32::try_from(each * callers)?) / began.elapsed().as_secs_f64())
    }
}

#[async_trait]
impl Ehr for Taking {
    async fn write_back(&self, _: &WriteBack, _: &Attempt<'_>) -> Said {
        requests::left();
        match self.ask().await {
            true => Said::Accepted,
            false => Said::NobodyKnows { reason: "no answer".into() },
        }
    }

    async fn appointment(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }

    async fn appointment_by_identifier(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }

    async fn appointment_of_encounter(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }
}
