//! How an EHR connection is doing: its pace (a token bucket) and its breaker, as pure functions of what was and what time
//! it is. The store keeps a [`Connection`] per EHR, so that neither a restart nor a second node forgets an outage or
//! starts a burst. Which answers mean what is `ehr/mod.rs`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A look that is so little behind the last one comes from another node, or was held up on its way. One that is further
/// behind comes from a clock that was set back.
const HELD_UP: SignedDuration = SignedDuration::from_secs(60);

/// One request's worth of the bucket.
const ONE: u64 = 1_000_000;

/// How fast an EHR may be asked, and when it is left in peace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Requests per second.
    pub per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
    /// Requests that a write-back takes as a rule. Paid for by its claim, so that the burst is one of requests too.
    pub per_row: u32,
    /// So many failures in a row open the breaker.
    pub trip_after: u32,
    /// How long it stays open at first; doubled with every probe that fails.
    pub open_for: SignedDuration,
    /// At most so long.
    pub open_at_most: SignedDuration,
    /// When the EHR names a time itself, it is believed up to this.
    pub asked_at_most: SignedDuration,
}

/// What an attempt says about the EHR as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Well,
    /// It does not, or says "not now".
    Ill {
        /// It named a time: everything waits for that.
        retry_after: Option<SignedDuration>,
        /// The same row failed before, and nothing was accepted since: that says more of the row than of the EHR, and one
        /// poisonous row must not close the door to all others.
        again: bool,
    },
    /// It was not asked.
    Silent,
}

/// How an EHR connection is doing. `Default`: nothing was asked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Failures in a row.
    pub failures: u32,
    /// Probes that failed in a row since the breaker opened.
    #[serde(default)]
    pub probes: u32,
    /// A probe is on its way: its failure, and no earlier attempt's, doubles the wait.
    #[serde(default)]
    probing: bool,
    /// The breaker is open until then, and half open after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Timestamp>,
    /// When it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When the EHR last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub well_at: Option<Timestamp>,
    /// Millionths of a request taken out of a full bucket.
    #[serde(default)]
    taken: u64,
    /// When the bucket was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked_at: Option<Timestamp>,
}

/// What may be claimed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// So many.
    pub now: u32,
    /// If none: when there may be one.
    pub next: Option<Timestamp>,
}

impl Policy {
    /// Requests that a claim pays for one row: never more than the bucket holds.
    pub fn price(&self) -> u32 {
        self.per_row.clamp(1, self.burst.max(1))
    }

    /// In the bucket's own measure.
    fn share(&self) -> u64 {
        u64::from(self.price()) * ONE
    }

    /// What fits into the bucket.
    fn full(&self) -> u64 {
        u64::from(self.burst.max(1)) * ONE
    }
}

impl Connection {
    /// True while the breaker is open or waits for its probe.
    pub fn is_open(&self) -> bool {
        self.open_until.is_some()
    }

    /// True if it did not answer when it was last asked.
    pub fn is_ill(&self) -> bool {
        self.failures > 0 || self.is_open()
    }

    /// How many rows may leave at `now`. A half-open breaker lets one through, and is open again for as long until
    /// that one is settled.
    pub fn allowance(&self, policy: &Policy, now: Timestamp) -> Allowance {
        let (taken, _) = self.refilled(policy, now);
        let free = policy.full().saturating_sub(taken);
        let by_pace = u32::try_from(free / policy.share()).unwrap_or(u32::MAX);
        let pace_next = (by_pace == 0).then(|| {
            let missing = (taken + policy.share()).saturating_sub(policy.full());
            let micros = missing.div_ceil(u64::from(policy.per_second.max(1)));
            later(now, SignedDuration::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)))
        });
        match self.open_until {
            Some(until) if self.stays_open(policy, now) => Allowance { now: 0, next: Some(until.max(now)) },
            Some(_) => Allowance { now: by_pace.min(1), next: pace_next },
            None => Allowance { now: by_pace, next: pace_next },
        }
    }

    /// Whether a read that can wait may leave: the breaker is closed and more than half of the burst is left for
    /// write-backs.
    pub fn spare(&self, policy: &Policy, now: Timestamp) -> bool {
        let (taken, _) = self.refilled(policy, now);
        let after = policy.full().saturating_sub(taken).saturating_sub(policy.share());
        // Where the burst is that small, a read waits until nothing else wants to leave.
        !self.is_open() && (taken == 0 || after >= policy.full() / 2)
    }

    /// `count` rows leave at `now`.
    pub fn take(&mut self, policy: &Policy, now: Timestamp, count: u32) {
        let (taken, at) = self.refilled(policy, now);
        (self.taken, self.looked_at) = (taken + u64::from(count) * policy.share(), Some(at));
        if self.open_until.is_some() && count > 0 {
            // The probe is on its way; should its end never be told, the next one goes when this runs out.
            self.open_until = Some(later(now, policy.open_for));
            self.probing = true;
        }
    }

    /// By `now` so many more requests have left than were paid for; below zero, fewer. They cannot be called back, so they
    /// are waited for afterwards.
    pub fn spent(&mut self, policy: &Policy, now: Timestamp, more: i64) {
        let (taken, at) = self.refilled(policy, now);
        let change = more.unsigned_abs().saturating_mul(ONE);
        self.taken = if more < 0 { taken.saturating_sub(change) } else { taken.saturating_add(change) };
        self.looked_at = Some(at);
    }

    /// An attempt ended at `now`.
    pub fn ended(&mut self, policy: &Policy, now: Timestamp, health: Health) {
        match health {
            Health::Silent => {}
            Health::Well => {
                *self = Self { well_at: Some(now), taken: self.taken, looked_at: self.looked_at, ..Self::default() };
            }
            Health::Ill { retry_after, again } => {
                let asked = retry_after.unwrap_or_default().clamp(SignedDuration::ZERO, policy.asked_at_most);
                self.failed(policy, now, asked, again);
            }
        }
    }

    fn failed(&mut self, policy: &Policy, now: Timestamp, asked: SignedDuration, again: bool) {
        let was_open = self.opened_at.is_some();
        let wait = if was_open && !self.probing {
            // Sent before it opened: that this one failed too is no news, but it may have been asked for more patience.
            asked
        } else if was_open {
            (self.failures, self.probes) = (self.failures.saturating_add(1), self.probes.saturating_add(1));
            policy.open_for.saturating_mul(1 << self.probes.min(16)).min(policy.open_at_most).max(asked)
        } else {
            self.failures = self.failures.saturating_add(u32::from(!again));
            if self.failures < policy.trip_after && !asked.is_positive() {
                return;
            }
            policy.open_for.min(policy.open_at_most).max(asked)
        };
        self.probing = false;
        self.opened_at.get_or_insert(now);
        // What is told late, or asks for less, does not shorten the wait.
        self.open_until = self.open_until.max(Some(later(now, wait)));
    }

    /// A clock that was set back must not keep the breaker open for longer than it may be.
    fn stays_open(&self, policy: &Policy, now: Timestamp) -> bool {
        self.open_until
            .is_some_and(|until| now < until && until <= later(now, policy.open_at_most.max(policy.asked_at_most)))
    }

    /// What is taken out of the bucket at `now`, and until when it is refilled: no moment is counted twice. A clock that was
    /// set back refills nothing, and takes nothing.
    fn refilled(&self, policy: &Policy, now: Timestamp) -> (u64, Timestamp) {
        let now = self.looked_at.filter(|at| *at > now && at.duration_since(now) <= HELD_UP).unwrap_or(now);
        let passed = self.looked_at.map_or(SignedDuration::MAX, |at| now.duration_since(at));
        let micros = u64::try_from(passed.as_micros()).unwrap_or(if passed.is_negative() { 0 } else { u64::MAX });
        let refill = micros.saturating_mul(u64::from(policy.per_second.max(1)));
        (self.taken.saturating_sub(refill), now)
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(now)
}

#[cfg(test)]
mod tests;
