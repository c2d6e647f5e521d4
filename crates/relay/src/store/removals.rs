//! Visits whose meeting somebody has to empty or delete, in the store: due with the change that ends the visit or takes that back,
//! claimed by one node at a time. What is to be done is read off the visit each time, never off this row.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// A meeting that somebody is to look after now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRemoval {
    /// The visit.
    pub visit: String,
    /// Whose.
    pub organization: String,
    /// Our leg in the meeting's call, if we are in: Graph's id.
    pub call: Option<String>,
    /// Why nobody could be removed, in a word.
    pub refused: Option<String>,
    /// The n-th look, from 1. Whoever settles must name it: one that took too long settles nothing.
    pub attempt: u32,
}

/// When to look again, and how things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextLook {
    /// When.
    pub at: Timestamp,
    /// As in [`ClaimedRemoval`].
    pub call: Option<String>,
    /// As in [`ClaimedRemoval`].
    pub refused: Option<String>,
}

/// Removals.
#[async_trait]
pub trait Removals: Send + Sync {
    /// Takes at most `limit` that are due at `now`, earliest first. Nobody else gets them before `until`, unless the visit's
    /// end is given or taken back meanwhile.
    async fn claim_removals(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedRemoval>, StoreError>;

    /// The look is over: there is a next one, or none. False if it had been claimed anew meanwhile, or is gone.
    async fn settle_removal(&self, visit: &str, attempt: u32, next: Option<NextLook>) -> Result<bool, StoreError>;

    /// When the next look is due.
    async fn next_removal_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Whether somebody still has to look after this visit's meeting.
    async fn has_removal(&self, visit: &str) -> Result<bool, StoreError>;

    /// Why nobody could be removed from this visit's meeting, in a word.
    async fn removal_refused(&self, visit: &str) -> Result<Option<String>, StoreError>;
}

/// A row, as every database answers it: visit, organization, call, refused, attempt.
pub(super) type Row = (String, String, Option<String>, Option<String>, i32);

impl ClaimedRemoval {
    /// From a row.
    pub(super) fn read((visit, organization, call, refused, attempt): Row) -> Result<Self, StoreError> {
        let attempt = u32::try_from(attempt).map_err(|_| StoreError::Unreadable("removal"))?;
        Ok(Self { visit, organization, call, refused, attempt })
    }
}
