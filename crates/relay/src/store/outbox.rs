//! The outbox in the store: rows written with the change that makes them true, leased, settled, superseded, and the
//! ledger's record of each of those steps. Sending is `outbox/worker.rs`; when to try again is `outbox/retry.rs`; what an
//! operator may do with a row is `operate.rs`.
//!
//! A row of a *state* channel is a setter: the newest accepted state is the only one worth sending, so at most one row of
//! such a stream waits. A row of an *event* channel is said once, in order, and never superseded. Of any stream at most
//! one row is in flight. Both are held by unique indexes, not by care.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{StoreError, WrappedKey};
use crate::outbox::connection::{Connection, Health, Policy};

/// Which of an EHR's doors a row goes through. The vendor's file decides which there are; each is its own stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The presence a schedule shows: the chart mark follows this one.
    State,
    /// The links of the visit on the appointment.
    Link,
    /// An `AuditEvent` per attach and detach.
    Audit,
    /// A `Communication` per attach and detach.
    Message,
}

impl Channel {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::State, Self::Link, Self::Audit, Self::Message];

    /// The number in the database.
    pub fn number(self) -> i64 {
        match self {
            Self::State => 0,
            Self::Link => 1,
            Self::Audit => 2,
            Self::Message => 3,
        }
    }

    /// From the number in the database.
    pub fn of_number(number: i64) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|it| it.number() == number).ok_or(StoreError::Unreadable("outbox channel"))
    }

    /// The word for operators and the ledger, and the end of a stream's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Link => "link",
            Self::Audit => "audit",
            Self::Message => "message",
        }
    }

    /// True where a newer row makes an older one of its stream pointless.
    pub fn supersedes(self) -> bool {
        matches!(self, Self::State | Self::Link)
    }
}

/// The states of a row, with their numbers in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryState {
    /// To be sent (again).
    Waiting = 0,
    /// Leased.
    InFlight = 1,
    /// The EHR has it.
    Delivered = 2,
    /// A newer state of its stream took its place.
    Superseded = 3,
    /// Waits for an operator.
    Parked = 4,
    /// This EHR connection has no way to say it.
    Unsupported = 5,
    /// An operator decided that it is not to be sent.
    Skipped = 6,
    /// Came out of a backup: nothing is known about it, so nothing is sent blindly.
    Quarantined = 7,
}

impl EntryState {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::InFlight,
        Self::Delivered,
        Self::Superseded,
        Self::Parked,
        Self::Unsupported,
        Self::Skipped,
        Self::Quarantined,
    ];

    /// The number in the database.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// From the number in the database.
    pub fn of_number(number: i64) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|it| it.number() == number).ok_or(StoreError::Unreadable("outbox state"))
    }

    /// The word for operators.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InFlight => "in-flight",
            Self::Delivered => "delivered",
            Self::Superseded => "superseded",
            Self::Parked => "parked",
            Self::Unsupported => "unsupported",
            Self::Skipped => "skipped",
            Self::Quarantined => "quarantined",
        }
    }
}

/// A promise to tell the EHR something. Whose organization it is, the visit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutboxEntry {
    /// Random; becomes the row's id, and the business key of what a create makes.
    pub id: String,
    /// One ordered stream: one channel of one participant of one visit at one EHR. Ours, and opaque.
    pub stream: String,
    /// Its door.
    pub channel: Channel,
    /// The participant's id within the visit, for the chart mark; empty for what is about the visit as a whole.
    pub participant: String,
    /// The EHR connection (`iss`).
    pub ehr: String,
    /// The intent, sealed under the visit's key with the row's id as associated data.
    pub sealed: Vec<u8>,
    /// HMAC of whom and what it is about, under the organization's ledger key: for the ledger.
    pub reference: Vec<u8>,
    /// HMAC of the intent's bytes, under the organization's ledger key: for the ledger.
    pub digest: Vec<u8>,
    /// Not before.
    pub run_at: Timestamp,
}

/// How to claim from one EHR connection.
#[derive(Debug, Clone)]
pub struct ClaimPolicy {
    /// Whose connection.
    pub organization: String,
    /// The connection (`iss`).
    pub ehr: String,
    /// The relay's time: rows whose `run_at` is not later are runnable; pace and breaker are measured by it.
    pub now: Timestamp,
    /// At most so many.
    pub limit: u32,
    /// How long they are ours, by the database's time. Longer than any request may take.
    pub lease: SignedDuration,
    /// After a takeover the state is asserted once more, this long after `now`.
    pub settle_delay: SignedDuration,
    /// No row waits for longer than this: one that is to run later than that was given its time by a clock that was wrong.
    pub longest_wait: SignedDuration,
    /// All states of a visit are one resource in this EHR: of its [`Channel::State`] rows at most one is in flight, on
    /// whatever node.
    pub one_per_visit: bool,
    /// How fast, and what a bad day of the EHR looks like.
    pub connection: Policy,
}

impl ClaimPolicy {
    /// Later than this, in milliseconds, no row can have to wait.
    pub fn latest_run(&self) -> i64 {
        self.now.saturating_add(self.longest_wait).unwrap_or(self.now).as_millisecond()
    }
}

/// What a claim gave.
#[derive(Debug, Default)]
pub struct Claimed {
    /// Rows that are ours.
    pub leases: Vec<Lease>,
    /// When there may be more to claim here, if anything waits or is in flight: the soonest of what runs, as the pace and
    /// the breaker allow, and of the leases that run out.
    pub next: Option<Timestamp>,
}

/// What is open about the other states of a visit that are one resource with this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Others {
    /// Nothing.
    #[default]
    Clear,
    /// One of them may have been applied, or may still land; it is asserted once more in its time.
    Settling,
    /// One of them may have been applied, and an operator is asked.
    Asked,
}

impl Others {
    /// From the number that the stores' queries give: none, 1 or 2.
    pub(crate) fn of_number(number: Option<i64>) -> Self {
        match number {
            None => Self::Clear,
            Some(1) => Self::Settling,
            Some(_) => Self::Asked,
        }
    }
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
    /// Its door.
    pub channel: Channel,
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
    /// Failed tries that count against the row.
    pub failures: u32,
    /// The EHR took something else since this row last failed (or it never failed): a failure now is the row's own.
    pub others_went: bool,
    /// The EHR did not answer when it was last asked, or its breaker is open: a failure now is the EHR's.
    pub ehr_is_ill: bool,
    /// An earlier attempt may have been applied: its request left, or was about to, and nobody knows more.
    pub uncertain: bool,
    /// It is uncertain, and what left may still land: the settle delay is not over.
    pub settling: bool,
    /// How it stands with the other states of the visit, where [`ClaimPolicy::one_per_visit`].
    pub others: Others,
    /// When the row was accepted.
    pub accepted_at: Timestamp,
    /// The number of this attempt, from 1; the ledger has its `started` before any request leaves.
    pub attempt: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The EHR has accepted it.
    Delivered,
    /// It has not, and may later. Nothing was applied.
    Retry {
        /// Not before.
        at: Timestamp,
        /// For the ledger: a class and a status, never a body.
        reason: String,
        /// Counts against the row. What an outage of the EHR did does not.
        counts: bool,
    },
    /// The request may or may not have been applied, and may still land: assert the current state after the settle delay.
    Unknown {
        /// When.
        at: Timestamp,
        /// For the ledger.
        reason: String,
        /// Counts against the row.
        counts: bool,
    },
    /// It will not without somebody's help.
    Parked {
        /// One plain sentence.
        reason: String,
        /// An attempt may have been applied, and nobody knows.
        uncertain: bool,
        /// So that sending it again could double it.
        possible_double: bool,
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

impl Outcome {
    /// The word for the ledger and the figures.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry { .. } => "retry",
            Self::Unknown { .. } => "unknown",
            Self::Parked { .. } => "parked",
            Self::Unsupported { .. } => "unsupported",
            Self::WaitingForIdentifier { .. } => "waiting-for-identifier",
        }
    }

    /// The reason, empty where the word says it all.
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. } | Self::Unknown { reason, .. } => reason,
            Self::Parked { reason, .. } | Self::Unsupported { reason } => reason,
            Self::Delivered | Self::WaitingForIdentifier { .. } => "",
        }
    }
}

/// Everything about the end of an attempt.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// How it ended.
    pub outcome: Outcome,
    /// What it says about the EHR as a whole.
    pub health: Health,
    /// The relay's time.
    pub now: Timestamp,
    /// When to assert the stream's newest state once more, if this lease turns out to be lost or the outcome unknown.
    pub reassert_at: Timestamp,
    /// So many more requests left through the connection than its claims paid for; below zero, fewer.
    pub requests: i64,
    /// How the breaker reads `health`.
    pub connection: Policy,
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
    /// Of those parked, the ones that may have been applied already.
    pub possible_double: u64,
    /// Cannot be said at this EHR.
    pub unsupported: u64,
    /// Out of a backup, and not looked at yet.
    pub quarantined: u64,
    /// Accepted time of the oldest row that is waiting or leased and not yet delivered.
    pub oldest: Option<Timestamp>,
}

/// Leased, ordered delivery.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// What time it is for the outbox, where the relay's own clock says `relay`. Nodes that share a database must go by its
    /// time, since a settle delay measured by two clocks is none; one that has its database to itself goes by its own.
    async fn time(&self, relay: Timestamp) -> Result<Timestamp, StoreError> {
        Ok(relay)
    }

    /// Leases runnable rows of one EHR connection, as many as its pace and its breaker allow: rows of open visits before
    /// history, then longest runnable first; never two of one stream, none of a stream that has one in flight, and of an
    /// event stream only the oldest that is not settled. Where [`ClaimPolicy::one_per_visit`], the states of a visit are
    /// like one stream in this. A row whose lease ran out is claimable again. Each claim raises the fence and enters
    /// `started` in the ledger.
    async fn claim(&self, policy: ClaimPolicy) -> Result<Claimed, StoreError>;

    /// The last gate before a request that must not be doubled: true, and durably marked, while the lease is still ours.
    async fn about_to_send(&self, lease: &Lease) -> Result<bool, StoreError>;

    /// Enters how the attempt ended.
    async fn settle(&self, lease: Lease, settlement: Settlement) -> Result<Settled, StoreError>;

    /// EHR connections `(organization, iss)` that have rows waiting or in flight, configured or not.
    async fn connections_in_use(&self) -> Result<Vec<(String, String)>, StoreError>;

    /// How an EHR connection is doing; as new where nothing was sent yet.
    async fn connection(&self, organization: &str, ehr: &str) -> Result<Connection, StoreError>;

    /// Takes one request's worth of the connection's pace for a read that can wait ([`Connection::spare`]). False: not now.
    async fn take_turn(
        &self,
        organization: &str,
        ehr: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The chart marks of a visit, one per participant that has any.
    async fn chart(&self, visit: &str) -> Result<Vec<ChartRow>, StoreError>;

    /// Figures.
    async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError>;
}
