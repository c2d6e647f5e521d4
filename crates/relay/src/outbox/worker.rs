//! Delivers the outbox: claims rows, lets the vendor's file say them, settles. What is in flight is bounded in number and
//! in time; the deadline is shorter than the lease, so nothing is sent under a lease that ran out.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::WriteBack;
use super::retry::{Schedule, SoFar};
use crate::clock::{Clock, Random};
use crate::config::{self, Config};
use crate::ehr::{Ehr, Said};
use crate::keys::{KeyError, Keys};
use crate::store::{ClaimPolicy, Lease, Outcome, Settled, Store, StoreError};

/// Leases of a dead worker run out unseen by anyone, so look at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Who wants to know, and who rings.
#[async_trait]
pub trait ChartListener: Send + Sync {
    /// Rung after a commit that wrote outbox rows.
    fn bell(&self) -> Arc<Notify>;

    /// What the chart says about somebody in this visit may have changed: tell its clinicians.
    async fn chart_changed(&self, visit: &str);
}

/// The EHR connections by organization and `iss`.
type Ehrs = HashMap<(String, String), Arc<dyn Ehr>>;

/// The one that delivers. Several may run on one database.
pub struct Worker {
    parts: Arc<Parts>,
}

struct Parts {
    config: config::Outbox,
    schedule: Schedule,
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    ehrs: Ehrs,
    pace: HashMap<(String, String), DefaultDirectRateLimiter>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    listener: Arc<dyn ChartListener>,
}

impl Worker {
    /// Wires it up.
    pub fn new(
        config: &Config,
        store: &Arc<dyn Store>,
        keys: &Arc<Keys>,
        ehrs: &Ehrs,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        listener: &Arc<impl ChartListener + 'static>,
    ) -> Self {
        let per_second = NonZeroU32::new(config.outbox.per_ehr_per_second).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_second(per_second).allow_burst(per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        let listener: Arc<dyn ChartListener> = listener.clone();
        Self {
            parts: Arc::new(Parts {
                config: config.outbox.clone(),
                schedule: Schedule::of(&config.outbox),
                store: Arc::clone(store),
                keys: Arc::clone(keys),
                ehrs: ehrs.clone(),
                pace: ehrs.keys().map(|it| (it.clone(), RateLimiter::direct(quota))).collect(),
                clock: Arc::clone(clock),
                random: Arc::clone(random),
                listener,
            }),
        }
    }

    /// Delivers until `stopping` turns true, and then finishes what is in flight.
    pub async fn run(self, mut stopping: watch::Receiver<bool>) {
        let bell = self.parts.listener.bell();
        let mut flying = JoinSet::new();
        while !*stopping.borrow() {
            let free = self.parts.config.concurrency.saturating_sub(u32::try_from(flying.len()).unwrap_or(u32::MAX));
            let claimed = if free > 0 { self.launch(&mut flying, free).await } else { Ok(0) };
            let wait = match claimed {
                Ok(some) if some > 0 && some == free => continue,
                Ok(_) => self.parts.until_next().await,
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be read");
                    LONGEST_WAIT
                }
            };
            tokio::select! {
                _ = tokio::time::timeout(wait, bell.notified()) => {}
                Some(ended) = flying.join_next() => report(ended),
                // The guard it answers with must not be held while others wait.
                () = async { drop(stopping.wait_for(|stop| *stop).await) } => {}
            }
        }
        while let Some(ended) = flying.join_next().await {
            report(ended);
        }
    }

    /// Delivers what is runnable now, all of it at once, and waits for the end. Says how many rows were claimed.
    pub async fn run_once(&self) -> Result<u32, StoreError> {
        let mut flying = JoinSet::new();
        let claimed = self.launch(&mut flying, self.parts.config.concurrency).await?;
        while let Some(ended) = flying.join_next().await {
            report(ended);
        }
        Ok(claimed)
    }

    async fn launch(&self, flying: &mut JoinSet<()>, limit: u32) -> Result<u32, StoreError> {
        let seconds = |it: u32| SignedDuration::from_secs(i64::from(it));
        let policy = ClaimPolicy {
            now: self.parts.clock.now(),
            limit,
            lease: seconds(self.parts.config.lease_seconds),
            settle_delay: self.parts.schedule.settle_delay,
        };
        let leases = self.parts.store.claim(policy).await?;
        let claimed = u32::try_from(leases.len()).unwrap_or(u32::MAX);
        for lease in leases {
            flying.spawn(Arc::clone(&self.parts).deliver(lease));
        }
        Ok(claimed)
    }
}

impl Parts {
    /// One attempt from claim to settle.
    async fn deliver(self: Arc<Self>, lease: Lease) {
        let (id, visit, attempt, accepted_at) =
            (lease.id.clone(), lease.visit.clone(), lease.attempt, lease.accepted_at);
        let deadline = Duration::from_secs(u64::from(self.config.deadline_seconds));
        let said = match tokio::time::timeout(deadline, self.say(&lease)).await {
            Ok(said) => said,
            Err(_) => Said::NobodyKnows { reason: "no answer within the deadline".into() },
        };
        let now = self.clock.now();
        let so_far = SoFar { failures: lease.failures, accepted_at, now, jitter: self.random.fraction() };
        let outcome = self.schedule.outcome(said, so_far);
        let word = word(&outcome);
        let reason = reason(&outcome).to_owned();
        let quiet = matches!(outcome, Outcome::Retry { .. } | Outcome::Unknown { .. });
        let reassert_at = now.saturating_add(self.schedule.settle_delay).unwrap_or(now);
        match self.store.settle(lease, outcome, now, reassert_at).await {
            Ok(Settled::Done) => {
                tracing::info!(outbox = %id, attempt, outcome = word, reason, "write-back settled");
                metrics::counter!("roomed_outbox_attempts_total", "outcome" => word).increment(1);
                if word == "delivered" {
                    let took = now.duration_since(accepted_at).as_secs_f64();
                    metrics::histogram!("roomed_outbox_delivery_seconds").record(took);
                }
                if !quiet {
                    self.listener.chart_changed(&visit).await;
                }
            }
            Ok(Settled::FenceLost) => {
                tracing::warn!(outbox = %id, attempt, "the lease was lost; the current state is asserted once more");
                metrics::counter!("roomed_outbox_attempts_total", "outcome" => "fence-lost").increment(1);
                self.listener.bell().notify_one();
            }
            // The row stays leased; once the lease has run out it is delivered again.
            Err(error) => tracing::error!(%error, outbox = %id, "a write-back could not be settled"),
        }
    }

    async fn say(&self, lease: &Lease) -> Said {
        let intent = match self.open(lease) {
            Ok(intent) => intent,
            Err(error) => return Said::Never { reason: format!("The write-back cannot be read: {error}.") },
        };
        let connection = (lease.organization.clone(), intent.iss.clone());
        let Some(ehr) = self.ehrs.get(&connection) else {
            return Said::Never { reason: "The EHR connection of this visit is no longer configured.".into() };
        };
        if let Some(pace) = self.pace.get(&connection) {
            pace.until_ready().await;
        }
        ehr.write_back(&intent).await
    }

    fn open(&self, lease: &Lease) -> Result<WriteBack, KeyError> {
        let key = self.keys.open_visit_key(&lease.organization, &lease.visit, &lease.key)?;
        let plain = key.open(lease.id.as_bytes(), &lease.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| KeyError::Unopenable)
    }

    async fn until_next(&self) -> Duration {
        match self.store.next_run_at().await {
            Ok(Some(at)) => wait(self.clock.now(), at),
            Ok(None) | Err(_) => LONGEST_WAIT,
        }
    }
}

/// A delivery that panicked leaves its row leased; once the lease has run out it is delivered again.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(panicked = error.is_panic(), "a delivery ended before it was settled");
    }
}

/// A row that is runnable but was not claimed waits for the one in flight before it: no need to spin.
fn wait(now: Timestamp, at: Timestamp) -> Duration {
    let until = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    until.clamp(Duration::from_millis(100), LONGEST_WAIT)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Retry { .. } => "retry",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Parked { .. } => "parked",
        Outcome::Unsupported { .. } => "unsupported",
        Outcome::WaitingForIdentifier { .. } => "waiting-for-identifier",
    }
}

fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Retry { reason, .. } | Outcome::Unknown { reason, .. } => reason,
        Outcome::Parked { reason } | Outcome::Unsupported { reason } => reason,
        Outcome::Delivered | Outcome::WaitingForIdentifier { .. } => "",
    }
}

#[cfg(test)]
mod tests;
