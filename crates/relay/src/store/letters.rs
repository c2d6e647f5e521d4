//! Messages in which one-time links leave, in the store: written with the change that made the link, claimed by one node
//! at a time, erased once they have left. Who they go to is sealed; when to try again is the caller's affair.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// A letter that is to leave with a [`Change`](super::Change).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLetter {
    /// Opaque, random.
    pub id: String,
    /// Address and link, sealed under the visit's key with the letter's id as associated data.
    pub sealed: Vec<u8>,
    /// From this moment on it does not leave any more.
    pub expires_at: Timestamp,
}

/// A letter that somebody is to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedLetter {
    /// Its id.
    pub id: String,
    /// The visit it belongs to.
    pub visit: String,
    /// Whose.
    pub organization: String,
    /// As in [`NewLetter`].
    pub sealed: Vec<u8>,
    /// As in [`NewLetter`].
    pub expires_at: Timestamp,
    /// The n-th attempt, from 1. Whoever settles must name it: one that took too long settles nothing.
    pub attempt: u32,
}

/// Letters.
#[async_trait]
pub trait Letters: Send + Sync {
    /// Takes at most `limit` letters of an organization that are due at `now`, earliest first. Nobody else gets them
    /// before `until`.
    async fn claim_letters(
        &self,
        organization: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedLetter>, StoreError>;

    /// The attempt is over: the letter is due `again` then, or, where there is no again, erased. False if it had been
    /// claimed anew meanwhile, or is gone.
    async fn settle_letter(&self, id: &str, attempt: u32, again: Option<Timestamp>) -> Result<bool, StoreError>;

    /// When the organization's next letter is due.
    async fn next_letter_at(&self, organization: &str) -> Result<Option<Timestamp>, StoreError>;
}

/// A row, as every database answers it: id, visit, organization, sealed, `expires_at`, attempt.
pub(super) type Row = (String, String, String, Vec<u8>, i64, i32);

impl ClaimedLetter {
    /// From a row.
    pub(super) fn read((id, visit, organization, sealed, expires_at, attempt): Row) -> Result<Self, StoreError> {
        let expires_at = super::steps::at(expires_at)?;
        let attempt = u32::try_from(attempt).map_err(|_| StoreError::Unreadable("letter"))?;
        Ok(Self { id, visit, organization, sealed, expires_at, attempt })
    }
}
