//! What the relay keeps. The store sees sealed bytes and HMAC look-up keys only; unsealing and every rule stand above
//! it in `arrivals.rs`. One trait per concern, so that a back end has one file per concern; [`Store`] is all of them.
//!
//! Times the store is given come from the relay's `Clock`; leases and the life of nodes are measured by the database's own.

mod aftercare;
mod chart;
mod closing;
mod given_up;
mod hints;
mod letters;
pub mod look;
mod nodes;
mod notices;
mod onetime;
mod open;
mod operate;
mod outbox;
pub mod postgres;
mod removals;
pub mod sqlite;
mod steps;
mod visits;
mod watches;
mod web;

pub use aftercare::{Aftercare, Quarantined};
pub use closing::{ClosedVisit, Closing, Summary};
pub use given_up::{ClaimedGivenUp, GivenUp, NewGivenUp};
pub use hints::{Hint, Hints};
pub use letters::{ClaimedLetter, Letters, NewLetter};
pub use nodes::{NodeId, Nodes, Stretch};
pub use notices::{CommittedNotice, NewNotice, Notices, StoredNotice};
pub use onetime::{Link, Links, NonceBinding, OneTime, OneTimeKind, PageSession, Sessions};
pub use open::open;
pub use operate::{Chained, EntryFilter, EntryRow, NotDone, Operate, Standing, Wish};
pub use outbox::{
    Channel, ChartRow, ChartWord, ClaimPolicy, Claimed, EntryState, Lease, NewOutboxEntry, Others, Outbox,
    OutboxCounts, Outcome, Settled, Settlement,
};
pub use removals::{ClaimedRemoval, NextLook, Removals};
pub use visits::{
    Change, CommitError, Committed, EventKey, LookupKey, Meeting, Member, OpenVisit, Recipient, StoredVisit, VisitRow,
    Visits, WrappedKey,
};
pub use watches::{StoredWatch, Watches};
pub use web::{WebSession, WebSessions};

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

/// The store failed. The words are for an operator and hold no value of any row.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, is busy for too long, is full or read-only.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The transaction that several writes shared failed: none of them is kept.
    #[error("the database failed: {0}")]
    Shared(Arc<sqlx::Error>),
    /// The disk failed while a commit was made durable. Whether it stands is unknown, and so is what a second try would
    /// mean: the relay must stop.
    #[error("the disk failed while committing, so the relay must stop: {0}")]
    Broken(String),
    /// The database cannot be used as it is; the sentence says what to change.
    #[error("{0}")]
    Unfit(String),
    /// A row does not hold what this version wrote: the file was changed by hand or by a newer version.
    #[error("the database holds a {0} this version cannot read")]
    Unreadable(&'static str),
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError as M;
        match error {
            M::Execute(error) => Self::Database(error),
            M::VersionMissing(found) => Self::Unfit(format!(
                "the database was written by a newer version of this relay (its schema is at step {found}, which this \
                 version does not know); start that version, or restore a backup from before the update"
            )),
            M::VersionMismatch(step) => Self::Unfit(format!(
                "the database was written by another build of this relay (step {step} of its schema reads otherwise \
                 there); start that build, or restore a backup from before it"
            )),
            M::ExecuteMigration(error, step) => Self::Unfit(format!(
                "the database could not be brought to step {step} of its schema and stays as it was: {error}"
            )),
            error => Self::Unfit(format!("the database's schema is not this version's: {error}")),
        }
    }
}

/// Everything the relay keeps, on whatever database. Held as `Arc<dyn Store>`.
#[async_trait]
pub trait Store:
    Visits
    + Notices
    + Outbox
    + Operate
    + Closing
    + Aftercare
    + Sessions
    + WebSessions
    + Links
    + Letters
    + Removals
    + GivenUp
    + Watches
    + Nodes
{
    /// A write transaction can be opened: what `/readyz` asks.
    async fn ready(&self) -> Result<(), StoreError>;

    /// The organization's data key, wrapped by the master key.
    async fn organization_key(&self, organization: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps `wrapped` unless a key is already there (two nodes may start at once), and returns the one that stands.
    async fn keep_organization_key(&self, organization: &str, wrapped: Vec<u8>) -> Result<Vec<u8>, StoreError>;

    /// Turns true when the disk has failed under a commit ([`StoreError::Broken`]): whoever serves has to stop. One whose
    /// sender is gone never turns true.
    fn broken(&self) -> watch::Receiver<bool> {
        watch::channel(false).1
    }

    /// What other nodes on this database do from now on. None where there can be no other node.
    async fn hints(&self) -> Result<Option<Hints>, StoreError> {
        Ok(None)
    }

    /// Closes every connection, after which nothing works any more.
    async fn close(&self);
}
