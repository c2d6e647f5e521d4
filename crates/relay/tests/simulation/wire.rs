//! A node's way to the database: how long it takes, whether it is cut, and what is watched on it: the pace, the probes of
//! a breaker, who is let pass, and that open visits come before history.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use roomed_relay::outbox::connection::Policy;
use roomed_relay::store::{ClaimPolicy, Lease, StoreError};
use tokio::sync::Notify;

use crate::memory::{Call, Door, MemoryStore, Seen, Wire};
use crate::node::{Point, Process};
use crate::truth::Truth;
use crate::world::{Dice, World, pass};

/// The cable is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Every call fails at once.
    Refused,
    /// Every call hangs until the cut is mended, and then fails.
    Silent,
}

/// From a node to the database.
pub(crate) struct Cable {
    cut: Mutex<Option<Cut>>,
    mended: Notify,
    dice: Dice,
    takes: Range<u64>,
}

impl Cable {
    /// Whole.
    pub(crate) fn new(dice: Dice, takes: Range<u64>) -> Self {
        Self { cut: Mutex::default(), mended: Notify::new(), dice, takes }
    }

    /// Cuts it, or mends it.
    pub(crate) fn set(&self, cut: Option<Cut>) {
        *self.cut.lock().unwrap() = cut;
        self.mended.notify_waiters();
    }

    /// As one process uses it.
    pub(crate) fn of(self: &Arc<Self>, process: &Arc<Process>, watch: &Arc<Watch>) -> ProcessWire {
        ProcessWire { cable: Arc::clone(self), process: Arc::clone(process), watch: Arc::clone(watch) }
    }

    async fn cross(&self) -> Result<(), StoreError> {
        pass(self.dice.between(self.takes.start, self.takes.end)).await;
        let cut = *self.cut.lock().unwrap();
        let Some(cut) = cut else { return Ok(()) };
        if cut == Cut::Silent {
            self.mended.notified().await;
        }
        Err(StoreError::Unfit("cut off from the database".into()))
    }
}

/// The cable, with a process at its end.
pub(crate) struct ProcessWire {
    cable: Arc<Cable>,
    process: Arc<Process>,
    watch: Arc<Watch>,
}

#[async_trait]
impl Wire for ProcessWire {
    async fn out(&self, call: Call) -> Result<(), StoreError> {
        if call == Call::Settle {
            self.process.at(Point::Settling).await;
        }
        self.cable.cross().await
    }

    fn seen(&self, seen: Seen<'_>) {
        self.watch.seen(&self.process.name(), seen);
    }

    async fn back(&self, call: Call) -> Result<(), StoreError> {
        self.cable.cross().await?;
        match call {
            Call::Claim => self.process.at(Point::Claimed).await,
            Call::Gate => self.process.at(Point::Passed).await,
            Call::Time | Call::Look | Call::Settle => {}
        }
        Ok(())
    }
}

/// What is watched at the database, where there is one truth.
pub(crate) struct Watch {
    world: Arc<World>,
    truth: Arc<Truth>,
    store: Arc<MemoryStore>,
    doors: Mutex<BTreeMap<Door, Seals>>,
}

/// What is known of one connection's claims.
#[derive(Default)]
struct Seals {
    /// Millionths of a request left in the bucket, and when that was.
    bucket: Option<(f64, u64)>,
    probed: Option<u64>,
    probes: u64,
    /// The fastest there was: by how many requests the bucket was overdrawn.
    overdrawn: f64,
}

impl Watch {
    /// Nothing seen yet.
    pub(crate) fn new(world: &Arc<World>, truth: &Arc<Truth>, store: &Arc<MemoryStore>) -> Self {
        Self { world: Arc::clone(world), truth: Arc::clone(truth), store: Arc::clone(store), doors: Mutex::default() }
    }

    /// Probes so far, of all connections.
    pub(crate) fn probes(&self) -> u64 {
        self.doors.lock().unwrap().values().map(|it| it.probes).sum()
    }

    fn seen(&self, node: &str, seen: Seen<'_>) {
        match seen {
            Seen::Claimed { leases: [], .. } => {}
            Seen::Claimed { policy, was_open, leases } => self.claimed(node, policy, was_open, leases),
            Seen::Gate { lease, ours } => self.world.note(format_args!("{node} gate {} {ours}", lease.stream)),
            Seen::Settled { lease, outcome, requests, settled } => {
                self.given_back(lease, requests);
                let word = outcome.word();
                self.world.note(format_args!("{node} settles {} #{} {word} {settled:?}", lease.stream, lease.fence));
            }
        }
    }

    /// What a claim paid for and did not leave may leave later.
    fn given_back(&self, lease: &Lease, requests: i64) {
        let door = (lease.organization.clone(), lease.ehr.clone());
        if let Some((left, _)) = self.doors.lock().unwrap().get_mut(&door).and_then(|it| it.bucket.as_mut()) {
            *left -= f64::from(i32::try_from(requests).unwrap());
        }
    }

    fn claimed(&self, node: &str, policy: &ClaimPolicy, was_open: bool, leases: &[Lease]) {
        let until = self.world.now().as_millisecond() + i64::try_from(policy.lease.as_millis()).unwrap();
        for lease in leases {
            self.truth.leased(node, lease, until);
            let doubt = if lease.uncertain { " uncertain" } else { "" };
            self.world.note(format_args!("{node} claims {} #{}{doubt}", lease.stream, lease.fence));
        }
        let door = (policy.organization.clone(), policy.ehr.clone());
        let ready = self.store.look(|state| {
            let history =
                leases.iter().any(|it| state.stream(&it.stream).iter().any(|row| row.id == it.id && row.history));
            history && state.open_one_is_ready(&door, policy.now.as_millisecond())
        });
        if ready {
            self.world.wrong("history left before a row of an open visit");
        }
        let now = self.world.ms();
        let seals = &mut *self.doors.lock().unwrap();
        let seals = seals.entry(door).or_default();
        // Frozen between asking what time it is and claiming, a node takes what might have left then. That does not count.
        if self.world.now().duration_since(policy.now).as_secs() >= 1 {
            (seals.bucket, seals.probed) = (None, None);
            return;
        }
        if let Some(by) = seals.draw(&policy.connection, now, leases.len()) {
            self.world.wrong(format_args!("too fast: {by:.2} requests above the pace"));
        }
        if was_open {
            seals.probes += 1;
            let least = u64::try_from(policy.connection.open_for.as_millis()).unwrap();
            let since = seals.probed.map(|it| now - it);
            if leases.len() > 1 || since.is_some_and(|it| it < least) {
                self.world.wrong(format_args!("{} probes of a breaker {since:?} ms after the last", leases.len()));
            }
            seals.probed = Some(now);
        }
    }
}

impl Seals {
    /// A bucket of the checker's own, by the true time. Says by how much it was overdrawn, if this is the worst so far.
    fn draw(&mut self, policy: &Policy, now: u64, count: usize) -> Option<f64> {
        let full = f64::from(policy.burst);
        let (left, at) = self.bucket.unwrap_or((full, now));
        #[expect(clippy::cast_precision_loss, reason = "a few hours in milliseconds")]
        let refilled = (left + (now - at) as f64 * f64::from(policy.per_second) / 1000.0).min(full);
        #[expect(clippy::cast_precision_loss, reason = "a few requests")]
        let left = refilled - count as f64;
        self.bucket = Some((left.max(0.0), now));
        // From the moment a node asks what time it is until its claim a few milliseconds pass.
        let over = -left > self.overdrawn.max(0.1);
        self.overdrawn = self.overdrawn.max(-left);
        over.then_some(-left)
    }
}
