//! The outbox in the store: rows written with the change that makes them true, leased, settled, superseded.
//! Sending is `outbox/worker.rs`; when to try again is `outbox/retry.rs`.
//!
//! A row is a *state setter* of its stream: the newest accepted state is the only one worth sending. At most one row of a
//! stream waits and at most one is in flight; both are held by unique indexes, not by care.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{StoreError, WrappedKey};

/// A promise to tell the EHR something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutboxEntry {
    /// Random; becomes the row's id.
    pub id: String,
    /// One ordered stream: one participant of one visit at one EHR. Ours, and opaque.
    pub stream: String,
    /// The participant's id within the visit, for the chart mark.
    pub participant: String,
    /// The EHR connection (`iss`), for rate and metrics.
    pub ehr: String,
    /// The intent, sealed under the visit's key with the row's id as associated data.
    pub sealed: Vec<u8>,
    /// Not before.
    pub run_at: Timestamp,
}

/// How to claim.
#[derive(Debug, Clone, Copy)]
pub struct ClaimPolicy {
    /// The relay's time: rows whose `run_at` is not later are runnable.
    pub now: Timestamp,
    /// At most so many.
    pub limit: u32,
    /// How long they are ours, by the database's time. Longer than any request may take.
    pub lease: SignedDuration,
    /// After a takeover the state is asserted once more, this long after `now`.
    pub settle_delay: SignedDuration,
}

/// A row that is ours for a while. Settling consumes it, so it cannot be settled twice.
#[derive(Debug)]
pub struct Lease {
    /// The row.
    pub id: String,
    /// Its fence: a settle with an older one is refused.
    pub fence: i64,
    /// Its stream.
    pub stream: String,
    /// The visit.
    pub visit: String,
    /// The organization's key.
    pub organization: String,
    /// The participant within the visit.
    pub participant: String,
    /// The EHR connection (`iss`).
    pub ehr: String,
    /// The visit's key, wrapped.
    pub key: WrappedKey,
    /// The sealed intent.
    pub sealed: Vec<u8>,
    /// Failed tries so far, for the schedule.
    pub failures: u32,
    /// When the row was accepted.
    pub accepted_at: Timestamp,
    /// The number of this attempt, from 1; its record was written with the claim, before any request leaves.
    pub attempt: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The EHR has accepted it.
    Delivered,
    /// It has not, and may later.
    Retry {
        /// Not before.
        at: Timestamp,
        /// For the attempt's record: a class and a status, never a body.
        reason: String,
    },
    /// The request may or may not have been applied, and may still land: assert the current state after the settle delay.
    Unknown {
        /// When.
        at: Timestamp,
        /// For the attempt's record.
        reason: String,
    },
    /// It will not without somebody's help.
    Parked {
        /// One plain sentence.
        reason: String,
    },
    /// This EHR connection cannot be told this.
    Unsupported {
        /// One plain sentence.
        reason: String,
    },
    /// An id the EHR must give is not there yet: normal, and no failure.
    WaitingForIdentifier {
        /// Look again then.
        at: Timestamp,
    },
}

/// What became of a settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is written.
    Done,
    /// Somebody else took the row over meanwhile. The stream's newest state has been set to be asserted once more.
    FenceLost,
}

/// Where the newest row of a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChartWord {
    /// On its way.
    Pending {
        /// Accepted then.
        since: Timestamp,
    },
    /// The EHR has it.
    Written {
        /// When it accepted.
        at: Timestamp,
    },
    /// An id is missing in the EHR.
    WaitingForIdentifier {
        /// Accepted then.
        since: Timestamp,
    },
    /// An analyst must act.
    Parked {
        /// One plain sentence.
        reason: String,
    },
    /// This EHR connection cannot be told.
    Unsupported {
        /// One plain sentence.
        reason: String,
    },
}

/// A participant's chart mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartRow {
    /// The participant within the visit.
    pub participant: String,
    /// What the chart has been told.
    pub word: ChartWord,
}

/// Figures for `/metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Waiting to be sent, identifiers at hand.
    pub waiting: u64,
    /// Leased.
    pub in_flight: u64,
    /// Waiting for an id in the EHR.
    pub waiting_for_identifier: u64,
    /// Parked.
    pub parked: u64,
    /// Cannot be said at this EHR.
    pub unsupported: u64,
    /// Accepted time of the oldest row that is waiting or leased and not yet delivered.
    pub oldest: Option<Timestamp>,
}

/// Leased, ordered delivery.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Leases runnable rows, longest runnable first, never two of one stream, and none of a stream that has one in
    /// flight. A row whose lease ran out is claimable again. Each claim raises the fence and writes the attempt's record.
    async fn claim(&self, policy: ClaimPolicy) -> Result<Vec<Lease>, StoreError>;

    /// Enters how the attempt ended. `reassert_at` is when to assert the stream's newest state once more if this lease
    /// turns out to be lost or the outcome unknown.
    async fn settle(
        &self,
        lease: Lease,
        outcome: Outcome,
        now: Timestamp,
        reassert_at: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// When there may be something to claim: the soonest `run_at`. Leases that run out are not counted.
    async fn next_run_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The chart marks of a visit, one per participant that has any.
    async fn chart(&self, visit: &str) -> Result<Vec<ChartRow>, StoreError>;

    /// Figures.
    async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError>;

    /// Makes a parked row runnable again at `now`. False: not parked, or superseded.
    async fn unpark(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;
}
