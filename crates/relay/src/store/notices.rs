//! Notices in the store: per recipient, in commit order, pulled by cursor. Hints and sockets are the hub's.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Recipient, StoreError};

/// Something to tell one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    /// Whom.
    pub recipient: Recipient,
    /// The protocol's `NoticeKind` as JSON: time and role, nothing of the patient.
    pub kind: String,
}

/// A notice that was committed: what the hub hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedNotice {
    /// Whom.
    pub recipient: Recipient,
    /// Its cursor.
    pub seq: u32,
}

/// A notice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNotice {
    /// The cursor: grows by one for each notice of this recipient, from 1.
    pub seq: u32,
    /// The visit it is about.
    pub visit: String,
    /// When it was committed.
    pub at: Timestamp,
    /// The protocol's `NoticeKind` as JSON.
    pub kind: String,
}

/// Notices and who was last seen.
#[async_trait]
pub trait Notices: Send + Sync {
    /// The notices after a cursor, in order, at most `limit`.
    async fn notices_after(
        &self,
        recipient: &Recipient,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredNotice>, StoreError>;

    /// The newest cursor of this person; 0 when they were never told anything.
    async fn cursor(&self, recipient: &Recipient) -> Result<u32, StoreError>;

    /// Tells people something about a visit that did not itself change (the chart accepted a write, for one).
    async fn announce(
        &self,
        visit: &str,
        notices: Vec<NewNotice>,
        now: Timestamp,
    ) -> Result<Vec<CommittedNotice>, StoreError>;

    /// This person's companion is there.
    async fn companion_seen(&self, recipient: &Recipient, at: Timestamp) -> Result<(), StoreError>;

    /// When this person's companion was last there.
    async fn companion_last_seen(&self, recipient: &Recipient) -> Result<Option<Timestamp>, StoreError>;

    /// Forgets notices older than `before`; cursors keep growing. Returns how many.
    async fn forget_notices(&self, before: Timestamp) -> Result<u64, StoreError>;
}
