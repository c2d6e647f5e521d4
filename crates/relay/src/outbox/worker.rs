//! Delivers the outbox: claims rows of one EHR connection after the other, lets the vendor's file say them, settles. What
//! is in flight to one EHR is bounded in number and in time, so that one that hangs holds up no other; the deadline is
//! shorter than the lease, so nothing is sent under a lease that ran out. Pace and breaker are the store's.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::WriteBack;
use super::connection::{self, Health};
use super::retry::{Schedule, SoFar, connection_policy};
use crate::clock::{Clock, Random, moment};
use crate::config::{self, Config};
use crate::ehr::{Attempt, Ehr, Gate, Requests, Said};
use crate::failpoint;
use crate::keys::{KeyError, Keys};
use crate::stop;
use crate::store::{ClaimPolicy, Lease, Outcome, Settled, Settlement, Store, StoreError};

/// Leases of a dead worker run out unseen by anyone, so look at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// A claim that failed is tried again so soon.
const AFTER_AN_ERROR: SignedDuration = SignedDuration::from_secs(1);

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

/// What the task of a delivery runs in. A simulation stops a process by stopping these.
pub type Wrap = Arc<dyn Fn(BoxFuture<'static, ()>) -> BoxFuture<'static, ()> + Send + Sync>;

/// The one that delivers. Several may run on one database.
pub struct Worker {
    parts: Arc<Parts>,
    wrap: Option<Wrap>,
}

struct Parts {
    config: config::Outbox,
    connection: connection::Policy,
    schedule: Schedule,
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    ehrs: Ehrs,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    listener: Arc<dyn ChartListener>,
}

/// The connections with rows, and how much of each is in flight from here.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<()>,
    connections: HashMap<(String, String), Arc<AtomicU32>>,
    /// Where the next round begins, so that none always comes last.
    turn: usize,
}

/// What a round of claims gave.
struct Round {
    now: Timestamp,
    claimed: u32,
    next: Option<Timestamp>,
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
        let listener: Arc<dyn ChartListener> = listener.clone();
        Self {
            parts: Arc::new(Parts {
                config: config.outbox.clone(),
                connection: connection_policy(&config.outbox),
                schedule: Schedule::of(&config.outbox),
                store: Arc::clone(store),
                keys: Arc::clone(keys),
                ehrs: ehrs.clone(),
                clock: Arc::clone(clock),
                random: Arc::clone(random),
                listener,
            }),
            wrap: None,
        }
    }

    /// Each delivery runs inside what `wrap` makes of it.
    #[must_use]
    pub fn inside(self, wrap: Wrap) -> Self {
        Self { wrap: Some(wrap), ..self }
    }

    /// Delivers until `stopping` turns true, and then finishes what is in flight.
    pub async fn run(self, mut stopping: watch::Receiver<bool>) {
        let bell = self.parts.listener.bell();
        let mut flights = Flights::default();
        while !*stopping.borrow() {
            let wait = match self.round(&mut flights).await {
                Ok(Round { next, now, .. }) => next.map_or(LONGEST_WAIT, |at| wait(now, at)),
                Err(error) => {
                    tracing::error!(%error, "the outbox could not be read");
                    LONGEST_WAIT
                }
            };
            tokio::select! {
                // The same order every time: a seeded run must repeat itself.
                biased;
                _ = tokio::time::timeout(wait, bell.notified()) => {}
                Some(ended) = flights.tasks.join_next() => report(ended),
                () = stop::begun(&mut stopping) => {}
            }
        }
        while let Some(ended) = flights.tasks.join_next().await {
            report(ended);
        }
    }

    /// Delivers what is runnable now, all of it at once, and waits for the end. Says how many rows were claimed.
    pub async fn run_once(&self) -> Result<u32, StoreError> {
        let mut flights = Flights::default();
        let round = self.round(&mut flights).await?;
        while let Some(ended) = flights.tasks.join_next().await {
            report(ended);
        }
        Ok(round.claimed)
    }

    /// Claims from every connection what may leave now. Rows of a connection that is no longer configured are claimed as
    /// well: somebody has to be told that they cannot be sent.
    async fn round(&self, flights: &mut Flights) -> Result<Round, StoreError> {
        let now = self.parts.store.time(self.parts.clock.now()).await?;
        let in_use = self.parts.store.connections_in_use().await?;
        let connections: Vec<_> = in_use.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut round = Round { now, claimed: 0, next: None };
        flights.turn = flights.turn.wrapping_add(1);
        for index in 0..connections.len() {
            let connection = &connections[(index + flights.turn) % connections.len()];
            let flying = Arc::clone(flights.connections.entry(connection.clone()).or_default());
            let free = self.parts.config.concurrency.saturating_sub(flying.load(Ordering::SeqCst));
            // With none free the next one that ends wakes us.
            if free == 0 {
                continue;
            }
            // From before the lease begins, so that no wait of ours can make the deadline outlast it.
            let until = moment() + Duration::from_millis(u64::from(self.parts.config.deadline_ms));
            let claimed = match self.parts.store.claim(self.policy(connection, now, free)).await {
                Ok(claimed) => claimed,
                // The others' rows are not to wait for this one's.
                Err(error) => {
                    tracing::error!(%error, "the rows of an EHR connection could not be claimed");
                    round.next = [round.next, now.checked_add(AFTER_AN_ERROR).ok()].into_iter().flatten().min();
                    continue;
                }
            };
            round.claimed = round.claimed.saturating_add(u32::try_from(claimed.leases.len()).unwrap_or(u32::MAX));
            round.next = [round.next, claimed.next].into_iter().flatten().min();
            for lease in claimed.leases {
                failpoint::at("claim.after");
                let flight = Flight::begin(&flying);
                let parts = Arc::clone(&self.parts);
                let delivery = async move {
                    parts.deliver(lease, until).await;
                    drop(flight);
                };
                match &self.wrap {
                    None => flights.tasks.spawn(delivery),
                    Some(wrap) => flights.tasks.spawn(wrap(Box::pin(delivery))),
                };
            }
        }
        Ok(round)
    }

    fn policy(&self, (organization, ehr): &(String, String), now: Timestamp, limit: u32) -> ClaimPolicy {
        ClaimPolicy {
            organization: organization.clone(),
            ehr: ehr.clone(),
            now,
            limit,
            lease: SignedDuration::from_millis(i64::from(self.parts.config.lease_ms)),
            settle_delay: self.parts.schedule.settle_delay,
            longest_wait: self.parts.schedule.longest_wait(),
            one_per_visit: self.parts.ehr_of(organization, ehr).is_some_and(|it| it.one_per_visit()),
            connection: self.parts.connection_policy(organization, ehr),
        }
    }
}

/// Counts one row in flight for as long as it lives, a panic included.
struct Flight(Arc<AtomicU32>);

impl Flight {
    fn begin(flying: &Arc<AtomicU32>) -> Self {
        flying.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(flying))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The gate of one attempt.
struct LeaseGate<'a> {
    store: &'a dyn Store,
    lease: &'a Lease,
    until: Instant,
    passed: AtomicBool,
}

#[async_trait]
impl Gate for LeaseGate<'_> {
    async fn may_send(&self) -> bool {
        // Our own clock first: a process that was frozen here must not ask a database it may not reach.
        if moment() >= self.until {
            return false;
        }
        let ours = self.store.about_to_send(self.lease).await.unwrap_or_else(|error| {
            tracing::error!(%error, outbox = %self.lease.id, "that a write-back is about to leave could not be kept");
            false
        });
        // Frozen while the database answered: then somebody else may own the row by now.
        let ours = ours && moment() < self.until;
        self.passed.store(ours, Ordering::SeqCst);
        ours
    }
}

impl Parts {
    /// One attempt from claim to settle.
    async fn deliver(self: Arc<Self>, lease: Lease, until: Instant) {
        let (id, visit, attempt, accepted_at) =
            (lease.id.clone(), lease.visit.clone(), lease.attempt, lease.accepted_at);
        let policy = self.connection_policy(&lease.organization, &lease.ehr);
        let requests = Requests::default();
        let said = requests.of(self.attempt(&lease, until)).await;
        let now = match self.store.time(self.clock.now()).await {
            Ok(now) => now,
            Err(error) => {
                tracing::error!(%error, outbox = %id, "a write-back could not be settled");
                return;
            }
        };
        let so_far = SoFar {
            failures: lease.failures,
            others_went: lease.others_went && !lease.ehr_is_ill,
            accepted_at,
            now,
            is_event: !lease.channel.supersedes(),
            uncertain: lease.uncertain,
            jitter: self.random.fraction(),
        };
        let health = said.health(!lease.others_went);
        let outcome = self.schedule.outcome(said, so_far);
        let word = outcome.word();
        let reason = outcome.reason().to_owned();
        let quiet = matches!(outcome, Outcome::Retry { .. } | Outcome::Unknown { .. });
        let requests = i64::from(requests.count()) - i64::from(policy.price());
        let reassert_at = now.saturating_add(self.schedule.settle_delay).unwrap_or(now);
        let settlement = Settlement { outcome, health, now, reassert_at, requests, connection: policy };
        failpoint::at("settle.before");
        let settled = self.store.settle(lease, settlement).await;
        failpoint::at("settle.after");
        match settled {
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
        if matches!(health, Health::Ill { .. }) {
            metrics::counter!("roomed_ehr_failures_total").increment(1);
        }
    }

    async fn attempt(&self, lease: &Lease, until: Instant) -> Said {
        // Frozen, or held up by the database, since the claim: somebody else may own the row by now.
        if moment() >= until {
            return Said::Stopped;
        }
        let gate = LeaseGate { store: &*self.store, lease, until, passed: AtomicBool::new(false) };
        failpoint::at("send.before");
        let said = tokio::time::timeout_at(until, self.say(lease, &gate)).await;
        failpoint::at("send.after");
        let late = || "no answer within the deadline".to_owned();
        match said {
            Ok(said) => said,
            // A create that never came through its gate did not leave.
            Err(_) if !lease.channel.supersedes() && !gate.passed.load(Ordering::SeqCst) => {
                Said::NotNow { reason: late(), retry_after: None }
            }
            Err(_) => Said::NobodyKnows { reason: late() },
        }
    }

    async fn say(&self, lease: &Lease, gate: &dyn Gate) -> Said {
        let intent = match self.open(lease) {
            Ok(intent) => intent,
            Err(error) => return Said::Never { reason: format!("The write-back cannot be read: {error}.") },
        };
        let Some(ehr) = self.ehr_of(&lease.organization, &lease.ehr) else {
            return Said::Never { reason: "The EHR connection of this visit is no longer configured.".into() };
        };
        let Lease { id, uncertain, settling, others, .. } = lease;
        let attempt = Attempt { key: id, uncertain: *uncertain, settling: *settling, others: *others, gate };
        ehr.write_back(&intent, &attempt).await
    }

    fn ehr_of(&self, organization: &str, ehr: &str) -> Option<&Arc<dyn Ehr>> {
        self.ehrs.get(&(organization.to_owned(), ehr.to_owned()))
    }

    fn connection_policy(&self, organization: &str, ehr: &str) -> connection::Policy {
        let per_row = self.ehr_of(organization, ehr).map_or(1, |it| it.requests_per_row());
        connection::Policy { per_row, ..self.connection.clone() }
    }

    fn open(&self, lease: &Lease) -> Result<WriteBack, KeyError> {
        let key = self.keys.open_visit_key(&lease.organization, &lease.visit, &lease.key)?;
        let plain = key.open(lease.id.as_bytes(), &lease.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| KeyError::Unopenable)
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

#[cfg(test)]
mod tests;
