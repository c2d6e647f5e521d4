//! What an operator may see and do with outbox rows, and the ledger as it is read. Nothing here opens a payload.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Channel, EntryState, StoreError};
use crate::ledger::{Hash, Record};

/// Which rows.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Only of this organization.
    pub organization: Option<String>,
    /// Only in this state.
    pub state: Option<EntryState>,
    /// Accepted at or after.
    pub since: Option<Timestamp>,
    /// Accepted before.
    pub until: Option<Timestamp>,
    /// Only the one of this id.
    pub id: Option<String>,
    /// With a greater place than this, for paging.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// A row as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Order of acceptance.
    pub seq: i64,
    /// The row.
    pub id: String,
    /// The organization's key.
    pub organization: String,
    /// The EHR connection (`iss`).
    pub ehr: String,
    /// The visit.
    pub visit: String,
    /// Its stream.
    pub stream: String,
    /// Its door.
    pub channel: Channel,
    /// Where it stands.
    pub state: EntryState,
    /// Waits for an id of the EHR.
    pub for_identifier: bool,
    /// It may have been applied already.
    pub possible_double: bool,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts that counted against it.
    pub failures: u32,
    /// Accepted.
    pub accepted_at: Timestamp,
    /// Runnable from.
    pub run_at: Timestamp,
    /// Taken by the EHR.
    pub delivered_at: Option<Timestamp>,
    /// Why it stands as it does.
    pub reason: Option<String>,
    /// The payload has been destroyed with its visit's key: it can be seen, never sent again.
    pub destroyed: bool,
    /// The last that was accepted of its stream.
    pub newest: bool,
}

/// What an operator may wish for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// [`Operate::retry`].
    Retry,
    /// [`Operate::skip`].
    Skip,
    /// [`Operate::replay`].
    Replay,
}

/// As much of a row as decides whether a wish is granted.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Where it stands.
    pub state: EntryState,
    /// Its door.
    pub channel: Channel,
    /// The last that was accepted of its stream.
    pub newest: bool,
    /// Its payload is gone.
    pub destroyed: bool,
}

impl EntryRow {
    /// What decides about it, as it was when it was read.
    pub fn standing(&self) -> Standing {
        Standing { state: self.state, channel: self.channel, newest: self.newest, destroyed: self.destroyed }
    }
}

impl Wish {
    /// Whether a row that stands so is granted it. The stores ask within the transaction that acts; who only looks asks
    /// the same.
    pub fn granted(self, row: Standing) -> Result<(), NotDone> {
        use EntryState as S;
        let of: &[S] = match self {
            Self::Retry => &[S::Parked, S::Quarantined],
            Self::Skip => &[S::Waiting, S::Parked, S::Unsupported, S::Quarantined],
            Self::Replay => &[S::Delivered],
        };
        if !of.contains(&row.state) {
            return Err(NotDone::State(row.state.as_str()));
        }
        if self == Self::Skip {
            return Ok(());
        }
        if self == Self::Replay && !row.channel.supersedes() {
            return Err(NotDone::State("said once"));
        }
        if row.channel.supersedes() && !row.newest {
            return Err(NotDone::Superseded);
        }
        if row.destroyed { Err(NotDone::Destroyed) } else { Ok(()) }
    }
}

/// Why an operator's wish was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// No such row.
    #[error("there is no such write-back")]
    Unknown,
    /// It is not in a state in which this makes sense.
    #[error("the write-back is {0}, so this cannot be done")]
    State(&'static str),
    /// A newer state of the same person is what counts.
    #[error("a newer write-back of the same person took its place")]
    Superseded,
    /// The visit's key is gone.
    #[error("payload destroyed: the visit is closed and its key no longer exists")]
    Destroyed,
}

/// A record of the ledger as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chained {
    /// Its place, from 1.
    pub seq: i64,
    /// The link it was chained to.
    pub previous: Vec<u8>,
    /// Its own link.
    pub link: Vec<u8>,
    /// The record.
    pub record: Record,
}

/// The operator's side of the outbox.
#[async_trait]
pub trait Operate: Send + Sync {
    /// Rows by acceptance.
    async fn entries(&self, filter: EntryFilter) -> Result<Vec<EntryRow>, StoreError>;

    /// One row.
    async fn entry(&self, id: &str) -> Result<Option<EntryRow>, StoreError>;

    /// Makes a parked or quarantined row runnable at `now`, its failures forgotten. `possible_double` stays known: a
    /// create is searched for before it is sent.
    async fn retry(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError>;

    /// As [`retry`](Self::retry), on the word of somebody who looked: the EHR does not have it. It is sent as if it had
    /// never left, also where the EHR could not keep out a second one. For a state the word holds for the parked states of
    /// the same visit too: they may be one resource there.
    async fn retry_absent(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError>;

    /// Gives a row that is not in flight up for good, with the reason, in the ledger too.
    async fn skip(&self, id: &str, reason: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError>;

    /// Asserts a delivered row of a state channel once more at `now`, if it is its stream's newest.
    async fn replay(&self, id: &str, now: Timestamp) -> Result<Result<(), NotDone>, StoreError>;

    /// After a restore: every row that is waiting, in flight, or parked as a possible double is quarantined. Says how many.
    async fn quarantine(&self, reason: &str, now: Timestamp) -> Result<u64, StoreError>;

    /// Records of the ledger after place `seq`, oldest first.
    async fn ledger(&self, after: i64, limit: u32) -> Result<Vec<Chained>, StoreError>;

    /// All records about one row, oldest first.
    async fn ledger_of(&self, entry: &str) -> Result<Vec<Chained>, StoreError>;

    /// The last link of the ledger and its place; `(0, BEGINNING)` while it is empty.
    async fn ledger_head(&self) -> Result<(i64, Hash), StoreError>;
}
