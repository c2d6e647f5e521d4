//! What the relay keeps. The store sees sealed bytes and HMAC look-up keys only; unsealing and every rule stand above
//! it in `arrivals.rs`. One trait per concern, so that a back end has one file per concern; [`Store`] is all of them.
//!
//! Times the store is given come from the relay's `Clock`; leases alone are measured by the database's own time.

mod notices;
mod onetime;
mod outbox;
pub mod sqlite;
mod visits;
mod watches;

pub use notices::{CommittedNotice, NewNotice, Notices, StoredNotice};
pub use onetime::{Link, Links, NonceBinding, OneTime, OneTimeKind, PageSession, Sessions};
pub use outbox::{ChartRow, ChartWord, ClaimPolicy, Lease, NewOutboxEntry, Outbox, OutboxCounts, Outcome, Settled};
pub use visits::{
    Change, CommitError, Committed, EventKey, LookupKey, Meeting, Member, OpenVisit, Recipient, StoredVisit, VisitRow,
    Visits, WrappedKey,
};
pub use watches::{StoredWatch, Watches};

use async_trait::async_trait;

/// The store failed. The words are for an operator and hold no value of any row.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, is busy for too long, is full or read-only.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database cannot be used as it is; the sentence says what to change.
    #[error("{0}")]
    Unfit(String),
    /// A row does not hold what this version wrote: the file was changed by hand or by a newer version.
    #[error("the database holds a {0} this version cannot read")]
    Unreadable(&'static str),
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Unfit(format!("the database's schema is not this version's: {error}"))
    }
}

/// Everything the relay keeps, on whatever database. Held as `Arc<dyn Store>`.
#[async_trait]
pub trait Store: Visits + Notices + Outbox + Sessions + Links + Watches {
    /// A write transaction can be opened: what `/readyz` asks.
    async fn ready(&self) -> Result<(), StoreError>;

    /// The organization's data key, wrapped by the master key.
    async fn organization_key(&self, organization: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps `wrapped` unless a key is already there (two nodes may start at once), and returns the one that stands.
    async fn keep_organization_key(&self, organization: &str, wrapped: Vec<u8>) -> Result<Vec<u8>, StoreError>;

    /// Closes every connection, after which nothing works any more.
    async fn close(&self);
}
