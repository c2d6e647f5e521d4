//! Meetings that their visits have given up, in the store: kept by the commit that gives one up, claimed by one node at a time,
//! gone once Graph has deleted it or nobody asks any more. The visit itself knows nothing of them.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{StoreError, steps};

/// A meeting that its visit gives up with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGivenUp {
    /// Opaque, random.
    pub id: String,
    /// The meeting, sealed under the visit's key.
    pub sealed: Vec<u8>,
}

/// A meeting that somebody is to delete now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedGivenUp {
    /// As in [`NewGivenUp`].
    pub id: String,
    /// Whose it was.
    pub visit: String,
    /// The organization's key.
    pub organization: String,
    /// As in [`NewGivenUp`].
    pub sealed: Vec<u8>,
    /// Since when it is to go.
    pub since: Timestamp,
    /// The n-th try, from 1. Whoever settles must name it: one that took too long settles nothing.
    pub attempt: u32,
}

/// Meetings that were given up.
#[async_trait]
pub trait GivenUp: Send + Sync {
    /// Takes at most `limit` that are due at `now`, earliest first. Nobody else gets them before `until`.
    async fn claim_given_up(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedGivenUp>, StoreError>;

    /// The try is over: there is another, or none. False if it had been claimed anew meanwhile, or is gone.
    async fn settle_given_up(&self, id: &str, attempt: u32, again: Option<Timestamp>) -> Result<bool, StoreError>;

    /// When the next try is due.
    async fn next_given_up_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Whether a meeting of this visit's is still to be deleted.
    async fn has_given_up(&self, visit: &str) -> Result<bool, StoreError>;
}

/// A row, as every database answers it: id, visit, organization, sealed, since, attempt.
pub(super) type Row = (String, String, String, Vec<u8>, i64, i32);

impl ClaimedGivenUp {
    /// From a row.
    pub(super) fn read((id, visit, organization, sealed, since, attempt): Row) -> Result<Self, StoreError> {
        let attempt = u32::try_from(attempt).map_err(|_| StoreError::Unreadable("given-up meeting"))?;
        Ok(Self { id, visit, organization, sealed, since: steps::at(since)?, attempt })
    }
}
